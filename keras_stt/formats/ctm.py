"""CTM, the timed hypotheses of NIST's sclite: a word per line.

    file channel start duration word [confidence]

Lines that begin with `;;` are comments. Further fields that some tools add (a word type, a speaker) are passed over.
"""

import dataclasses
from collections.abc import Iterable

from keras_stt.errors import InputError
from keras_stt.formats.lines import (
    format_seconds,
    line_error,
    parse_seconds,
    read_lines,
    require_field,
    write_text,
)

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


def parse_ctm(path) -> list[CtmWord]:
    """Reads a CTM file.

    Raises:
        InputError: the file is missing or a line of it is malformed; the message has the line number.
    """
    words = []
    for number, line in read_lines(path):
        if line.strip() and not line.lstrip().startswith(";;"):
            words.append(_parse_line(path, number, line.split()))
    return words


def _parse_line(path, number: int, fields: list[str]) -> CtmWord:
    if len(fields) < 5:
        raise line_error(path, number, f"{len(fields)} fields where 5 or 6 are needed", _FORM)
    start, duration = (parse_seconds(field) for field in fields[2:4])
    if start is None or duration is None:
        wrong = fields[2] if start is None else fields[3]
        raise line_error(path, number, f"time {wrong!r} is not a number of seconds", _FORM)
    confidence = None
    if len(fields) > 5 and fields[5].upper() != "NA":
        confidence = parse_seconds(fields[5])
        if confidence is None or confidence > 1:
            raise line_error(path, number, f"confidence {fields[5]!r} is not a number from 0 to 1", _FORM)
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
        raise InputError(f"CTM file {file!r}: a line that begins with ;; is a comment; rename the file")
    if not (word.start >= 0 and word.duration >= 0):
        raise InputError(f"CTM word {label} of {file} at {word.start}: give a start and a duration of 0 or more")
    fields = [file, channel, format_seconds(word.start), format_seconds(word.duration), label]
    if word.confidence is not None:
        fields.append(format_seconds(word.confidence))
    return " ".join(fields)


def write_ctm(path, words: Iterable[CtmWord]) -> None:
    """Writes a CTM file through a temporary one."""
    write_text(path, format_ctm(words))
