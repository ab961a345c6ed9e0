"""A folder of files that is there whole or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from keras_stt.errors import is_full, write_error


@contextlib.contextmanager
def written_whole(folder) -> Iterator[Path]:
    """Gives a folder beside `folder` to write into, which takes its place at the end; on an error nothing is left.

    Raises:
        InputError: the folder cannot be made or replaced; OutputError where the disk is at fault, also while it is
            filled. What else is raised then goes its own way.
    """
    folder = Path(folder)
    with _told(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        yield building
        with _told(folder):
            umask = os.umask(0)
            os.umask(umask)
            building.chmod(0o777 & ~umask)  # mkdtemp lets only the owner in
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(building, folder)
    except OSError as error:
        if is_full(error):
            raise write_error(folder, error) from error
        raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


@contextlib.contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise write_error(folder, error) from error
