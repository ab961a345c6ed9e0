"""Which recordings are meant: files, folders, and what a list names; each once, in an order that stays."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from keras_stt.audio import EXTENSIONS
from keras_stt.errors import FlagError, InputError


def find_recordings(places: Iterable[str], list_file: str = "") -> list[str]:
    """Paths, as they were given, of recordings.

    Args:
        places: files, whatever their names; folders, of which all that is named as audio is taken, at any depth, in
            the order of their names. Links are followed, a folder that was there before is not entered again.
        list_file: of more paths, a line each, or between NULs as `find -print0` writes them.

    Raises:
        FlagError: the list cannot be read.
        InputError: there is nothing to do. A file that is not there is no error here: it is told as its result.
    """
    found: dict[str, str] = {}
    for place in [*places, *(_listed(list_file) if list_file else [])]:
        for path in _below(place) if os.path.isdir(place) else [place]:
            found.setdefault(os.path.abspath(path), path)
    if not found:
        raise InputError(f"no recordings ({', '.join(EXTENSIONS)}) there; give files or folders that have some")
    return list(found.values())


def _listed(list_file: str) -> list[str]:
    try:
        text = os.fsdecode(Path(list_file).read_bytes())
    except OSError as error:
        raise FlagError("list", f"{list_file} cannot be read ({error.strerror}); check the path") from error
    return [path for path in text.split("\0" if "\0" in text else "\n") if path.strip()]


def _unreadable(error: OSError) -> None:
    raise InputError(f"{error.filename}: cannot be read ({error.strerror}); its recordings would be left out")


def _below(folder: str) -> Iterator[str]:
    entered = set()
    for parent, folders, names in os.walk(folder, followlinks=True, onerror=_unreadable):
        status = os.stat(parent)
        if (status.st_dev, status.st_ino) in entered:
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        folders.sort()
        yield from (os.path.join(parent, name) for name in sorted(names) if name.lower().endswith(EXTENSIONS))
