"""Manifests: a table of recordings and transcripts as CSV, TSV or JSON lines.

The names of columns are also taken as NeMo (`audio_filepath`, `offset`) and Common Voice (`path`, `sentence`,
`client_id`) write them.
"""

import dataclasses
import json
import os
from collections.abc import Iterable

from keras_stt.errors import InputError
from keras_stt.formats.lines import MAX_SECONDS, parse_seconds, read_lines, write_text
from keras_stt.formats.malformed import Malformed, OnMalformed, line_error
from keras_stt.formats.tables import COLUMNS, read_csv, read_json, read_tsv

EXTENSIONS = (".csv", ".tsv", ".jsonl", ".json")


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


def parse_manifest(path, on_malformed: OnMalformed | None = None) -> list[ManifestRow]:
    """Reads a manifest; its extension tells the format: .csv, .tsv, or .jsonl and .json for JSON lines.

    Fields of tables are taken without the white space around them. Paths and ids that begin or end with some, or hold
    a line break, need JSON lines.

    Args:
        on_malformed: told of the malformed rows, which are left out; by default the first one is raised.

    Raises:
        InputError: the file is missing, a table has no column for a required field, or a row is malformed (with
            `on_malformed`, all of them are); with the line number.
    """
    path = os.fspath(path)
    extension = os.path.splitext(path)[1].lower()
    if extension not in EXTENSIONS:
        raise InputError(f"{path}: not a manifest by its extension; name it {', '.join(EXTENSIONS)}")
    malformed = Malformed(on_malformed)
    lines = read_lines(path, malformed)
    read = {".csv": read_csv, ".tsv": read_tsv}.get(extension, read_json)
    rows, line_of_id = [], {}
    for number, fields in read(path, lines, malformed):
        with malformed.line():
            row = _parse_row(path, number, fields)
            if row.id in line_of_id:
                reason = f"id {row.id!r:.60} is on line {line_of_id[row.id]} already"
                raise line_error(path, number, reason, "give every row an id of its own in a column id", "duplicate id")
            line_of_id[row.id] = number
            rows.append(row)
    return malformed.finish(rows)


def _parse_row(path: str, number: int, fields: dict) -> ManifestRow:
    values = {}
    for column, names in COLUMNS.items():
        value = next((fields[name] for name in names if name in fields), "")
        if not isinstance(value, str):  # numbers are left as they are written
            reason = f"{column} is of type {type(value).__name__}"
            raise line_error(path, number, reason, "give a text or a number", "neither a text nor a number")
        if not _is_unicode(value):
            reason = f"{column} {value!r:.60} has half of a character in it (a lone surrogate)"
            raise line_error(path, number, reason, "mend its escapes", "text that is not Unicode")
        values[column] = value if column in ("audio", "id") else value.strip()
    if not values["audio"].strip():
        raise line_error(path, number, "no audio path", "fill in the column audio", "no audio path")
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


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _times(path: str, number: int, values: dict[str, str]) -> tuple[float, float | None]:
    seconds = {}
    for column in ("start", "end", "duration"):
        seconds[column] = parse_seconds(values[column]) if values[column] else None
        if values[column] and seconds[column] is None:
            reason = f"{column} {values[column]!r:.60} is not a number of seconds"
            raise line_error(path, number, reason, "mend it", "time that is no number")
    start, end = seconds["start"] or 0.0, seconds["end"]
    if end is None and seconds["duration"] is not None:
        end = min(start + seconds["duration"], MAX_SECONDS)
    if end is not None and end <= start:
        reason = f"it ends at {end} s, not after its start {start} s"
        raise line_error(path, number, reason, "mend its times", "end that is not after its start")
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
            raise InputError(f"manifest row {row.id!r:.60}: a second one of that id; give every row an id of its own")
        written.add(row.id)
        lines.append(json.dumps(_fields(row, folder), ensure_ascii=False) + "\n")
    write_text(path, "".join(lines))


def _fields(row: ManifestRow, folder: str) -> dict:
    where = f"manifest row {row.id!r:.60}"
    if not row.id or not row.audio.strip():
        raise InputError(f"{where}: no id or no audio path; give both")
    for name in ("text", "speaker", "split"):
        if getattr(row, name) != getattr(row, name).strip():
            raise InputError(f"{where}: {name} {getattr(row, name)!r:.60} has white space around it; strip it")
    if not (0 <= row.start <= MAX_SECONDS and (row.end is None or row.start < row.end <= MAX_SECONDS)):
        raise InputError(f"{where}: from {row.start} to {row.end} s; give 0 <= start < end")
    below = row.audio.removeprefix(os.path.join(folder, ""))
    audio = below if below.strip() and os.path.join(folder, below) == row.audio else row.audio
    fields = {"id": row.id, "audio": audio, "text": row.text, "start": float(row.start)}
    if row.end is not None:
        fields["end"] = float(row.end)
    return fields | {name: getattr(row, name) for name in ("speaker", "split") if getattr(row, name)}
