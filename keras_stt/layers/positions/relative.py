"""Learned relative positions, as a bias on the scores."""

import keras
from keras import ops

from keras_stt.layers.positions.dot_product import DotProductScores
from keras_stt.layers.positions.places import distances


@keras.saving.register_keras_serializable("keras_stt")
class RelativeScores(DotProductScores):
    """Adds a learned number for each head and each distance in a window that slides along with the query.

    The relative positions of Shaw et al. (2018), as the scalar bias of T5 (Raffel et al., 2020). It begins at zero.

    Args:
        window: places to each side that are told apart; all beyond count as the last.
    """

    turns_alone = False

    def __init__(self, window: int, **kwargs):
        super().__init__(**kwargs)
        self.window = window

    def build(self, query_shape, key_shape):
        self.table = self.add_weight(name="table", shape=(query_shape[1], 2 * self.window + 1), initializer="zeros")

    def call(self, query, key, query_places=None, key_places=None, key_valid=None):
        # Distances between text slots and audio steps are often halves: the last digit, which is another on each
        # backend, must not decide where they go.
        places = ops.floor(distances(query, key, query_places, key_places) + 0.501)
        return self.dot_product(query, key) + self.of_distance(places)

    def of_distance(self, places):
        """The table's entries for whole distances `(U, T)`: `(H, U, T)`."""
        index = ops.cast(ops.clip(places, -self.window, self.window), "int32") + self.window
        return ops.cast(ops.take(self.table, index, axis=1), self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "window": self.window}
