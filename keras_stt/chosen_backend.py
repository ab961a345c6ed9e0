"""Which backend Keras will take, found out without importing it."""

import json
import os

BACKENDS = ("tensorflow", "jax", "torch")  # each its own package's name; the first where nothing is asked for


def chosen_backend() -> tuple[str, str]:
    """The name of the backend, which may be none, and what names it: KERAS_BACKEND, a keras.json, or an empty text."""
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"], "KERAS_BACKEND"
    home = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")
    path = os.path.join(home, "keras.json")
    try:
        with open(path, encoding="utf-8") as file:
            return str(json.load(file)["backend"]), path
    except (OSError, ValueError, KeyError, TypeError):
        return BACKENDS[0], ""
