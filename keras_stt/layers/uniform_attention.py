"""Attention of a model that does not listen."""

import keras
from keras import ops

from keras_stt.layers.attention import padding_bias
from keras_stt.layers.lengths import length_mask, pooled_lengths


@keras.saving.register_keras_serializable("keras_stt")
class UniformAttention(keras.layers.Layer):
    """Every text slot looks at all valid audio steps alike.

    Args:
        slots: text slots, U.
        stride: frames in an audio step.

    Call: frames `(B, T, F)`, of which only the length is read, and lengths `(B,)` in frames to weights
        `(B, U, ceil(T / stride))`, float32, which sum to one over the last axis.
    """

    def __init__(self, slots: int, stride: int, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.slots, self.stride = slots, stride

    def call(self, frames, lengths):
        steps = (ops.shape(frames)[1] + self.stride - 1) // self.stride
        valid = length_mask(pooled_lengths(lengths, self.stride), steps)
        weights = ops.softmax(padding_bias(valid, "float32")[:, 0], axis=-1)
        return ops.repeat(weights, self.slots, axis=1)

    def compute_output_shape(self, frames_shape, lengths_shape=None):
        batch, frames, _ = frames_shape
        return (batch, self.slots, None if frames is None else -(-frames // self.stride))

    def get_config(self):
        return {**super().get_config(), "slots": self.slots, "stride": self.stride}
