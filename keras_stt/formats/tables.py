"""The rows of tables as fields by name: CSV, TSV and JSON lines. What the fields mean is the manifest's matter."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator

from keras_stt.errors import InputError
from keras_stt.formats.malformed import Malformed, line_error

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

Lines = Iterable[tuple[int, str]]  # number and text, as `read_lines` yields them
Rows = Iterator[tuple[int, dict[str, str]]]  # number of the row's first line, and its fields
Split = Callable[[str, list[tuple[int, str]], int], tuple[list[str], int]]


def read_csv(path: str, lines: Lines, malformed: Malformed) -> Rows:
    """Yields the rows under the header, fields without the white space around them.

    A field has at most 131,072 characters, the limit of Python's csv: so much can a quote swallow that nothing closes.

    Raises:
        InputError: there is no header, or it lacks a required column.
    """
    return _read_table(path, list(lines), malformed, _split_csv)


def read_tsv(path: str, lines: Lines, malformed: Malformed) -> Rows:
    """As `read_csv`, without quotes, as in Common Voice: one in a transcript stands for itself."""
    return _read_table(path, list(lines), malformed, _split_tsv)


def read_json(path: str, lines: Lines, malformed: Malformed) -> Rows:
    """Yields the objects of JSON lines without what is null; numbers are the text that they are written as."""
    for number, line in lines:
        if line.strip():
            fields = None
            with malformed.line():
                fields = _parse_object(path, number, line)
            if fields is not None:
                yield number, fields


def _read_table(path: str, lines: list[tuple[int, str]], malformed: Malformed, split: Split) -> Rows:
    header, position = None, 0
    while position < len(lines):
        number, values = lines[position][0], []
        taken = 1  # of a malformed row one line: what a quote that nothing closes has swallowed is read again
        with malformed.line():
            values, taken = _split_row(path, lines, position, split, header)
        position += taken
        if not any(values):
            continue
        if header is None:
            header = [value.lower() for value in values]
            _require_columns(path, number, header)
        else:
            yield number, dict(zip(header, values, strict=True))
    if header is None:
        raise InputError(f"{path}: empty; begin with a header line: audio,text")


def _split_row(path: str, lines: list[tuple[int, str]], position: int, split: Split, header) -> tuple[list[str], int]:
    values, taken = split(path, lines, position)
    values = [value.strip() for value in values]
    if header is not None and any(values) and len(values) != len(header):
        reason = f"{len(values)} fields under a header of {len(header)}"
        raise line_error(path, lines[position][0], reason, "put text with commas in quotes", "wrong number of fields")
    return values, taken


def _split_csv(path: str, lines: list[tuple[int, str]], position: int) -> tuple[list[str], int]:
    """The values of the row that begins at `position`, and how many lines it has: in quotes, lines may break."""
    reader = csv.reader((lines[index][1] + "\n" for index in range(position, len(lines))), strict=True)
    try:
        return next(reader), reader.line_num
    except csv.Error as error:
        reason = f"not CSV ({error})"
        raise line_error(path, lines[position][0], reason, "check its quotes", "row that is not CSV") from error


def _split_tsv(path: str, lines: list[tuple[int, str]], position: int) -> tuple[list[str], int]:
    return lines[position][1].split("\t"), 1


def _parse_object(path: str, number: int, line: str) -> dict:
    try:
        # Numbers as text: none is then too long for an int, and none is rounded.
        fields = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
    except (json.JSONDecodeError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        fix = "write one object per line"
        raise line_error(path, number, f"not JSON ({reason})", fix, "row that is not JSON") from error
    if not isinstance(fields, dict):
        fix = 'write {"audio": ..., "text": ...}'
        raise line_error(path, number, "not a JSON object", fix, "row that is not JSON")
    fields = {name.lower(): value for name, value in fields.items() if value is not None}
    _require_columns(path, number, fields)
    return fields


def _require_columns(path: str, number: int, names: Iterable[str]) -> None:
    for column in ("audio", "text"):
        if not any(name in names for name in COLUMNS[column]):
            wanted, has = " or ".join(COLUMNS[column]), ", ".join(names)
            raise line_error(
                path, number, f"no column {column}; it has {has:.200}", f"add {wanted}", "no audio or text"
            )
