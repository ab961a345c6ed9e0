"""The folder of an artefact: what lies in it, where it may be written, and its size."""

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


def size_in_bytes(path: Path) -> int:
    """Of an artefact: a file, the weights beside an .xml, or the graph and variables of a SavedModel."""
    files = [path / "saved_model.pb", *path.glob("variables/*")] if path.is_dir() else [path, path.with_suffix(".bin")]
    return sum(file.stat().st_size for file in files if file.is_file())
