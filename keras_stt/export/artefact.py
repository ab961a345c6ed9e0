"""The folder of an artefact: what lies in it, and how it is written whole or not at all."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from keras_stt.errors import InputError

METADATA = "keras_stt.json"
REPORT = "export_report.json"


class ExportError(RuntimeError):
    """The export failed, or the artefact does not say what its model says. The message is one line."""


def require_free(out_dir: Path) -> None:
    """Raises InputError where something lies that is no earlier export."""
    if not out_dir.exists() or (out_dir / METADATA).is_file():
        return
    if not out_dir.is_dir() or any(out_dir.iterdir()):
        raise InputError(f"{out_dir}: exists and is no earlier export; give a new folder")


@contextlib.contextmanager
def whole_folder(out_dir: Path) -> Iterator[Path]:
    """A folder to write into, which takes the place of `out_dir` at the end, and vanishes where that fails.

    Raises:
        InputError: it cannot be written.
    """
    building = None
    try:
        out_dir.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=out_dir.parent, prefix=f".{out_dir.name}."))
        yield building
        umask = os.umask(0)
        os.umask(umask)
        building.chmod(0o777 & ~umask)  # mkdtemp lets only the owner in
        if out_dir.exists():
            shutil.rmtree(out_dir)
        os.replace(building, out_dir)
    except OSError as error:
        raise InputError(f"{out_dir}: cannot be written ({error.strerror or error}); check its folder") from error
    finally:
        if building is not None:
            shutil.rmtree(building, ignore_errors=True)


def size_in_bytes(path: Path) -> int:
    """Of an artefact: a file, the weights beside an .xml, or the graph and variables of a SavedModel."""
    files = [path / "saved_model.pb", *path.glob("variables/*")] if path.is_dir() else [path, path.with_suffix(".bin")]
    return sum(file.stat().st_size for file in files if file.is_file())
