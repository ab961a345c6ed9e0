"""Text files of lines and fields: read with line numbers for errors, written whole or not at all."""

import math
import os
import tempfile
from collections.abc import Iterator

import numpy as np

from keras_stt.errors import InputError, write_error


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


def read_lines(path) -> Iterator[tuple[int, str]]:
    """Yields `(line number from 1, line without its end)` of a UTF-8 file, with or without a byte order mark.

    Only newlines end a line: other white space, such as U+2028, may stand in a transcript.

    Raises:
        InputError: the file is missing, or a line is not UTF-8.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115 (closed below; a failure to open is told apart from one to read)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    with file:
        for number, line in enumerate(file, start=1):
            yield number, decode_utf8(line, path, number).rstrip("\r\n")


def decode_utf8(data: bytes, path, first_line: int = 1) -> str:
    """Text of UTF-8 bytes; `path` and the number of their first line are for the error."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        number = first_line + data.count(b"\n", 0, error.start)
        raise line_error(path, number, "not UTF-8 text", "save the file as UTF-8") from error
    return text.removeprefix("\ufeff") if first_line == 1 else text


def line_error(path, number: int, reason: str, fix: str) -> InputError:
    """What is wrong with a line of a file, as the one line the user sees."""
    return InputError(f"{path}:{number}: {reason}; {fix}")


def write_text(path, text: str) -> None:
    """Writes a UTF-8 file as `write_bytes` does."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path, content: bytes) -> None:
    """Writes a file through a temporary one beside it: readers see the old file or the new, never a half.

    Raises:
        InputError: its folder is missing.
        OutputError: the disk is full, or not to be written to.
    """
    path = os.fspath(path)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp lets only the owner read
        os.replace(temporary, path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)


def parse_seconds(text: str) -> float | None:
    """A time of zero or more seconds; None when the text is no such number."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def format_seconds(seconds: float) -> str:
    """The shortest decimal that reads back as the same number, with two decimals at least and no exponent."""
    return np.format_float_positional(float(seconds), min_digits=2)


def require_field(name: str, value: str) -> str:
    """A field of a line whose fields are divided by white space.

    Raises:
        InputError: it is empty or has white space in it.
    """
    if len(value.split()) != 1 or value != value.strip():
        raise InputError(f"{name} {value!r}: the format divides fields by spaces; give a name without white space")
    return value
