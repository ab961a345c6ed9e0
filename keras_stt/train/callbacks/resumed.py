"""The first epoch of a run that goes on in the middle of one."""

import keras

from keras_stt.train.checkpoints.state import restore_metrics, restore_random


class ResumedEpoch(keras.callbacks.Callback):
    """Has Keras take only the steps that are left of an epoch, with the sums of its metrics and the random numbers of
    the process as they were. Comes before all other callbacks, some of which may stop the training.

    Args:
        state: of the checkpoint; see `checkpoints.model_state`.
        steps: that the epoch has taken already.
        steps_per_epoch: of the run.
    """

    def __init__(self, state: dict, steps: int, steps_per_epoch: int):
        super().__init__()
        self.state, self.left, self.in_the_middle = state, steps_per_epoch - steps, steps > 0

    def on_epoch_begin(self, epoch, logs=None):
        if self.in_the_middle:
            restore_metrics(self.model, self.state)

    def on_train_batch_begin(self, batch, logs=None):
        if self.state:
            restore_random(self.state)
            self.state = {}

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.in_the_middle and self.left == 0:
            self.model.stop_training = True  # ends the epoch; Keras asks again when it has ended

    def on_epoch_end(self, epoch, logs=None):
        if self.in_the_middle:
            self.model.stop_training = self.in_the_middle = False
