"""Rows of indexes to log-mel frames: a part's file holds those of its rows one after the other."""

import dataclasses
import functools
import json
from collections.abc import Callable, Sequence

import numpy as np

from keras_stt import __version__
from keras_stt.audio import AudioError
from keras_stt.bulk.parts import Part, read_part
from keras_stt.bulk.rows import Rows
from keras_stt.data.feature_store import FORMAT, frames_of, reason_of
from keras_stt.errors import InputError


@dataclasses.dataclass(frozen=True)
class LogMel:
    """Frames of float16 of each row.

    Attributes:
        indexes: their folders, from the root on.
    """

    indexes: tuple[str, ...]
    mel_bands: int

    def identity(self) -> str:
        return json.dumps(["log-mel", FORMAT, __version__, self.mel_bands])

    def open(self) -> Callable[[int], np.ndarray]:
        rows = Rows(self.indexes)
        return lambda row: frames_of(rows[row], self.mel_bands).astype(np.float16)

    def content(self, inputs: Sequence[int], results: list) -> bytes:
        """A line of JSON, for each row the count of its frames or why it has none, in two texts; then the frames."""
        frames = [one.tobytes() for one in results if not isinstance(one, InputError)]
        told = [[str(one), reason_of(one)] if isinstance(one, InputError) else len(one) for one in results]
        return b"".join([json.dumps(told).encode(), b"\n", *frames])


def rows_of_parts(parts: Sequence[Part], mel_bands: int) -> Callable[[int], np.ndarray]:
    """The frames of a row of parts that have been made, for rows in about their order.

    The function returns float16 `(T, mel_bands)`, or raises an AudioError for what the row's audio raised.
    """
    size = len(parts[0].inputs) if parts else 1

    @functools.lru_cache(maxsize=2)
    def opened(number: int) -> tuple[list, np.ndarray, np.ndarray]:
        content = read_part(parts[number])
        if content is None:
            raise OSError(f"{parts[number].path}: damaged since it was made")
        line, _, data = content.partition(b"\n")
        told = json.loads(line)
        counts = [count if isinstance(count, int) else 0 for count in told]
        return told, np.cumsum([0, *counts]), np.frombuffer(data, np.float16).reshape(-1, mel_bands)

    def frames(row: int) -> np.ndarray:
        number, place = divmod(row, size)
        told, starts, values = opened(number)
        if isinstance(told[place], list):
            raise AudioError(*told[place])
        return values[starts[place] : starts[place + 1]]

    return frames
