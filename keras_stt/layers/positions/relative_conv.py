"""A sliding window over the scores themselves."""

import keras
from keras import ops

from keras_stt.layers.positions.places import distances
from keras_stt.layers.positions.relative import RelativeScores


@keras.saving.register_keras_serializable("keras_stt")
class RelativeConvScores(RelativeScores):
    """Adds to the scores of every query their convolution along the keys, one kernel a head (the diary's D08).

    A key is wanted more, or less, because a key some places further is. The kernel of `2 * window + 1` keys begins at
    zero. Queries are all treated alike: those of equal content keep equal scores, wherever they stand.
    """

    def call(self, query, key, query_places=None, key_places=None, key_valid=None):
        scores = self.dot_product(query, key)
        seen = scores
        if key_valid is not None:  # padding must look like the zeros beyond the edge
            seen = scores * ops.cast(key_valid, scores.dtype)[:, None, None, :]
        # As a product with a banded matrix, `(H, T, T)`, which is faster than a depthwise convolution on most devices.
        places = distances(key, key)
        further = ops.transpose(places)  # row: the key that is seen, column: the key whose score changes
        inside = ops.cast(ops.abs(places) <= self.window, scores.dtype)
        return scores + ops.matmul(seen, self.of_distance(further) * inside)
