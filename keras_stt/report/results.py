"""The results of a run's test utterances: what was said and what was heard, a line of JSON each."""

import dataclasses
import functools
import json
from collections.abc import Iterable

from keras_stt.formats.lines import parse_lines, write_text
from keras_stt.formats.malformed import line_error
from keras_stt.formats.transcript_jsonl import json_line
from keras_stt.wer import EditCounts, alignment_operations, edit_counts

_LONGEST = 1e9  # seconds
_FIX = "train again, or delete the file for a report without test utterances"


@dataclasses.dataclass(frozen=True)
class UtteranceResult:
    """A transcribed test utterance.

    Attributes:
        speaker: "" where nobody knows.
        duration: in seconds.
        draft: what was heard before refinement; None where nothing was refined.
    """

    id: str
    speaker: str
    duration: float
    reference: str
    hypothesis: str
    draft: str | None = None

    @functools.cached_property
    def counts(self) -> EditCounts:
        """How the hypothesis differs from the reference."""
        return edit_counts(self.reference.split(), self.hypothesis.split())

    @functools.cached_property
    def aligned(self) -> list[tuple[str, str | None, str | None]]:
        """Word for word, as `alignment_operations`."""
        return alignment_operations(self.reference.split(), self.hypothesis.split())


_FIELDS = tuple(field.name for field in dataclasses.fields(UtteranceResult))


def result_fields(result) -> dict:
    """The fields of anything that has the attributes of an `UtteranceResult`, `draft` only where there is one."""
    fields = {name: getattr(result, name, None) for name in _FIELDS}
    return {name: value for name, value in fields.items() if name != "draft" or value is not None}


def write_results(path, results: Iterable) -> None:
    """Writes a line for each utterance, in order; the file is there whole or not at all.

    Raises:
        InputError: it cannot be written.
    """
    write_text(path, "".join(json_line(result_fields(result)) + "\n" for result in results))


def read_results(path) -> list[UtteranceResult]:
    """What `write_results` wrote.

    Raises:
        InputError: the file is missing, or a line of it is damaged.
    """
    return parse_lines(path, lambda number, line: _parse(path, number, line))


def _parse(path, number: int, line: str) -> UtteranceResult:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise line_error(path, number, "no JSON", _FIX) from error
    if not isinstance(fields, dict):
        raise line_error(path, number, "no JSON object", _FIX)
    known = {name: fields.get(name) for name in _FIELDS}
    for name, value in known.items():
        if not _is_sound(name, value):
            raise line_error(path, number, f"no {name} of an utterance: {json.dumps(value):.60}", _FIX)
    return UtteranceResult(**{**known, "speaker": known["speaker"] or "", "duration": float(known["duration"])})


def _is_sound(name: str, value) -> bool:
    if name == "duration":
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LONGEST
    return isinstance(value, str) or (value is None and name in ("speaker", "draft"))
