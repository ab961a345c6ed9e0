"""Learned absolute positions."""

import keras
from keras import ops

from keras_stt.layers.positions.value_position import ValuePosition


@keras.saving.register_keras_serializable("keras_stt")
class LearnedPosition(ValuePosition):
    """Adds a learned vector for each place: values `(B, T, F)` with `T <= max_length`."""

    def __init__(self, max_length: int, **kwargs):
        super().__init__(**kwargs)
        self.max_length = max_length

    def build(self, values_shape, lengths_shape=None):
        self.vectors = self.add_weight(
            name="table",
            shape=(self.max_length, values_shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=0.02),
        )

    def table(self, size, width):
        return ops.convert_to_tensor(self.vectors)[:size]

    def get_config(self):
        return {**super().get_config(), "max_length": self.max_length}
