"""The index of a corpus split on disk: written once, opened lazily, random access, nothing decoded.

A folder with `records.jsonl` (a record a line), `offsets.npy` (where each line starts), `durations.npy` (seconds),
`words.npy` (words in each record), `vocabulary_counts.json`, `skipped.json` (what was left out) and `meta.json`. Arrays
are memory-mapped and lines are read one at a time, so memory does not grow with the corpus.
"""

import functools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from keras_stt.data.index_writer import write_index
from keras_stt.data.mapped_file import MappedArray
from keras_stt.data.records import Record
from keras_stt.formats.whole_folder import written_whole

FORMAT = 3  # raised when the layout changes, so that an old index is built again


class Index:
    """An index that lies in `folder`. Open it as often as you like; it costs a few memory maps."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.meta = json.loads((self.folder / "meta.json").read_text(encoding="utf-8"))
        self.offsets = np.load(self.folder / "offsets.npy", mmap_mode="r")
        self.durations = np.load(self.folder / "durations.npy", mmap_mode="r")
        self.word_counts = np.load(self.folder / "words.npy", mmap_mode="r")

    def __len__(self) -> int:
        return len(self.durations)

    @functools.cached_property
    def _lines(self):
        return MappedArray(self.folder / "records.jsonl", np.uint8)

    def __getitem__(self, row: int) -> Record:
        return Record.from_bytes(self._lines[int(self.offsets[row]) : int(self.offsets[row + 1])].tobytes())

    def __iter__(self) -> Iterator[Record]:
        with open(self.folder / "records.jsonl", "rb") as lines:  # one after the other, files are read fastest
            for line in lines:
                yield Record.from_bytes(line)

    @property
    def content(self) -> str:
        """A hash of all records: what is computed from them is kept with it, and made again where they are others."""
        return self.meta["content"]

    @property
    def skipped(self) -> dict[str, int]:
        """Records left out when the index was built, by reason."""
        return self.meta["skipped"]

    @property
    def skipped_rows(self) -> list[tuple[str, str]]:
        """Reason and place of each of them, as far as they are listed."""
        return [tuple(row) for row in json.loads((self.folder / "skipped.json").read_text(encoding="utf-8"))]

    @property
    def speakers(self) -> list[str]:
        return self.meta["speakers"]

    @property
    def hours(self) -> float:
        return float(np.sum(self.durations, dtype=np.float64)) / 3600

    def vocabulary_counts(self) -> dict[str, int]:
        """How often each word is said."""
        return json.loads((self.folder / "vocabulary_counts.json").read_text(encoding="utf-8"))


def is_complete(folder, fingerprint: str) -> bool:
    """Whether a whole index of that fingerprint lies in `folder`; `meta.json` is written last."""
    try:
        meta = json.loads((Path(folder) / "meta.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return meta.get("format") == FORMAT and meta.get("fingerprint") == fingerprint


def build_index(records: Iterable[Record], folder, fingerprint: str, label: str = "index") -> Index:
    """Writes an index in one pass and opens it. An interrupted build leaves nothing behind that looks whole.

    Text is normalised here. Left out, counted and listed are records without words, that last no time or longer than
    any utterance, whose text cannot be said in their time, and whose id an earlier one has.

    Args:
        records: the corpus, in any order; its attributes `skipped` and `skipped_rows`, if any, are counted in. Ids must
            be unique within each value that its attribute `part`, if any, has meanwhile: corpora may be joined.
        folder: replaced if it exists.
        fingerprint: what the index was made from; see `is_complete`.
        label: shown by the progress bar.
    """
    with written_whole(folder) as building:
        meta, skipped_rows = write_index(records, building, label)
        meta |= {"format": FORMAT, "fingerprint": fingerprint}
        (building / "skipped.json").write_text(json.dumps(skipped_rows), encoding="utf-8")
        (building / "meta.json").write_text(json.dumps(meta, indent=1), encoding="utf-8")
    return Index(folder)
