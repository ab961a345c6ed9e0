"""Weights in HDF5, checked to be plain arrays that lie in the file itself."""

import math
from typing import BinaryIO

import h5py

from keras_stt.archives import shown

_MOST_OBJECTS = 50_000  # groups and arrays; a model of 30 blocks with its optimizer has 3,000
_BFLOAT16 = "bfloat16"  # HDF5 has no such type: Keras stores two bytes and says so beside them


def check_weights(file: BinaryIO) -> int:
    """Checks that each object is a group or an array of numbers, stored whole in this file and reached once.

    So nothing outside is opened, and all arrays together are no larger than the file.

    Returns:
        How many numbers there are in all arrays.

    Raises:
        ValueError, OSError, ...: it is not so, or the file is damaged; one line, which names no file.
    """
    values = stored = 0
    with h5py.File(file, "r") as root:
        size = root.id.get_filesize()
        groups, seen = [root], {h5py.h5o.get_info(root.id).addr}
        while groups:
            group = groups.pop()
            for name in group:
                item = _opened(group, name)
                address = h5py.h5o.get_info(item.id).addr
                if address in seen or len(seen) > _MOST_OBJECTS:
                    raise ValueError(f"weights: {shown(item.name)} is there twice, or there are too many")
                seen.add(address)
                if isinstance(item, h5py.Group):
                    groups.append(item)
                    continue
                stored += _checked_bytes(item)
                if stored > size:
                    raise ValueError(f"weights: they claim more than the {size:,} bytes of their file")
                values += math.prod(item.shape)
    return values


def _opened(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    """What a name stands for; a link is not followed."""
    if not isinstance(link := group.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"weights: {shown(name)} is a link ({type(link).__name__}) to somewhere else")
    item = group[name]
    if not isinstance(item, h5py.Group | h5py.Dataset):
        raise ValueError(f"weights: {shown(item.name)} is neither a group nor an array")
    return item


def _checked_bytes(array: h5py.Dataset) -> int:
    """The bytes of an array, all of which are there."""
    name = shown(array.name)
    if array.external or array.is_virtual:
        raise ValueError(f"weights: {name} lies in another file")
    if array.chunks is not None:
        raise ValueError(f"weights: {name} is stored in chunks, which Keras never does")
    if array.shape is None or not _is_of_numbers(array):
        raise ValueError(f"weights: {name} is no array of numbers")
    size = math.prod(array.shape) * array.dtype.itemsize
    if array.id.get_storage_size() != size:
        raise ValueError(f"weights: {name} claims {size:,} bytes and stores {array.id.get_storage_size():,}")
    return size


def _is_of_numbers(array: h5py.Dataset) -> bool:
    if unknown := set(array.attrs) - {"dtype"}:
        raise ValueError(f"weights: {shown(array.name)} has an attribute {shown(min(unknown))}")
    if array.dtype.kind in "fiub":
        return True
    opaque = array.dtype.kind == "V" and array.dtype.itemsize == 2 and not array.dtype.names
    return opaque and array.attrs.get("dtype") == _BFLOAT16
