"""An identity matrix as positions."""

import keras
from keras import ops

from keras_stt.layers.positions.places import count_places
from keras_stt.layers.positions.value_position import ValuePosition


@keras.saving.register_keras_serializable("keras_stt")
class DiagonalPosition(ValuePosition):
    """Adds one to the value number t at place t, from the first value again after the last (the diary's D07)."""

    def table(self, size, width):
        return ops.one_hot(ops.mod(count_places(size, "int32"), width), width)
