"""A file that is there whole or not at all: written beside its place, on the disk before it takes it."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import BinaryIO

TEMPORARY = ".writing."  # how the names of files begin that a killed process left


@contextlib.contextmanager
def written_whole_file(path) -> Iterator[BinaryIO]:
    """A file to write into that takes the place of `path` at the end; on an error nothing is left of it.

    Raises:
        OSError: it cannot be written; what was at `path` is as it was.
    """
    folder, name = os.path.split(os.path.abspath(path))
    with written_and_named(folder, lambda file: name) as file:
        yield file


@contextlib.contextmanager
def written_and_named(folder, name_of: Callable[[BinaryIO], str]) -> Iterator[BinaryIO]:
    """The same, its name in `folder` made of what was written: `name_of` gets the file at its beginning."""
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=TEMPORARY)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            name = name_of(file)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp lets only the owner read
        os.replace(temporary, os.path.join(folder, name))
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync(folder)


def _sync(folder) -> None:
    """Has the disk keep the folder's names."""
    if os.name == "nt":  # where folders cannot be opened
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
