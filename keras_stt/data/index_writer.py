"""The files of an index, written in one pass over the records; in a second one where ids come twice."""

import array
import bisect
import collections
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from keras_stt.data.records import Record
from keras_stt.data.skipped import Skipped
from keras_stt.text import normalize, split_words

# Nobody says that much in one breath; what is longer is a recording that was not cut into utterances.
MOST_SECONDS = 3600.0
# The fastest speakers reach some 30 characters a second. A text beyond twice that belongs to other audio.
MOST_CHARACTERS_PER_SECOND = 60.0
DUPLICATE = "duplicate id"


def reason_to_skip(record: Record, text: str) -> str | None:
    """Why an utterance is not one, whatever its word times; `text` is its normalised text."""
    if not text:
        return "no words"
    if not record.duration > 0:  # NaN is not either
        return "no audio"
    if record.duration > MOST_SECONDS:
        return "longer than an hour"
    if len(text) > MOST_CHARACTERS_PER_SECOND * record.duration:
        return "more text than can be said in its time"
    return None


def write_index(records: Iterable[Record], folder: Path, label: str) -> tuple[dict, list[tuple[str, str]]]:
    """Writes all files of an index but `meta.json` and `skipped.json`.

    Args:
        records: their attributes `skipped` and `skipped_rows`, if any, are counted in; ids must be unique within each
            value that their attribute `part` has meanwhile.

    Returns:
        What `meta.json` is to say of them, and reason and place of what was skipped.
    """
    skipped = Skipped()
    with (folder / "records.jsonl").open("w+b") as file:
        written = _Written(file)
        for record in tqdm(records, desc=label, unit=" utterances", leave=False, mininterval=0.5):
            text = normalize(record.text)
            words = split_words(text)
            if reason := reason_to_skip(record, text) or _wrong_times(record, words):
                skipped.add(reason, record.where)
            else:
                fields = {name: getattr(record, name) for name in record.__dataclass_fields__}
                written.add(Record(**{**fields, "text": text}), words, getattr(records, "part", 0))
        duplicates = written.duplicates()
        for row in duplicates:
            skipped.add(DUPLICATE, written.record(row).where)
        if duplicates:
            written = _without(written, duplicates, folder)
    skipped.include(records)
    return {**written.save(folder), "skipped": dict(skipped.counts)}, skipped.rows


def _wrong_times(record: Record, words: list[str]) -> str | None:
    if record.word_times is None:
        return "no word times"
    return "word times do not match the words" if len(record.word_times) != len(words) else None


def id_hash(part: int, identifier: str) -> int:
    """Eight bytes that two ids of a part hardly ever share."""
    name = f"{part} {identifier}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest())


class _Written:
    """Records as they are written to a file of lines, and what is to be known of them all."""

    def __init__(self, file):
        self._file = file
        self._vocabulary, self._speakers, self._content = collections.Counter(), set(), hashlib.sha256()
        self._offsets, self._durations, self._word_counts = array.array("Q", [0]), array.array("f"), array.array("i")
        self._id_hashes = array.array("Q")  # 8 bytes an utterance, where ids as they are would take a hundred
        self._parts: list[int] = []
        self._part_starts: list[int] = []  # the first row of each

    def __len__(self) -> int:
        return len(self._durations)

    def add(self, record: Record, words: list[str], part: int) -> None:
        if not self._parts or self._parts[-1] != part:
            self._parts.append(part)
            self._part_starts.append(len(self))
        self._id_hashes.append(id_hash(part, record.id))
        line = record.to_bytes() + b"\n"
        self._file.write(line)
        self._content.update(line)
        self._offsets.append(self._offsets[-1] + len(line))
        self._durations.append(record.duration)
        self._word_counts.append(len(words))
        self._vocabulary.update(words)
        self._speakers.add(record.speaker)

    def record(self, row: int) -> Record:
        """Reads one back."""
        self._file.seek(self._offsets[row])
        return Record.from_bytes(self._file.read(self._offsets[row + 1] - self._offsets[row]))

    def duplicates(self) -> list[int]:
        """Rows, in order, whose id an earlier row of the same part has. Few bytes are needed where there are none."""
        hashes = np.frombuffer(self._id_hashes, np.uint64)
        ordered = np.sort(hashes)
        twice = ordered[1:][ordered[1:] == ordered[:-1]]
        if not len(twice):
            return []
        rows = np.flatnonzero(np.isin(hashes, twice))
        rows = rows[np.argsort(hashes[rows], kind="stable")]
        found, seen, before = [], set(), None
        for row in rows.tolist():
            if hashes[row] != before:
                seen, before = set(), hashes[row]
            # Ids may differ and have the same hash.
            identity = (self._parts[bisect.bisect_right(self._part_starts, row) - 1], self.record(row).id)
            if identity in seen:
                found.append(row)
            seen.add(identity)
        self._file.seek(0, os.SEEK_END)
        return sorted(found)

    def save(self, folder: Path) -> dict:
        """Writes the arrays beside the records; returns what `meta.json` is to say."""
        np.save(folder / "offsets.npy", np.array(self._offsets, np.uint64))
        np.save(folder / "durations.npy", np.array(self._durations, np.float32))
        np.save(folder / "words.npy", np.array(self._word_counts, np.int32))
        counts = json.dumps(dict(self._vocabulary.most_common()), ensure_ascii=False)
        (folder / "vocabulary_counts.json").write_text(counts, encoding="utf-8")
        return {"records": len(self), "speakers": sorted(self._speakers), "content": self._content.hexdigest()}


def _without(written: _Written, rows: list[int], folder: Path) -> _Written:
    """The same without some rows; `records.jsonl` is written anew."""
    left_out = set(rows)
    temporary = folder / "unique.jsonl"
    with temporary.open("w+b") as file:
        kept = _Written(file)
        for row in range(len(written)):
            if row not in left_out:
                record = written.record(row)
                kept.add(record, split_words(record.text), 0)
    os.replace(temporary, folder / "records.jsonl")
    return kept
