"""Callbacks that look at a model which lies on several devices."""

import keras

from keras_stt.train.checkpoints.state import copy_weights


class OnOneDevice(keras.callbacks.Callback):
    """At the end of each epoch, gives its callbacks the same model on this process's first device alone.

    What predicts there needs no batches that devices can share, nor the other processes.

    Args:
        callbacks: those that measure at the end of an epoch; what they add to the logs stays.
        twin: a compiled model like the one that is trained; it gets its weights.
        distribution: see `train.distribution`.
    """

    def __init__(self, callbacks: list, twin: keras.Model, distribution):
        super().__init__()
        self.callbacks, self.twin, self.distribution = callbacks, twin, distribution

    def set_params(self, params):
        super().set_params(params)
        for callback in self.callbacks:
            callback.set_params(params)

    def on_train_begin(self, logs=None):
        for callback in self.callbacks:
            callback.set_model(self.twin)
            callback.on_train_begin(logs)

    def on_epoch_begin(self, epoch, logs=None):
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, logs)

    def on_train_batch_end(self, batch, logs=None):
        for callback in self.callbacks:
            callback.on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch, logs=None):
        with self.distribution.aside():
            copy_weights(self.model, self.twin)
            self.twin.stop_training = False
            for callback in self.callbacks:
                callback.on_epoch_end(epoch, logs)
        if self.twin.stop_training:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        for callback in self.callbacks:
            callback.on_train_end(logs)
