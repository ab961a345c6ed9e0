"""A model file with its weights in half precision: half as large, and loaded as any other."""

import io
import os
import tempfile
import zipfile
from pathlib import Path

import h5py
import numpy as np

from keras_stt.errors import InputError
from keras_stt.recognizer import load_model

WEIGHTS = "model.weights.h5"  # in a .keras file


def write_half_precision(model_path, out_path) -> dict:
    """Copies a model with all float32 weights as float16; Keras makes them float32 again when it loads them.

    What only training needs, the state of the optimizer, is left behind.

    Args:
        model_path: what `keras_stt.load_model` takes.
        out_path: the `.keras` file to write.

    Returns:
        `bytes` of the new file, and `largest_change` of any weight.

    Raises:
        InputError: there is no such model, the file cannot be written, or a weight is too large for half precision.
    """
    out_path = Path(out_path)
    try:
        with tempfile.TemporaryDirectory(dir=out_path.parent, prefix=f".{out_path.name}.") as folder:
            whole, halved = Path(folder, "whole.keras"), Path(folder, "halved.keras")
            load_model(model_path).save(whole)
            change = _copy(whole, halved)
            os.replace(halved, out_path)
    except OSError as error:
        raise InputError(f"{out_path}: cannot be written ({error.strerror}); name another") from error
    return {"bytes": out_path.stat().st_size, "largest_change": change}


def _copy(whole: Path, halved: Path) -> float:
    """The largest change of a weight."""
    change = 0.0
    with zipfile.ZipFile(whole) as read, zipfile.ZipFile(halved, "w", zipfile.ZIP_DEFLATED) as written:
        for name in read.namelist():
            content = read.read(name)
            if name == WEIGHTS:
                content, change = _halved(content)
            written.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return change


def _halved(content: bytes) -> tuple[bytes, float]:
    """The weights with every float32 array as float16, and the largest change that made."""
    new, change = io.BytesIO(), 0.0

    def copy(name, item):
        nonlocal change
        if isinstance(item, h5py.Group):
            group = halved.require_group(name)
            group.attrs.update(item.attrs)
            return
        values = item[()]
        if values.dtype == np.float32:
            if values.size and np.abs(values).max() > np.finfo(np.float16).max:
                raise InputError(f"weight {name}: too large for half precision; keep the model as it is")
            half = values.astype(np.float16)
            change = max(change, float(np.abs(half.astype(np.float32) - values).max(initial=0.0)))
            values = half
        halved.create_dataset(name, data=values).attrs.update(item.attrs)

    with h5py.File(io.BytesIO(content), "r") as whole, h5py.File(new, "w") as halved:
        halved.attrs.update(whole.attrs)
        whole.visititems(copy)
    return new.getvalue(), change
