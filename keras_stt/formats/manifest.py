"""Manifests: a table of recordings and transcripts as CSV, TSV or JSON lines.

The names of columns are also taken as NeMo (`audio_filepath`, `offset`) and Common Voice (`path`, `sentence`,
`client_id`) write them.
"""

import csv
import dataclasses
import json
import math
import os
from collections.abc import Iterable, Iterator

from keras_stt.errors import InputError
from keras_stt.formats.lines import line_error, parse_seconds, read_lines, write_text

EXTENSIONS = (".csv", ".tsv", ".jsonl", ".json")

# Column by the names it goes under; the first that a manifest has is taken.
COLUMNS = {
    "audio": ("audio", "path", "audio_filepath"),
    "text": ("text", "sentence"),
    "id": ("id",),
    "start": ("start", "offset"),
    "end": ("end",),
    "duration": ("duration",),
    "speaker": ("speaker", "client_id"),
    "split": ("split",),
}


@dataclasses.dataclass(frozen=True)
class ManifestRow:
    """A row of a manifest.

    Attributes:
        id: unique in the manifest; where it has no ids, the audio column's path without its extension, and `@START`
            where the row is a part of a recording.
        audio: path of the recording; relative ones are taken from the manifest's folder.
        text: the transcript.
        start, end: seconds within the recording; `end` None means to its end.
        speaker, split: "" where the manifest does not say.
    """

    id: str
    audio: str
    text: str
    start: float = 0.0
    end: float | None = None
    speaker: str = ""
    split: str = ""


def parse_manifest(path) -> list[ManifestRow]:
    """Reads a manifest; its extension tells the format: .csv, .tsv, or .jsonl and .json for JSON lines.

    Raises:
        InputError: the file is missing, a required column is not there, or a row is malformed; with the line number.
    """
    path = os.fspath(path)
    extension = os.path.splitext(path)[1].lower()
    if extension not in EXTENSIONS:
        raise InputError(f"{path}: not a manifest by its extension; name it {', '.join(EXTENSIONS)}")
    rows, line_of_id = [], {}
    fields_by_line = _table_rows(path, extension) if extension in (".csv", ".tsv") else _json_rows(path)
    for number, fields in fields_by_line:
        row = _parse_row(path, number, fields)
        if row.id in line_of_id:
            reason = f"id {row.id!r} is on line {line_of_id[row.id]} already"
            raise line_error(path, number, reason, "give every row an id of its own in a column id")
        line_of_id[row.id] = number
        rows.append(row)
    return rows


def _table_rows(path: str, extension: str) -> Iterator[tuple[int, dict]]:
    # A TSV has no quotes, as in Common Voice: one in a transcript stands for itself.
    dialect = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if extension == ".tsv" else {"strict": True}
    reader = csv.reader((line + "\n" for _, line in read_lines(path)), **dialect)
    header = None
    while True:
        number = reader.line_num + 1  # of the row's first line: quoted fields may hold more
        try:
            values = next(reader, None)
        except csv.Error as error:
            raise line_error(path, number, f"not {extension[1:].upper()} ({error})", "check its quotes") from error
        if values is None:
            break
        if not any(value.strip() for value in values):
            continue
        if header is None:
            header = [value.strip().lower() for value in values]
            _require_columns(path, number, header)
        elif len(values) != len(header):
            reason = f"{len(values)} fields under a header of {len(header)}"
            raise line_error(path, number, reason, "put text with commas in quotes")
        else:
            yield number, dict(zip(header, values, strict=True))
    if header is None:
        raise InputError(f"{path}: empty; begin with a header line: audio,text")


def _json_rows(path: str) -> Iterator[tuple[int, dict]]:
    for number, line in read_lines(path):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except json.JSONDecodeError as error:
            raise line_error(path, number, f"not JSON ({error.msg})", "write one object per line") from error
        if not isinstance(fields, dict):
            raise line_error(path, number, "not a JSON object", 'write {"audio": ..., "text": ...}')
        fields = {str(name).lower(): value for name, value in fields.items() if value is not None}
        _require_columns(path, number, fields)
        yield number, fields


