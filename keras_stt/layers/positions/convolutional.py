"""Positions from the neighbourhood."""

import keras
from keras import ops

from keras_stt.layers.lengths import length_mask
from keras_stt.layers.positions.value_position import ValuePosition


@keras.saving.register_keras_serializable("keras_stt")
class ConvolutionalPosition(ValuePosition):
    """Adds GELU of a convolution over the places around, each value for itself.

    That of wav2vec 2.0 (Baevski et al., 2020), depthwise as in conditional positional encodings (Chu et al., 2021):
    what a value knows of its place it knows from its neighbours, and from the zeros beyond both ends.

    Args:
        kernel: places, an odd number. 31 audio steps of 60 ms are near the 2.5 s of wav2vec.
    """

    def __init__(self, kernel: int = 31, **kwargs):
        super().__init__(**kwargs)
        if kernel % 2 == 0:
            raise ValueError(f"convolutional position: a kernel of {kernel} has no middle; give an odd number")
        self.kernel = kernel
        self.convolution = keras.layers.DepthwiseConv1D(
            kernel, padding="same", activation="gelu", name="convolution", dtype=self.dtype_policy
        )

    def build(self, values_shape, lengths_shape=None):
        self.convolution.build(values_shape)

    def call(self, values, lengths=None):
        seen = values
        if lengths is not None:  # padding must look like the zeros beyond the edge
            seen = values * ops.cast(length_mask(lengths, ops.shape(values)[1]), values.dtype)[..., None]
        return values + self.convolution(seen)

    def get_config(self):
        return {**super().get_config(), "kernel": self.kernel}
