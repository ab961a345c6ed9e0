"""Manifests of recordings, CSV, TSV or JSON lines: a file with a split column, or a file for each split."""

from collections.abc import Iterator

from keras_stt.data.records import Record
from keras_stt.data.sources.options import SPLITS, CorpusOptions
from keras_stt.data.sources.parts import belongs, file_parts
from keras_stt.data.sources.segments import SegmentReader
from keras_stt.data.sources.stream import RecordStream
from keras_stt.errors import InputError
from keras_stt.formats.manifest import EXTENSIONS, ManifestRow, parse_manifest

SPLIT_NAMES = {
    "": "train",
    "train": "train",
    "training": "train",
    "dev": "dev",
    "val": "dev",
    "valid": "dev",
    "validation": "dev",
    "test": "test",
}


def splits(options: CorpusOptions) -> dict[str, RecordStream]:
    """The records of the splits "train", "dev" and "test".

    A manifest named for a split, or rows with that split, make up the split. Speakers of the train part (rows without
    a split are in it too) are held out for splits that have neither; where the speakers are not known, whole
    recordings. Rows without audio or beyond its end are skipped and counted.

    Raises:
        FlagError: there is no manifest.
        InputError: a malformed row, with its line number.
    """
    parts = file_parts(options, EXTENSIONS)
    rows: dict[str, list[ManifestRow]] = {}
    for part, paths in parts.items():
        for path in paths:
            for row in parse_manifest(path):
                # The file's name decides, unless it is the one file of all splits.
                split = _split_of(row, path) if part == "train" else part
                rows.setdefault(split, []).append(row)

    def stream_of(split: str) -> RecordStream:
        chosen = rows.get(split, [])
        if split == "train" or split not in rows:
            chosen = [row for row in rows.get("train", []) if belongs(_speaker(row), split, rows, options)]
        return RecordStream(lambda stream: _read(chosen, stream), length_hint=len(chosen))

    return {split: stream_of(split) for split in SPLITS}


def _split_of(row: ManifestRow, path: str) -> str:
    split = SPLIT_NAMES.get(row.split.lower())
    if split is None:
        raise InputError(f"{path}: row {row.id!r} has split {row.split!r}; write train, dev or test")
    return split


def _speaker(row: ManifestRow) -> str:
    return row.speaker or row.audio


def _read(rows: list[ManifestRow], stream: RecordStream) -> Iterator[Record]:
    reader = SegmentReader(stream)
    for row in rows:
        record = reader.record(row.id, row.audio, row.start, row.end, _speaker(row), row.text)
        if record is not None:
            yield record
