"""Rotary positions."""

import keras
from keras import ops

from keras_stt.errors import InputError
from keras_stt.layers.positions.dot_product import DotProductScores
from keras_stt.layers.positions.places import count_places
from keras_stt.layers.positions.sinusoidal import wave_angles


@keras.saving.register_keras_serializable("keras_stt")
class RotaryScores(DotProductScores):
    """Turns queries and keys by angles that grow with their places: only differences remain.

    Rotary positions of RoFormer (Su et al., 2021). Value i of the first half of a head and value i of the second half
    are turned as a pair.

    Raises:
        InputError: the heads have an odd number of values.
    """

    def build(self, query_shape, key_shape):
        if query_shape[-1] % 2:
            raise InputError(
                f"rotary positions turn pairs of values, and a head has {query_shape[-1]}; "
                "give a width that heads divide into even parts"
            )

    def turned(self, values, places=None):
        return rotate(values, places)


def rotate(values, places=None):
    """Values `(B, H, T, d)` turned by places `(T,)`, counted where not given."""
    places = count_places(ops.shape(values)[2]) if places is None else ops.cast(places, "float32")
    angles = wave_angles(places, values.shape[-1])
    cosines, sines = ops.cast(ops.cos(angles), values.dtype), ops.cast(ops.sin(angles), values.dtype)
    first, second = ops.split(values, 2, axis=-1)
    return ops.concatenate([first * cosines - second * sines, second * cosines + first * sines], axis=-1)
