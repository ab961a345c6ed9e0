"""Which phone sounds when, as the TextGrids of a forced aligner tell it."""

import os
from pathlib import Path

import numpy as np

from keras_stt.errors import FlagError
from keras_stt.formats.textgrid import SILENCES, Interval, parse_tiers

SILENCE = "sil"
UNKNOWN = frozenset(["spn", "unk", "<unk>"])  # a word that the aligner could not pronounce
TIER = "phones"


class PhoneLabels:
    """Phones of the utterances of an index for which they are known.

    Attributes:
        names: of the phones, without stress marks; the first is silence.
        known: utterances with phone times.
    """

    def __init__(self, intervals: dict[int, list[Interval]]):
        """Takes the phone intervals, in seconds, of utterances by their row."""
        said = {_phone(label) for row in intervals.values() for _, _, label in row} - {SILENCE, None}
        self.names = [SILENCE, *sorted(said)] if intervals else []
        ids = {name: number for number, name in enumerate(self.names)}
        self._ends, self._ids = {}, {}
        for row, phones in intervals.items():
            self._ends[row] = np.array([end for _, end, _ in phones])
            self._ids[row] = np.array([ids.get(_phone(label), -1) for _, _, label in phones] + [-1], np.int32)

    @classmethod
    def read(cls, index, alignment_dir: str) -> "PhoneLabels":
        """The tier `phones` of each TextGrid in `alignment_dir`, in any folder, that is named as a record is.

        Raises:
            FlagError: there is no such folder.
        """
        if not os.path.isdir(alignment_dir):
            raise FlagError("alignment_dir", f"no folder {alignment_dir!r}; give one with TextGrids for the phone loss")
        paths = {path.stem: path for path in sorted(Path(alignment_dir).rglob("*.TextGrid"))}
        intervals = {}
        for row, record in enumerate(index):
            path = paths.get(record.id.rpartition("/")[2])
            tiers = parse_tiers(path) if path else []
            phones = [tier.intervals for tier in tiers if tier.name.lower().endswith(TIER)]
            if phones and phones[0]:
                intervals[row] = phones[0]
        return cls(intervals)

    @property
    def known(self) -> int:
        return len(self._ends)

    def known_rows(self, rows: int) -> np.ndarray:
        """Which of so many rows have phone times, bool."""
        known = np.zeros(rows, bool)
        known[list(self._ends)] = True
        return known

    def at(self, row: int, seconds: np.ndarray) -> np.ndarray:
        """The phone at each of `seconds` after the utterance's start, int32; -1 where none is known."""
        if row not in self._ends:
            return np.full(len(seconds), -1, np.int32)
        return self._ids[row][np.searchsorted(self._ends[row], seconds, side="right")]


def _phone(label: str) -> str | None:
    """The phone of a label such as `AH0`; None where nobody knows what was said."""
    label = label.strip()
    if label.lower() in SILENCES:
        return SILENCE
    return None if label.lower() in UNKNOWN else label.rstrip("012")
