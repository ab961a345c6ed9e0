"""TRN, the plain transcripts of NIST's sclite: an utterance per line, its id in parentheses behind the text.

    text (utterance-id)

Words in parentheses within the text are optional ones to sclite, and `{ a / b }` are alternatives: here both are text.
Lines that begin with `;;` are comments. See the sclite manual, "infmts", of the NIST Scoring Toolkit.
"""

import dataclasses
import functools
import re
from collections.abc import Iterable

from keras_stt.errors import InputError
from keras_stt.formats.lines import parse_lines, write_text
from keras_stt.formats.malformed import OnMalformed, line_error

_ID = re.compile(r"[^\s()]+")
_FORM = "write: text (utterance-id)"


@dataclasses.dataclass(frozen=True)
class TrnUtterance:
    """An utterance and what is said in it.

    Attributes:
        id: of the utterance, without white space and parentheses.
        text: the transcript with single spaces; may be "".
    """

    id: str
    text: str = ""


def parse_trn(path, on_malformed: OnMalformed | None = None) -> list[TrnUtterance]:
    """Reads a TRN file.

    Args:
        on_malformed: told of the malformed lines, which are left out; by default the first one is raised.

    Raises:
        InputError: the file is missing or a line of it is malformed (with `on_malformed`, all of them are); the message
            has the line number.
    """
    return parse_lines(path, functools.partial(_parse_line, path), on_malformed)


def _parse_line(path, number: int, line: str) -> TrnUtterance:
    line = line.strip()
    text, opened, identifier = line.removesuffix(")").rpartition("(")
    if not line.endswith(")") or not opened or not _ID.fullmatch(identifier):
        raise line_error(path, number, "no utterance id in parentheses at its end", _FORM, "no utterance id")
    return TrnUtterance(identifier, " ".join(text.split()))


def format_trn(utterances: Iterable[TrnUtterance]) -> str:
    """The utterances as the text of a TRN file, in the order given.

    Raises:
        InputError: an utterance would not read back as it is.
    """
    return "".join(_format_line(utterance) + "\n" for utterance in utterances)


def _format_line(utterance: TrnUtterance) -> str:
    if not _ID.fullmatch(utterance.id):
        raise InputError(f"TRN id {utterance.id!r:.60}: give one without white space and parentheses")
    text = " ".join(utterance.text.split())
    if text.startswith(";;"):
        raise InputError(f"TRN utterance {utterance.id:.60}: a line that begins with ;; is a comment; mend its text")
    return f"{text} ({utterance.id})" if text else f"({utterance.id})"


def write_trn(path, utterances: Iterable[TrnUtterance]) -> None:
    """Writes a TRN file through a temporary one."""
    write_text(path, format_trn(utterances))
