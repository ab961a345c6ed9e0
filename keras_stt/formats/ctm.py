"""CTM, the timed hypotheses of NIST's sclite: a word per line.

    file channel start duration word [confidence]

Lines that begin with `;;` are comments. Further fields that some tools add (a word type, a speaker) are passed over.
"""

import dataclasses
import functools
from collections.abc import Iterable

from keras_stt.errors import InputError
from keras_stt.formats.lines import (
    MAX_SECONDS,
    format_seconds,
    parse_lines,
    parse_seconds,
    require_field,
    write_text,
)
from keras_stt.formats.malformed import OnMalformed, line_error

_FORM = "write: file channel start duration word [confidence]"


@dataclasses.dataclass(frozen=True)
class CtmWord:
    """A word of a recording.

    Attributes:
        file: the recording's name, usually without extension.
        channel: "1", "2", "A", ...
        start, duration: seconds.
        word: without white space.
        confidence: 0 to 1, or None.
    """

    file: str
    channel: str
    start: float
    duration: float
    word: str
    confidence: float | None = None

    @property
    def end(self) -> float:
        """Seconds."""
        return self.start + self.duration


def parse_ctm(path, on_malformed: OnMalformed | None = None) -> list[CtmWord]:
    """Reads a CTM file.

    Args:
        on_malformed: told of the malformed lines, which are left out; by default the first one is raised.

    Raises:
        InputError: the file is missing or a line of it is malformed (with `on_malformed`, all of them are); the message
            has the line number.
    """
    return parse_lines(path, functools.partial(parse_ctm_line, path), on_malformed)


def parse_ctm_line(path, number: int, line: str) -> CtmWord:
    """The word of a line; path and line number are for the error.

    Raises:
        LineError: the line is malformed.
    """
    fields = line.split()
    if len(fields) < 5:
        raise line_error(path, number, f"{len(fields)} fields where 5 or 6 are needed", _FORM, "too few fields")
    start, duration = (parse_seconds(field) for field in fields[2:4])
    if start is None or duration is None:
        wrong = fields[2] if start is None else fields[3]
        reason = f"time {wrong!r:.60} is not a number of seconds"
        raise line_error(path, number, reason, _FORM, "time that is no number")
    confidence = None
    if len(fields) > 5 and fields[5].upper() != "NA":
        confidence = parse_seconds(fields[5])
        if confidence is None or confidence > 1:
            reason = f"confidence {fields[5]!r:.60} is not a number from 0 to 1"
            raise line_error(path, number, reason, _FORM, "confidence that is not from 0 to 1")
    return CtmWord(*fields[:2], start, duration, fields[4], confidence)


def format_ctm(words: Iterable[CtmWord]) -> str:
    """The words as the text of a CTM file, in the order given.

    Raises:
        InputError: a word would not read back as it is.
    """
    return "".join(_format_line(word) + "\n" for word in words)


def _format_line(word: CtmWord) -> str:
    file, channel, label = (require_field(f"CTM {name}", getattr(word, name)) for name in ("file", "channel", "word"))
    if file.startswith(";;"):
        raise InputError(f"CTM file {file!r:.60}: a line that begins with ;; is a comment; rename the file")
    where = f"CTM word {label:.60} of {file:.200} at {word.start}"
    if not (0 <= word.start <= MAX_SECONDS and 0 <= word.duration <= MAX_SECONDS):
        raise InputError(f"{where}: give a start and a duration of 0 or more")
    if word.confidence is not None and not 0 <= word.confidence <= 1:
        raise InputError(f"{where}: confidence {word.confidence}; give one from 0 to 1")
    fields = [file, channel, format_seconds(word.start), format_seconds(word.duration), label]
    if word.confidence is not None:
        fields.append(format_seconds(word.confidence))
    return " ".join(fields)


def write_ctm(path, words: Iterable[CtmWord]) -> None:
    """Writes a CTM file through a temporary one."""
    write_text(path, format_ctm(words))
