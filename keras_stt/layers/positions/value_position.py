"""What all layers share that add places to values."""

import keras
from keras import ops


class ValuePosition(keras.layers.Layer):
    """Values `(B, T, F)` to values `(B, T, F)` that know their places, one vector for each place.

    A kind gives `table(size, width)`, `(T, F)`. Every kind may be told the lengths `(B,)` of the values; only one that
    looks at neighbours (`conv`) needs them.
    """

    def build(self, values_shape, lengths_shape=None):
        pass

    def call(self, values, lengths=None):
        return values + ops.cast(self.table(ops.shape(values)[1], values.shape[-1]), values.dtype)[None]

    def compute_output_shape(self, values_shape, lengths_shape=None):
        return values_shape


@keras.saving.register_keras_serializable("keras_stt")
class NoPosition(ValuePosition):
    """Values as they are: nothing tells places apart, or attention does."""

    def call(self, values, lengths=None):
        return values
