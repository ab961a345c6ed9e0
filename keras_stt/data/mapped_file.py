"""Large files as arrays: only what is asked for is read, and none of it is held."""

import mmap
import os

import numpy as np


class MappedArray:
    """A file of numbers, of which `array[start:stop]` is a read-only view `(N,)`, or `(N, columns)`.

    Pieces are read at places that nobody foresees. The system is told so, since it would otherwise read megabytes
    around each; and it is told where a piece begins and ends, since it would otherwise read that page by page.
    """

    def __init__(self, path, dtype, columns: int | None = None):
        self._mapping, values = None, np.zeros(0, dtype)
        if os.path.getsize(path):  # nothing cannot be mapped
            with open(path, "rb") as file:
                self._mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            values = np.frombuffer(self._mapping, dtype)
        self._values = values if columns is None else values.reshape(-1, columns)
        self._advised = self._mapping is not None and hasattr(mmap, "MADV_RANDOM")  # not on Windows
        if self._advised:
            self._mapping.madvise(mmap.MADV_RANDOM)

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, piece: slice) -> np.ndarray:
        found = self._values[piece]
        if self._advised and found.nbytes > mmap.PAGESIZE:
            start = piece.start * self._values.strides[0]
            first = start - start % mmap.PAGESIZE
            self._mapping.madvise(mmap.MADV_WILLNEED, first, start + found.nbytes - first)
        return found
