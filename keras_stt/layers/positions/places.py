"""Places: numbers that say where each member of a sequence stands, `(T,)` in float32."""

from keras import ops


def count_places(size, dtype="float32"):
    """0, 1, 2, ... `(size,)`, by a sum: a range over a dynamic size cannot be exported from JAX."""
    return ops.cumsum(ops.ones((size,), dtype=dtype)) - 1


def slot_places(slots, steps_per_word: float):
    """The places of text slots among audio steps, `(slots,)`, if every word took equally long.

    Slot u stands in the middle of the steps of word u; audio step t stands at t.
    """
    return (count_places(slots) + 0.5) * steps_per_word - 0.5


def distances(query, key, query_places=None, key_places=None):
    """How far each key stands after each query, `(U, T)` in float32; places that are not given are counted.

    Args:
        query, key: `(B, H, U, d)` and `(B, H, T, d)`.
    """
    if query_places is None:
        query_places = count_places(ops.shape(query)[2])
    if key_places is None:
        key_places = count_places(ops.shape(key)[2])
    return ops.cast(key_places, "float32")[None, :] - ops.cast(query_places, "float32")[:, None]
