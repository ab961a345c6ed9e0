"""Attention scores that know no places, and what all score layers share."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_stt")
class DotProductScores(keras.layers.Layer):
    """How much each query wants each key: their dot product.

    Other kinds bend it by the places of both, which only count by their distance: all places moved by the same
    amount give the same scores.

    Call: query `(B, H, U, d)`, already scaled, and key `(B, H, T, d)` to scores `(B, H, U, T)`.
        `query_places` `(U,)` and `key_places` `(T,)`: where they stand on one axis, in floats; counted from 0 where
        not given. `key_valid` `(B, T)`: true where a key is no padding. Scores of padded keys mean nothing; who takes
        the softmax masks them.

    Attributes:
        turns_alone: whether the scores are the dot product of what `turned` makes of queries and keys, each by its own
            places, so that fused attention gives the same.
    """

    turns_alone = True

    def __init__(self, **kwargs):
        # Places keep their float32 under mixed precision.
        super().__init__(autocast=False, **kwargs)

    def build(self, query_shape, key_shape):
        pass

    def call(self, query, key, query_places=None, key_places=None, key_valid=None):
        return self.dot_product(self.turned(query, query_places), self.turned(key, key_places))

    def turned(self, values, places=None):
        """Queries or keys as the dot product takes them."""
        return values

    def dot_product(self, query, key):
        query, key = ops.cast(query, self.compute_dtype), ops.cast(key, self.compute_dtype)
        return ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))

    def compute_output_shape(self, query_shape, key_shape):
        return (*query_shape[:3], key_shape[2])
