"""STM, the reference transcripts of NIST's sclite: a segment of a recording per line.

    file channel speaker begin end [<label>] text

Lines that begin with `;;` are comments. See the sclite manual, "infmts", of the NIST Scoring Toolkit.
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

IGNORE = "IGNORE_TIME_SEGMENT_IN_SCORING"
_FORM = "write: file channel speaker begin end [<label>] text"


@dataclasses.dataclass(frozen=True)
class StmSegment:
    """A segment of a recording and what is said in it.

    Attributes:
        file: the recording's name, usually without extension.
        channel: "1", "2", "A", ...
        speaker: speaker id.
        start, end: seconds.
        label: `<o,f0,male>` with its brackets, or "".
        text: the transcript with single spaces; may be "".
    """

    file: str
    channel: str
    speaker: str
    start: float
    end: float
    label: str = ""
    text: str = ""

    @property
    def ignored(self) -> bool:
        """Whether the segment is marked as one that has no transcript and is not scored."""
        return self.text.upper() == IGNORE


def parse_stm(path, on_malformed: OnMalformed | None = None) -> list[StmSegment]:
    """Reads an STM file.

    Args:
        on_malformed: told of the malformed lines, which are left out; by default the first one is raised.

    Raises:
        InputError: the file is missing or a line of it is malformed (with `on_malformed`, all of them are); the message
            has the line number.
    """
    return parse_lines(path, functools.partial(_parse_line, path), on_malformed)


def _parse_line(path, number: int, line: str) -> StmSegment:
    fields = line.split(maxsplit=5)
    if len(fields) < 5:
        raise line_error(path, number, f"{len(fields)} fields where 5 or more are needed", _FORM, "too few fields")
    start, end = (parse_seconds(field) for field in fields[3:5])
    if start is None or end is None:
        wrong = fields[3] if start is None else fields[4]
        reason = f"time {wrong!r:.60} is not a number of seconds"
        raise line_error(path, number, reason, _FORM, "time that is no number")
    if end <= start:
        reason = f"the segment ends at {fields[4]:.60}, not after its start {fields[3]:.60}"
        raise line_error(path, number, reason, "mend it", "end that is not after its start")
    label, text = "", " ".join(fields[5].split()) if len(fields) > 5 else ""
    if text.startswith("<"):
        first, _, rest = text.partition(" ")
        if first.endswith(">"):
            label, text = first, rest
    return StmSegment(*fields[:3], start, end, label, text)


def format_stm(segments: Iterable[StmSegment]) -> str:
    """The segments as the text of an STM file, in the order given.

    Raises:
        InputError: a segment would not read back as it is.
    """
    return "".join(_format_line(segment) + "\n" for segment in segments)


def _format_line(segment: StmSegment) -> str:
    fields = [require_field(f"STM {name}", getattr(segment, name)) for name in ("file", "channel", "speaker")]
    where = f"STM segment of {segment.file:.200} at {segment.start}"
    if segment.file.startswith(";;"):
        raise InputError(f"{where}: a line that begins with ;; is a comment; rename the file")
    if not 0 <= segment.start < segment.end <= MAX_SECONDS:
        raise InputError(f"{where}: ends at {segment.end}; give 0 <= start < end")
    label, text = segment.label, " ".join(segment.text.split())
    if label and not (label.startswith("<") and label.endswith(">") and len(label.split()) == 1):
        raise InputError(f"{where}: label {label!r:.60} is not of the form <a,b,c>; write it without spaces")
    if not label and text.startswith("<") and text.partition(" ")[0].endswith(">"):
        raise InputError(
            f"{where}: its text begins with {text.split()[0]:.60}, which reads as a label; give it a label"
        )
    fields += [format_seconds(segment.start), format_seconds(segment.end), label, text]
    return " ".join(field for field in fields if field)


def write_stm(path, segments: Iterable[StmSegment], header: Iterable[str] = ()) -> None:
    """Writes an STM file through a temporary one; each line of `header` becomes a `;;` comment at its top."""
    comments = "".join(f";; {line}\n" for line in header)
    write_text(path, comments + format_stm(segments))
