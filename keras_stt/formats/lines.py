"""Text files of lines and fields: read with line numbers for errors, written whole or not at all."""

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from keras_stt.errors import InputError, write_error
from keras_stt.formats.malformed import Malformed, OnMalformed, line_error
from keras_stt.formats.whole_file import written_whole_file

Parsed = TypeVar("Parsed")

# Thirty years: what claims to be later in a recording is no time, and sums of such times would not be numbers.
MAX_SECONDS = 1e9
# As all tools write numbers; float() would also take words, underscores and the digits of other scripts.
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def read_bytes(path) -> bytes:
    """The bytes of a file.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error


def read_lines(path, malformed: Malformed | None = None) -> Iterator[tuple[int, str]]:
    """Yields `(line number from 1, line without its end)` of a UTF-8 file, with or without a byte order mark.

    Only newlines end a line: other white space, such as U+2028, may stand in a transcript.

    Args:
        malformed: takes the lines that are not UTF-8; by default the first one is raised.

    Raises:
        InputError: the file is missing or cannot be read, or a line is not UTF-8.
    """
    malformed = malformed or Malformed()
    try:
        with open(path, "rb") as file:
            for number, data in enumerate(file, start=1):
                line = None
                with malformed.line():
                    line = decode_utf8(data, path, number).rstrip("\r\n")
                if line is not None:
                    yield number, line
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error


def parse_lines(
    path, parse: Callable[[int, str], Parsed], on_malformed: OnMalformed | None = None, comment: str = ";;"
) -> list[Parsed]:
    """What `parse(number, line)` makes of the lines of a file that are neither empty nor comments.

    Args:
        on_malformed: told of the lines that are left out, for which `parse` raises a `LineError` or that are not UTF-8;
            by default the first one is raised.

    Raises:
        InputError: the file cannot be read, a line is malformed, or all of them are.
    """
    malformed, found = Malformed(on_malformed), []
    for number, line in read_lines(path, malformed):
        if line.strip() and not line.lstrip().startswith(comment):
            with malformed.line():
                found.append(parse(number, line))
    return malformed.finish(found)


def decode_utf8(data: bytes, path, first_line: int = 1) -> str:
    """Text of UTF-8 bytes; `path` and the number of their first line are for the error."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        number = first_line + data.count(b"\n", 0, error.start)
        raise line_error(path, number, "not UTF-8 text", "save the file as UTF-8", "text that is not UTF-8") from error
    return text.removeprefix("\ufeff") if first_line == 1 else text


def write_text(path, text: str) -> None:
    """Writes a UTF-8 file as `write_bytes` does.

    Raises:
        InputError: as `write_bytes`, or half of a character (a lone surrogate) is in the text.
    """
    if text.startswith("\ufeff"):
        text = "\ufeff" + text  # the first one is read as a byte order mark
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        around = text[max(0, error.start - 20) : error.end + 20]
        raise InputError(f"{path}: not Unicode text: {around!r}; take out the lone surrogate") from error
    write_bytes(path, data)


def write_bytes(path, content: bytes) -> None:
    """Writes a file through a temporary one beside it: readers see the old file or the new, never a half.

    Raises:
        InputError: its folder is missing.
        OutputError: the disk is full, or not to be written to.
    """
    try:
        with written_whole_file(path) as file:
            file.write(content)
    except OSError as error:
        raise write_error(path, error) from error


def parse_seconds(text: str) -> float | None:
    """A time of zero to `MAX_SECONDS` seconds; None when the text is no such number."""
    seconds = parse_number(text)
    return seconds if seconds is not None and 0 <= seconds <= MAX_SECONDS else None


def parse_number(text: str) -> float | None:
    """The number that a text is, infinite if it is too large; None when it is none."""
    return float(text) if _NUMBER.fullmatch(text) else None


def format_seconds(seconds: float) -> str:
    """The shortest decimal that reads back as the same number, with two decimals at least and no exponent."""
    return np.format_float_positional(float(seconds), min_digits=2)


def require_field(name: str, value: str) -> str:
    """A field of a line whose fields are divided by white space.

    Raises:
        InputError: it is empty or has white space in it.
    """
    if len(value.split()) != 1 or value != value.strip():
        raise InputError(f"{name} {value!r:.60}: the format divides fields by spaces; give a name without white space")
    return value
