"""When checkpoints are written: every so many steps, after every epoch, and when a run is asked to stop."""

import keras

from keras_stt.train.checkpoints.folder import CheckpointFolder
from keras_stt.train.checkpoints.progress import THIS, Progress
from keras_stt.train.checkpoints.state import all_finite, model_state, parts_weighed
from keras_stt.train.distribution.alone import Alone
from keras_stt.train.not_a_number import NotANumber
from keras_stt.train.stop_signals import StopSignals

MEETING_STEPS = 10  # from one to the next at which several processes ask each other whether to stop


class Checkpoint(keras.callbacks.Callback):
    """Saves checkpoints; comes after what measures, and after what puts averaged weights into the model.

    Of several processes the first one writes; all stop together, at one of the steps at which they ask each other.

    Args:
        folder: where they lie.
        progress: from where training goes on; it moves with it.
        watchers: callbacks with `state()`, plain values that are saved too.
        every: steps from one checkpoint to the next within an epoch; 0: only at its end.
        steps_per_epoch: of the run.
        stop: what the process was asked by a signal.
        distribution: see `train.distribution`.

    Raises:
        NotANumber: weights are no numbers, and are not saved.
        Stopped: after a checkpoint, when a signal has come.
    """

    def __init__(
        self,
        folder: CheckpointFolder,
        progress: Progress,
        watchers: list,
        every: int,
        steps_per_epoch: int,
        stop: StopSignals,
        distribution: Alone,
    ):
        super().__init__()
        self.folder, self.progress, self.watchers = folder, progress, watchers
        self.every, self.steps_per_epoch, self.stop = every, steps_per_epoch, stop
        self.distribution = distribution

    def on_train_batch_end(self, batch, logs=None):
        self.progress.steps += 1
        if self.progress.steps >= self.steps_per_epoch:
            return  # it is saved when it has been measured
        is_due = self.every and self._step() % self.every == 0
        # One process looks at every step whether it was asked; several ask each other now and then.
        meets = is_due or self.distribution.processes == 1 or self._step() % MEETING_STEPS == 0
        stops = meets and self.distribution.any(self.stop.asked is not None)
        if is_due or stops:
            self._save()
        if stops:
            self.stop.obey(self._step())

    def on_epoch_end(self, epoch, logs=None):
        progress = self.progress
        row = {"epoch": epoch + 1, **{name: float(value) for name, value in (logs or {}).items()}}
        progress.history.append(row)
        progress.epoch, progress.steps = epoch + 1, 0
        is_best = self._is_best(row)
        if is_best:
            progress.best_before = progress.best
            progress.best, progress.best_epoch = THIS, epoch + 1
        name = self._save()
        if is_best:
            progress.best = name
        self.model.stop_training = self.distribution.any(self.model.stop_training)
        if self.distribution.any(self.stop.asked is not None):
            self.stop.obey(self._step())

    def _is_best(self, row: dict) -> bool:
        if "dev_wer" not in row:  # in a process that measures nothing
            return False
        best = self.progress.best_epoch
        return not best or row["dev_wer"] <= self.progress.history[best - 1]["dev_wer"]

    def _step(self) -> int:
        return self.progress.at(self.steps_per_epoch)

    def _save(self) -> str | None:
        state = model_state(self.model)
        if not all_finite(state):
            raise NotANumber(self._step() - 1, "weights are no numbers")
        if self.distribution.process:
            return None
        self.progress.watchers = {type(watcher).__name__: watcher.state() for watcher in self.watchers}
        # As one replica would count them, whoever goes on.
        return self.folder.write(parts_weighed(state, 1 / self.distribution.parts_weight), self.progress, self._step())
