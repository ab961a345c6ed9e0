"""What a result depends on."""

import contextlib
import platform
from importlib import metadata

import keras_stt


def versions() -> dict[str, str]:
    """Of Python, of this package and of what its results depend on, as far as installed."""
    found = {"python": platform.python_version(), "keras_stt": keras_stt.__version__}
    for name in ("keras", "tensorflow", "jax", "torch", "tensorflow-datasets", "librosa", "numpy"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
