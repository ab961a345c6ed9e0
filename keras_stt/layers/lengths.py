"""The masking contract: values `(B, T, F)` travel with lengths `(B,)`, and padding never changes a result."""

from keras import ops


def length_mask(lengths, size):
    """Boolean `(B, size)`: true on the first `lengths` places.

    Counts with cumsum, since a range over a dynamic size cannot be exported from JAX.
    """
    places = ops.cumsum(ops.ones((1, size), dtype="int32"), axis=1) - 1
    return places < ops.cast(lengths, "int32")[:, None]


def pooled_lengths(lengths, stride: int):
    """Lengths after every `stride` places became one; a last, partly filled place counts."""
    return (ops.cast(lengths, "int32") + stride - 1) // stride
