"""What to say where the backend that `KERAS_BACKEND` names, or a package of an extra, is not there."""

import re

from keras_stt.chosen_backend import BACKENDS, chosen_backend
from keras_stt.errors import InputError

_OF_EXTRA = re.compile(r"""([\w.-]+)[^;]*;.*extra == ['"](\w+)['"]""")  # sounddevice>=0.5; extra == "live"


def require_known_backend() -> None:
    """Raises InputError where what chooses the backend names none. Call it before Keras is imported, which would not
    say so.
    """
    asked, named_by = chosen_backend()
    if asked not in BACKENDS:
        raise InputError(f"{named_by} {asked!r}: give one of {', '.join(BACKENDS)}")


def missing_backend(error: ModuleNotFoundError) -> str:
    """One line about a backend, or another package, that is not installed, with what installs it.

    Raises:
        ModuleNotFoundError: the same, where it is about a module of this package.
    """
    name = (error.name or "").partition(".")[0]
    if name in BACKENDS:
        return f"{name} is not installed: pip install {name}, or name another by KERAS_BACKEND"
    if name in ("", "keras_stt"):
        raise error
    extra = _extra_of(name)
    return f"{name} is not installed: pip install " + (f"'keras_stt[{extra}]'" if extra else name)


def _extra_of(module: str) -> str:
    """The extra of this package that a module comes with; empty where none is known."""
    import importlib.metadata

    try:
        lines = importlib.metadata.requires("keras_stt") or []
    except importlib.metadata.PackageNotFoundError:
        return ""
    found = [_OF_EXTRA.match(line) for line in lines]
    names = {match[1].replace("-", "_").lower(): match[2] for match in reversed(found) if match}
    return names.get(module.lower(), "")
