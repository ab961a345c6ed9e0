"""Fixed waves as positions."""

import keras
import numpy as np
from keras import ops

from keras_stt.layers.positions.places import count_places
from keras_stt.layers.positions.value_position import ValuePosition

LONGEST_WAVE = 10_000  # places, divided by 2 pi


def wave_angles(places, width: int):
    """`(T, ceil(width / 2))` float32: how far waves have come at places `(T,)`; the first moves by 1 a place."""
    frequencies = LONGEST_WAVE ** (-2.0 * np.arange((width + 1) // 2) / width)
    return places[:, None] * ops.convert_to_tensor(frequencies, "float32")[None, :]


@keras.saving.register_keras_serializable("keras_stt")
class SinusoidalPosition(ValuePosition):
    """Adds sines to even values and cosines to odd ones, each pair slower than the last (Vaswani et al., 2017)."""

    def table(self, size, width):
        angles = wave_angles(count_places(size), width)
        waves = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)
        return ops.reshape(waves, (size, 2 * angles.shape[1]))[:, :width]
