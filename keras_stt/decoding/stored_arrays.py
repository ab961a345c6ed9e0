"""Arrays in an `.npz` file from outside: plain numbers, each as large as its bytes, and never unpickled."""

import io
import math
from collections.abc import Collection

import numpy as np

from keras_stt.archives import open_archive, read_member


def read_arrays(path, names: Collection[str]) -> dict[str, np.ndarray]:
    """The arrays of a file that holds these and no others, read-only.

    No more memory is taken than `archives.open_archive` allows for an archive of its size.

    Raises:
        OSError: the file cannot be read.
        ValueError, zipfile.BadZipFile, zlib.error: it is no such file.
    """
    with open(path, "rb") as file, open_archive(file, [f"{name}.npy" for name in names]) as archive:
        return {name: _array(read_member(archive, f"{name}.npy")) for name in names}


def _array(content: bytes) -> np.ndarray:
    stream = io.BytesIO(content)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("an array of another version than numpy writes for numbers")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.kind not in "fiu" or len(shape) > 1:
        raise ValueError(f"an array of {dtype}, {len(shape)} dimensions, where rows of numbers belong")
    if math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise ValueError("an array that claims another size than it has")
    return np.frombuffer(content, dtype, offset=stream.tell()).reshape(shape)
