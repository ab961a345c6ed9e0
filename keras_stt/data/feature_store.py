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

from keras_stt.data.index import Index
from keras_stt.data.mapped_file import MappedArray
from keras_stt.errors import InputError
from keras_stt.features import MEL_BANDS, log_mel
from keras_stt.formats.whole_folder import written_whole

FORMAT = 1


class ComputedFeatures:
    """Decodes and transforms an utterance whenever it is asked for: no disk, more work."""

    def __init__(self, index: Index, mel_bands: int = MEL_BANDS):
        self.index, self.mel_bands = index, mel_bands
        self.skipped: dict[str, int] = {}

    def __getitem__(self, row: int) -> np.ndarray:
        try:
            return log_mel(self.index[row].read(), self.mel_bands)
        except InputError:
            self.skipped["unreadable audio"] = self.skipped.get("unreadable audio", 0) + 1
            return np.zeros((0, self.mel_bands), np.float32)

    @property
    def usable(self) -> np.ndarray:
        """Bool, of every utterance: nobody knows before it is decoded."""
        return np.ones(len(self.index), bool)


class FeatureStore:
    """Frames of a whole index in `folder`: `store[row]` is float16 `(T, mel_bands)`, read from disk as it is used.

    Utterances whose audio cannot be read are counted in `skipped` and have no frames; see `usable`.
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
        compute: of a row, its frames `(T, mel_bands)`, or InputError where it cannot be read; None decodes and
            transforms its audio.
    """
    folder = Path(folder)
    made_of = _made_of(index, fingerprint, mel_bands)
    if is_built(index, folder, fingerprint, mel_bands):
        return FeatureStore(folder)
    with written_whole(folder) as building:
        skipped = _write(index, building, label, mel_bands, compute or computed_row(index, mel_bands))
        (building / "meta.json").write_text(
            json.dumps({**made_of, "skipped": dict(skipped)}, indent=1), encoding="utf-8"
        )
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


def computed_row(records, mel_bands: int) -> Callable[[int], np.ndarray]:
    """What decodes and transforms a row of `records`: float16 `(T, mel_bands)`, or InputError."""
    return lambda row: log_mel(records[row].read(), mel_bands).astype(np.float16)


def _write(
    index: Index, folder: Path, label: str, mel_bands: int, compute: Callable[[int], np.ndarray]
) -> collections.Counter:
    """Writes `frames.f16` and `starts.npy`; returns the utterances that could not be read, by reason."""
    skipped = collections.Counter()

    def features(row):
        try:
            return compute(row)
        except InputError:
            skipped["unreadable audio"] += 1
            return np.zeros((0, mel_bands), np.float16)

    starts = np.zeros(len(index) + 1, np.int64)
    workers = os.cpu_count() or 1
    with (folder / "frames.f16").open("wb") as file, concurrent.futures.ThreadPoolExecutor(workers) as pool:
        # A few rows at a time: `map` would otherwise decode the whole corpus ahead of the disk.
        for first in tqdm(range(0, len(index), 16), desc=label, unit=" x16 utterances", leave=False, mininterval=0.5):
            rows = range(first, min(first + 16, len(index)))
            for row, frames in zip(rows, pool.map(features, rows), strict=True):
                file.write(frames.tobytes())
                starts[row + 1] = starts[row] + len(frames)
    np.save(folder / "starts.npy", starts)
    return skipped
