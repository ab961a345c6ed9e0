"""Large files as arrays: only what is asked for is read, and none of it is held."""

import mmap
import os

import numpy as np


def mapped_array(path, dtype, short_pieces: bool = False) -> np.ndarray:
    """A file of numbers as a read-only array `(N,)`.

    Args:
        short_pieces: whether pieces far below 100 KB are read, at places that nobody foresees. The system is told so:
            it would otherwise read a multiple around each, which in a large corpus nobody uses.
    """
    if not os.path.getsize(path):  # nothing cannot be mapped
        return np.zeros(0, dtype)
    with open(path, "rb") as file:
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if short_pieces and hasattr(mmap, "MADV_RANDOM"):  # not on Windows
        mapping.madvise(mmap.MADV_RANDOM)
    return np.frombuffer(mapping, dtype)
