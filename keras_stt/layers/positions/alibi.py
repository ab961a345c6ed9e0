"""Attention with linear biases."""

import keras
import numpy as np
from keras import ops

from keras_stt.layers.positions.dot_product import DotProductScores
from keras_stt.layers.positions.places import distances


def alibi_slopes(heads: int) -> np.ndarray:
    """`(heads,)` float32: a geometric sequence whose first member and ratio are `2 ** (-8 / heads)`."""
    return (2.0 ** (-8.0 * np.arange(1, heads + 1) / heads)).astype(np.float32)


@keras.saving.register_keras_serializable("keras_stt")
class AlibiScores(DotProductScores):
    """Takes from the scores what grows with the distance, by another slope in each head (ALiBi, Press et al., 2022).

    The same to both sides, since a window is read in both directions.
    """

    turns_alone = False

    def call(self, query, key, query_places=None, key_places=None, key_valid=None):
        far = ops.abs(distances(query, key, query_places, key_places))
        bias = ops.convert_to_tensor(alibi_slopes(query.shape[1]))[:, None, None] * far[None]
        return self.dot_product(query, key) - ops.cast(bias, self.compute_dtype)
