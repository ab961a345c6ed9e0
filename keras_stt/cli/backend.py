"""What to say where the backend that `KERAS_BACKEND` names is not there."""

import os

from keras_stt.errors import InputError

BACKENDS = ("tensorflow", "jax", "torch")  # each its own package's name


def require_known_backend() -> None:
    """Raises InputError where `KERAS_BACKEND` names none. Call it before Keras is imported, which would not say so."""
    asked = os.environ.get("KERAS_BACKEND", "") or BACKENDS[0]
    if asked not in BACKENDS:
        raise InputError(f"KERAS_BACKEND {asked!r}: give one of {', '.join(BACKENDS)}")


def missing_backend(error: ModuleNotFoundError) -> str:
    """One line about a backend that is not installed.

    Raises:
        ModuleNotFoundError: the same, where it is about another module.
    """
    if error.name not in BACKENDS:
        raise error
    return f"{error.name} is not installed: pip install {error.name}, or name another by KERAS_BACKEND"
