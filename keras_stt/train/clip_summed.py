"""Gradients that are clipped when those of all devices have been summed, under `tf.distribute`."""

import keras


class ClipSummed:
    """Mixed into an optimizer of Keras. Keras clips what each device has by itself, and the sum of what was clipped is
    another gradient than one device would take for the same batch.
    """

    def _clip_gradients(self, grads):
        return grads

    def _all_reduce_sum_gradients(self, grads_and_vars):
        summed = super()._all_reduce_sum_gradients(grads_and_vars)
        grads, variables = zip(*summed, strict=True)
        return list(zip(super()._clip_gradients(list(grads)), variables, strict=True))


def clipping_summed(kind: type) -> type:
    """The optimizer class that does so, under the same name, by which Keras names its variables; `kind` itself where
    no strategy of `tf.distribute` is in force.
    """
    return type(kind.__name__, (ClipSummed, kind), {}) if has_strategy() else kind


def has_strategy() -> bool:
    """Whether a strategy of `tf.distribute` is in force."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return tf.distribute.has_strategy()