def _require_columns(path: str, number: int, names) -> None:
    for column in ("audio", "text"):
        if not any(name in names for name in COLUMNS[column]):
            wanted = " or ".join(COLUMNS[column])
            raise line_error(path, number, f"no column {column}; it has {', '.join(names)}", f"add {wanted}")


def _parse_row(path: str, number: int, fields: dict) -> ManifestRow:
    values = {}
    for column, names in COLUMNS.items():
        value = next((fields[name] for name in names if name in fields), "")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise line_error(path, number, f"{column} is {value!r}", "give a text or a number")
        values[column] = str(value).strip()
    if not values["audio"]:
        raise line_error(path, number, "no audio path", "fill in the column audio")
    start, end = _times(path, number, values)
    name = os.path.splitext(values["audio"])[0].replace(os.sep, "/")
    return ManifestRow(
        id=values["id"] or (f"{name}@{start:.2f}" if start else name),
        audio=os.path.join(os.path.dirname(os.path.abspath(path)), values["audio"]),
        text=values["text"],
        start=start,
        end=end,
        speaker=values["speaker"],
        split=values["split"],
    )


def _times(path: str, number: int, values: dict[str, str]) -> tuple[float, float | None]:
    seconds = {}
    for column in ("start", "end", "duration"):
        seconds[column] = parse_seconds(values[column]) if values[column] else None
        if values[column] and seconds[column] is None:
            raise line_error(path, number, f"{column} {values[column]!r} is not a number of seconds", "mend it")
    start, end = seconds["start"] or 0.0, seconds["end"]
    if end is None and seconds["duration"] is not None:
        end = start + seconds["duration"]
    if end is not None and end <= start:
        raise line_error(path, number, f"it ends at {end} s, not after its start {start} s", "mend its times")
    return start, end


def write_manifest(path, rows: Iterable[ManifestRow]) -> None:
    """Writes a manifest of JSON lines, through a temporary file.

    Recordings below the manifest's folder are written by their path from it, so that both can be moved together.

    Raises:
        InputError: the extension is not .jsonl, or a row would not read back as it is.
    """
    path = os.fspath(path)
    if not path.lower().endswith(".jsonl"):
        raise InputError(f"{path}: manifests are written as JSON lines; name it .jsonl")
    folder, written, lines = os.path.dirname(os.path.abspath(path)), set(), []
    for row in rows:
        if row.id in written:
            raise InputError(f"manifest row {row.id!r}: a second one of that id; give every row an id of its own")
        written.add(row.id)
        lines.append(json.dumps(_fields(row, folder), ensure_ascii=False) + "\n")
    write_text(path, "".join(lines))


def _fields(row: ManifestRow, folder: str) -> dict:
    where = f"manifest row {row.id!r}"
    if not row.id or not row.audio:
        raise InputError(f"{where}: no id or no audio path; give both")
    for name in ("id", "audio", "text", "speaker", "split"):
        if getattr(row, name) != getattr(row, name).strip():
            raise InputError(f"{where}: {name} {getattr(row, name)!r} has white space around it; strip it")
    if not 0 <= row.start < (math.inf if row.end is None else row.end):
        raise InputError(f"{where}: from {row.start} to {row.end} s; give 0 <= start < end")
    below = row.audio.removeprefix(os.path.join(folder, ""))
    audio = below if os.path.join(folder, below) == row.audio and below.strip() == below else row.audio
    fields = {"id": row.id, "audio": audio, "text": row.text, "start": float(row.start)}
    if row.end is not None:
        fields["end"] = float(row.end)
    return fields | {name: getattr(row, name) for name in ("speaker", "split") if getattr(row, name)}
