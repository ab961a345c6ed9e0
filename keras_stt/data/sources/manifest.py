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
    recordings. Skipped and counted are malformed rows, those of an unknown split, without audio or beyond its end.

    Raises:
        FlagError: there is no manifest.
        InputError: a manifest cannot be read, has not the columns, or no row that can be used.
    """
    parts = file_parts(options, EXTENSIONS)
    rows: dict[str, list[ManifestRow]] = {}
    left_out: dict[str, list[tuple[str, str]]] = {split: [] for split in SPLITS}
    for part, paths in parts.items():
        for path in paths:
            # The file's name decides, unless it is the one file of all splits.
            for split, row in _rows_by_split(path, None if part == "train" else part, left_out[part]):
                rows.setdefault(split, []).append(row)

    def stream_of(split: str) -> RecordStream:
        chosen = rows.get(split, [])
        if split == "train" or split not in rows:
            chosen = [row for row in rows.get("train", []) if belongs(_speaker(row), split, rows, options)]
        return RecordStream(lambda stream: _read(chosen, left_out[split], stream), length_hint=len(chosen))

    return {split: stream_of(split) for split in SPLITS}


def _rows_by_split(path: str, split: str | None, left_out: list[tuple[str, str]]) -> list[tuple[str, ManifestRow]]:
    """The rows of a manifest, which are all of one split, or each of its own; reasons and places of what is left out.

    Raises:
        InputError: no row can be used.
    """
    rows = parse_manifest(path, lambda error: left_out.append((error.kind, error.where)))
    split_of_row = [split or SPLIT_NAMES.get(row.split.lower()) for row in rows]
    if rows and not any(split_of_row):
        raise InputError(f"{path}: row {rows[0].id!r} has split {rows[0].split!r}; write train, dev or test")
    pairs = list(zip(split_of_row, rows, strict=True))
    left_out += [("unknown split", f"{path}: row {row.id} has {row.split}") for known, row in pairs if not known]
    return [(known, row) for known, row in pairs if known]


def _speaker(row: ManifestRow) -> str:
    return row.speaker or row.audio


def _read(rows: list[ManifestRow], left_out: list[tuple[str, str]], stream: RecordStream) -> Iterator[Record]:
    for reason, where in left_out:
        stream.skip(reason, where)
    reader = SegmentReader(stream)
    for row in rows:
        record = reader.record(row.id, row.audio, row.start, row.end, _speaker(row), row.text)
        if record is not None:
            yield record
