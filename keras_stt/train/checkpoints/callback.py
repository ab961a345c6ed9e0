"""When checkpoints are written: every so many steps, after every epoch, and when a run is asked to stop."""

import keras

from keras_stt.train.checkpoints.folder import CheckpointFolder
from keras_stt.train.checkpoints.progress import THIS, Progress
from keras_stt.train.checkpoints.state import all_finite, model_state
from keras_stt.train.not_a_number import NotANumber
from keras_stt.train.stop_signals import StopSignals


class Checkpoint(keras.callbacks.Callback):
    """Saves checkpoints; comes after what measures, and after what puts averaged weights into the model.

    Args:
        folder: where they lie.
        progress: from where training goes on.
        watchers: callbacks with `state()`, plain values that are saved too.
        every: steps from one checkpoint to the next within an epoch; 0: only at its end.
        steps_per_epoch: of the run.
        stop: what the process was asked by a signal.

    Raises:
        NotANumber: weights are no numbers, and are not saved.
        StopSignals.Stopped: at the end of a step, after a checkpoint, when a signal has come.
    """

    def __init__(
        self,
        folder: CheckpointFolder,
        progress: Progress,
        watchers: list,
        every: int,
        steps_per_epoch: int,
        stop: StopSignals,
    ):
        super().__init__()
        self.folder, self.progress, self.watchers = folder, progress, watchers
        self.every, self.steps_per_epoch, self.stop = every, steps_per_epoch, stop

    def on_train_batch_end(self, batch, logs=None):
        progress = self.progress
        progress.steps += 1
        ends = progress.steps >= self.steps_per_epoch  # it is saved when it has been measured
        if self.stop.asked and not ends:
            self._save()
            self.stop.obey(progress.at(self.steps_per_epoch))
        if self.every and not ends and progress.at(self.steps_per_epoch) % self.every == 0:
            self._save()

    def on_epoch_end(self, epoch, logs=None):
        progress = self.progress
        row = {"epoch": epoch + 1, **{name: float(value) for name, value in (logs or {}).items()}}
        progress.history.append(row)
        progress.epoch, progress.steps = epoch + 1, 0
        is_best = not progress.best_epoch or row["dev_wer"] <= progress.history[progress.best_epoch - 1]["dev_wer"]
        if is_best:
            progress.best, progress.best_epoch = THIS, epoch + 1
        name = self._save()
        if is_best:
            progress.best = name
        if self.stop.asked:
            self.stop.obey(progress.at(self.steps_per_epoch))

    def _save(self) -> str:
        state, step = model_state(self.model), self.progress.at(self.steps_per_epoch)
        if not all_finite(state):
            raise NotANumber(step - 1, "weights are no numbers")
        self.progress.watchers = {type(watcher).__name__: watcher.state() for watcher in self.watchers}
        return self.folder.write(state, self.progress, step)
