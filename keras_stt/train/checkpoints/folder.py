"""The folder of a run's checkpoints: files that are written whole, checked by their sum when read, and pruned.

A file's name is `HALVINGS-STEP-SUM.npz`: how often the learning rate was halved, the step, and the beginning of the
SHA-256 of what is in it. One rename so publishes a checkpoint and what it is checked by.
"""

import hashlib
import re
import zipfile
from pathlib import Path

import numpy as np

from keras_stt.errors import InputError, write_error
from keras_stt.formats.whole_file import TEMPORARY, written_and_named
from keras_stt.train.checkpoints.progress import THIS, Progress

PROGRESS = "__progress__"
SUM_DIGITS = 16  # of SHA-256, in hexadecimal: against damage, not against forgery
_NAME = re.compile(r"(\d{2})-(\d{9})-([0-9a-f]{16})\.npz")


class CheckpointFolder:
    """Checkpoints in `folder`.

    Args:
        last: how many of the newest are kept, beside the best.
        report: is told, a line each, of what is damaged.
    """

    def __init__(self, folder, last: int = 2, report=print):
        self.folder, self.last, self.report = Path(folder), last, report

    def write(self, arrays: dict[str, np.ndarray], progress: Progress, step: int) -> str:
        """Writes a checkpoint, whole or not at all, then removes those that need not be kept. Returns its name.

        Raises:
            OutputError: the disk is full, say; the checkpoints before it are as they were.
        """
        try:
            return self._write(arrays, progress, step)
        except OSError as error:
            raise write_error(self.folder, error) from error

    def _write(self, arrays, progress, step) -> str:
        name = ""

        def name_of(file) -> str:
            nonlocal name
            name = f"{progress.halvings:02d}-{step:09d}-{_sum(file)}.npz"
            return name

        self.folder.mkdir(parents=True, exist_ok=True)
        with written_and_named(self.folder, name_of) as file:
            np.savez(file, **arrays, **{PROGRESS: np.array(progress.to_json())})
        self._prune(name, {progress.best, progress.best_before})
        return name

    def names(self) -> list[str]:
        """Of all checkpoints, newest first."""
        if not self.folder.is_dir():
            return []
        found = (path.name for path in self.folder.iterdir())
        return sorted((name for name in found if _NAME.fullmatch(name)), reverse=True)

    def newest(self) -> tuple[dict[str, np.ndarray], Progress] | None:
        """The arrays and the progress of the newest checkpoint that is whole; None where there is none.

        A line tells of each that is damaged. Where the best of its run is damaged, the best is found anew from there.
        """
        for name in self.names():
            try:
                arrays, progress = self.read(name)
            except InputError as error:
                self.report(f"{error}; the checkpoint before it is used, or where there is none, training begins anew")
                continue
            if progress.best and progress.best != name:
                try:
                    self._checked(progress.best)
                except InputError as error:
                    self.report(f"{error}; it was the best: that is found anew among the epochs still to come")
                    progress.best, progress.best_epoch = None, 0
            return arrays, progress
        return None

    def read(self, name: str) -> tuple[dict[str, np.ndarray], Progress]:
        """The arrays and the progress of a checkpoint.

        Raises:
            InputError: it is missing or damaged.
        """
        path = self._checked(name)
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {key: stored[key] for key in stored.files}
            progress = Progress.from_json(str(arrays.pop(PROGRESS)))
        except (OSError, EOFError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: cannot be read ({error})") from error
        progress.best = name if progress.best == THIS else progress.best
        return arrays, progress

    def clear(self) -> None:
        """Removes all checkpoints, and what a killed process left half-written."""
        for name in self.names():
            (self.folder / name).unlink()
        self.sweep()

    def sweep(self) -> None:
        """Removes what a killed process left half-written."""
        for path in self.folder.glob(f"{TEMPORARY}*"):
            path.unlink()

    def _checked(self, name: str) -> Path:
        path = self.folder / name
        try:
            with path.open("rb") as file:
                found = _sum(file)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
        if found != _NAME.fullmatch(name)[3]:
            raise InputError(f"{path}: damaged, its checksum is {found}")
        return path

    def _prune(self, newest: str, best: set[str | None]) -> None:
        # What is newer by name is damaged, or of a run that was begun anew.
        older = [name for name in self.names() if name <= newest]
        kept = {*older[: self.last], *best}
        for name in self.names():
            if name not in kept:
                (self.folder / name).unlink()


def _sum(file) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()[:SUM_DIGITS]
