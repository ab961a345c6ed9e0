"""The index of a corpus split on disk: written once, opened lazily, random access, nothing decoded.

A folder with `records.jsonl` (a record a line), `offsets.npy` (where each line starts), `durations.npy` (seconds),
`words.npy` (words in each record), `vocabulary_counts.json` and `meta.json`. Arrays are memory-mapped and lines are
read one at a time, so memory does not grow with the corpus.
"""

import array
import collections
import functools
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from keras_stt.data.mapped_file import MappedArray
from keras_stt.data.records import Record
from keras_stt.formats.whole_folder import written_whole
from keras_stt.text import normalize, split_words

FORMAT = 2  # raised when the layout changes, so that an old index is built again


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
        return Record.from_json(self._lines[int(self.offsets[row]) : int(self.offsets[row + 1])].tobytes().decode())

    def __iter__(self) -> Iterator[Record]:
        with open(self.folder / "records.jsonl", "rb") as lines:  # one after the other, files are read fastest
            for line in lines:
                yield Record.from_json(line.decode())

    @property
    def content(self) -> str:
        """A hash of all records: what is computed from them is kept with it, and made again where they are others."""
        return self.meta["content"]

    @property
    def skipped(self) -> dict[str, int]:
        """Records left out when the index was built, by reason."""
        return self.meta["skipped"]

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

    Text is normalised here. Records without words, or that last no time, are left out and counted.

    Args:
        records: the corpus, in any order; its attribute `skipped`, if any, is counted in.
        folder: replaced if it exists.
        fingerprint: what the index was made from; see `is_complete`.
        label: shown by the progress bar.
    """
    with written_whole(folder) as building:
        meta = _write(records, building, label)
        meta |= {"format": FORMAT, "fingerprint": fingerprint}
        (building / "meta.json").write_text(json.dumps(meta, indent=1, ensure_ascii=False), encoding="utf-8")
    return Index(folder)


def _write(records, folder: Path, label: str) -> dict:
    skipped, vocabulary = collections.Counter(), collections.Counter()
    speakers, content = set(), hashlib.sha256()
    offsets, durations, word_counts = array.array("Q", [0]), array.array("f"), array.array("i")
    with (folder / "records.jsonl").open("wb") as lines:
        for record in tqdm(records, desc=label, unit=" utterances", leave=False, mininterval=0.5):
            text = normalize(record.text)
            words = split_words(text)
            if reason := _reason_to_skip(record, words):
                skipped[reason] += 1
                continue
            fields = {name: getattr(record, name) for name in record.__dataclass_fields__}
            line = (Record(**{**fields, "text": text}).to_json() + "\n").encode()
            lines.write(line)
            content.update(line)
            offsets.append(offsets[-1] + len(line))
            durations.append(record.duration)
            word_counts.append(len(words))
            vocabulary.update(words)
            speakers.add(record.speaker)
    skipped.update(getattr(records, "skipped", {}))
    np.save(folder / "offsets.npy", np.array(offsets, np.uint64))
    np.save(folder / "durations.npy", np.array(durations, np.float32))
    np.save(folder / "words.npy", np.array(word_counts, np.int32))
    counts = json.dumps(dict(vocabulary.most_common()), ensure_ascii=False)
    (folder / "vocabulary_counts.json").write_text(counts, encoding="utf-8")
    found = {"records": len(durations), "skipped": dict(skipped), "speakers": sorted(speakers)}
    return {**found, "content": content.hexdigest()}


def _reason_to_skip(record: Record, words: list[str]) -> str | None:
    if not words:
        return "no words"
    if record.duration <= 0:
        return "no audio"
    if record.word_times is None:
        return "no word times"
    if len(record.word_times) != len(words):
        return "word times do not match the words"
    return None
