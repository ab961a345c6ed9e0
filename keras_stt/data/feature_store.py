"""Log-mel frames of every utterance: kept in one memory-mapped file, or computed each time they are asked for.

A window is cut some twenty times from one utterance in an epoch, so decoding and transforming it once pays. The file
takes 16 KB for a second of audio (half precision, 80 bands), about as much as FLAC does.
"""

import collections
import concurrent.futures
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from keras_stt.audio import SILENT, TOO_SHORT, AudioError
from keras_stt.data.index import Index
from keras_stt.data.mapped_file import MappedArray
from keras_stt.data.records import Record
from keras_stt.data.skipped import Skipped
from keras_stt.errors import InputError
from keras_stt.features import HOP_LENGTH, MEL_BANDS, log_mel
from keras_stt.formats.whole_folder import written_whole

FORMAT = 2


class ComputedFeatures:
    """Decodes and transforms an utterance whenever it is asked for: no disk, more work.

    Utterances whose audio cannot be used are counted in `skipped`, once, when they are first asked for.
    """

    def __init__(self, index: Index, mel_bands: int = MEL_BANDS):
        self.index, self.mel_bands = index, mel_bands
        self._unusable: dict[int, tuple[str, str]] = {}

    def __getitem__(self, row: int) -> np.ndarray:
        if row not in self._unusable:
            record = self.index[row]
            try:
                return frames_of(record, self.mel_bands)
            except InputError as error:
                self._unusable[row] = (reason_of(error), record.where)
        return np.zeros((0, self.mel_bands), np.float32)

    @property
    def skipped(self) -> dict[str, int]:
        """How many utterances of those asked for cannot be used, by reason."""
        return dict(collections.Counter(reason for reason, _ in self.skipped_rows))

    @property
    def skipped_rows(self) -> list[tuple[str, str]]:
        """Reason and place of each of them."""
        return [found for _, found in sorted(self._unusable.copy().items())]

    @property
    def usable(self) -> np.ndarray:
        """Bool, of every utterance: nobody knows before it is decoded."""
        return np.ones(len(self.index), bool)


class FeatureStore:
    """Frames of a whole index in `folder`: `store[row]` is float16 `(T, mel_bands)`, read from disk as it is used.

    Utterances whose audio cannot be used are counted in `skipped` and have no frames; see `usable`.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.meta = json.loads((self.folder / "meta.json").read_text(encoding="utf-8"))
        self.starts = np.load(self.folder / "starts.npy", mmap_mode="r")
        self.frames = MappedArray(self.folder / "frames.f16", np.float16, self.meta["mel_bands"])

    def __getitem__(self, row: int) -> np.ndarray:
        return self.frames[int(self.starts[row]) : int(self.starts[row + 1])]

    @property
    def usable(self) -> np.ndarray:
        """Bool, of every utterance: whether it could be decoded."""
        return self.starts[1:] > self.starts[:-1]

    @property
    def skipped(self) -> dict[str, int]:
        return self.meta["skipped"]

    @property
    def skipped_rows(self) -> list[tuple[str, str]]:
        """Reason and place of each of them, as far as they are listed."""
        return [tuple(row) for row in json.loads((self.folder / "skipped.json").read_text(encoding="utf-8"))]


def frames_of(record: Record, mel_bands: int = MEL_BANDS) -> np.ndarray:
    """The log-mel frames of an utterance that something can be learned from.

    Raises:
        AudioError: it cannot be read, is shorter than a frame, or digital silence: what its text says is not in it.
    """
    samples = record.read()
    if len(samples) < HOP_LENGTH:
        raise AudioError(f"{record.where}: {TOO_SHORT}; leave it out", TOO_SHORT)
    if samples.min() == samples.max():
        raise AudioError(f"{record.where}: digital silence; leave it out", SILENT)
    return log_mel(samples, mel_bands)


def reason_of(error: InputError) -> str:
    """Under which an utterance whose audio raised this is counted."""
    return getattr(error, "reason", "unreadable audio")


def open_features(
    index: Index,
    folder,
    fingerprint: str,
    label: str = "features",
    mel_bands: int = MEL_BANDS,
    compute: Callable[[int], np.ndarray] | None = None,
):
    """Opens the store in `folder`, building it first when it is missing or was made from another index.

    Args:
        compute: of a row, its frames `(T, mel_bands)`, or InputError where it cannot be used; None decodes and
            transforms its audio.
    """
    if is_built(index, folder, fingerprint, mel_bands):
        return FeatureStore(folder)
    with written_whole(folder) as building:
        skipped = _write(index, building, label, mel_bands, compute or (lambda row: frames_of(index[row], mel_bands)))
        (building / "skipped.json").write_text(json.dumps(skipped.rows), encoding="utf-8")
        meta = {**_made_of(index, fingerprint, mel_bands), "skipped": dict(skipped.counts)}
        (building / "meta.json").write_text(json.dumps(meta, indent=1), encoding="utf-8")
    return FeatureStore(folder)


def is_built(index: Index, folder, fingerprint: str, mel_bands: int = MEL_BANDS) -> bool:
    """Whether the store of that index lies in `folder`."""
    try:
        meta = json.loads((Path(folder) / "meta.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return all(meta.get(name) == value for name, value in _made_of(index, fingerprint, mel_bands).items())


def _made_of(index: Index, fingerprint: str, mel_bands: int) -> dict:
    return {"format": FORMAT, "fingerprint": fingerprint, "content": index.content, "mel_bands": mel_bands}


def _write(index: Index, folder: Path, label: str, mel_bands: int, compute: Callable[[int], np.ndarray]) -> Skipped:
    """Writes `frames.f16` and `starts.npy`; returns the utterances that could not be used."""
    skipped = Skipped()

    def features(row: int) -> tuple[np.ndarray, tuple[str, str] | None]:
        try:
            return compute(row).astype(np.float16, copy=False), None
        except InputError as error:
            return np.zeros((0, mel_bands), np.float16), (reason_of(error), index[row].where)

    starts = np.zeros(len(index) + 1, np.int64)
    workers = os.cpu_count() or 1
    with (folder / "frames.f16").open("wb") as file, concurrent.futures.ThreadPoolExecutor(workers) as pool:
        # A few rows at a time: `map` would otherwise decode the whole corpus ahead of the disk.
        for first in tqdm(range(0, len(index), 16), desc=label, unit=" x16 utterances", leave=False, mininterval=0.5):
            rows = range(first, min(first + 16, len(index)))
            for row, (frames, wrong) in zip(rows, pool.map(features, rows), strict=True):
                file.write(frames.tobytes())
                starts[row + 1] = starts[row] + len(frames)
                if wrong:
                    skipped.add(*wrong)
    np.save(folder / "starts.npy", starts)
    return skipped
