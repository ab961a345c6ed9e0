"""Where in a sequence a value stands. One layer per kind, made by `position_layer`."""

import keras
from keras import ops

from keras_stt.errors import InputError


@keras.saving.register_keras_serializable("keras_stt")
class LearnedPosition(keras.layers.Layer):
    """Adds a learned vector for each place: values `(B, T, F)` with `T <= max_length`."""

    def __init__(self, max_length: int, **kwargs):
        super().__init__(**kwargs)
        self.max_length = max_length

    def build(self, input_shape):
        self.table = self.add_weight(
            name="table",
            shape=(self.max_length, input_shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=0.02),
        )

    def call(self, values):
        return values + ops.cast(self.table, values.dtype)[None, : ops.shape(values)[1]]

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "max_length": self.max_length}


POSITIONS = {"learned": LearnedPosition}


def position_layer(kind: str, max_length: int, **kwargs) -> keras.layers.Layer:
    """The position layer named `kind`, for sequences of at most `max_length` places."""
    if kind not in POSITIONS:
        raise InputError(f"position {kind!r}: expected one of {', '.join(POSITIONS)}")
    return POSITIONS[kind](max_length, **kwargs)
