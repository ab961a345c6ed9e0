"""What was said: the utterances of an STM or TRN file, with their speakers and labels."""

import dataclasses
import re
from pathlib import Path

from keras_stt.errors import InputError
from keras_stt.formats.lines import read_lines
from keras_stt.formats.stm import StmSegment, parse_stm
from keras_stt.formats.trn import parse_trn

_LABEL = re.compile(r';;\s*LABEL\s+"([^"]*)"\s+"([^"]*)"\s+"([^"]*)"', re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Reference:
    """An utterance of the reference.

    Attributes:
        id: of a TRN; for an STM `speaker-NNN`, the speaker's segments being counted from 000, as in sclite's reports.
        speaker: for a TRN what stands before the first hyphen of the id, or where it has none before the first
            underscore (sclite's spu_id); without both the whole id.
        text: as it is written.
        labels: by position; a position may be empty.
        segment: of the STM, or None.
    """

    id: str
    speaker: str
    text: str
    labels: tuple[str, ...] = ()
    segment: StmSegment | None = None


@dataclasses.dataclass(frozen=True)
class References:
    """The utterances of a file.

    Attributes:
        path: of the file.
        utterances: those that are scored, in the order of their recordings.
        segments: of an STM all segments, the ignored ones too, by folded recording and channel, in order of time.
        headings: of labels, by folded label, as `;; LABEL "id" "heading" "description"` gives them.
    """

    path: str
    utterances: list[Reference]
    segments: dict[tuple[str, str], list[tuple[StmSegment, Reference | None]]] | None = None
    headings: dict[str, str] = dataclasses.field(default_factory=dict)


def file_format(path, asked: str | None, known: tuple[str, ...], flag: str) -> str:
    """The format of a file: the one asked for, or the one that its name ends in.

    Raises:
        InputError: its name tells nothing.
    """
    name = asked or Path(path).suffix[1:].lower()
    if name not in known:
        names = " or ".join(f".{one}" for one in known)
        raise InputError(f"{path}: which format? Name it {names}, or give --{flag}; the reference comes first")
    return name


def read_references(path, asked_format: str | None = None) -> References:
    """Reads a reference.

    Args:
        path: an STM or TRN file.
        asked_format: "stm" or "trn"; by default the file's name tells.

    Raises:
        InputError: it cannot be read, a line is malformed, two utterances have one id, or nothing in it is scored.
    """
    kind = file_format(path, asked_format, ("stm", "trn"), "reference_format")
    references = _from_stm(path) if kind == "stm" else _from_trn(path)
    if not references.utterances:
        raise InputError(f"{path}: no utterance to score; is it the reference?")
    return references


def _from_trn(path) -> References:
    utterances = []
    for utterance in parse_trn(path):
        before, hyphen, _ = utterance.id.partition("-")
        speaker = before if hyphen else utterance.id.partition("_")[0]
        utterances.append(Reference(utterance.id, speaker, utterance.text))
    require_unique(path, (reference.id for reference in utterances))
    return References(str(path), utterances)


def require_unique(path, ids) -> None:
    """Takes ids of utterances.

    Raises:
        InputError: one is there twice, case not counting.
    """
    seen: set[str] = set()
    for identifier in ids:
        if identifier.lower() in seen:
            raise InputError(f"{path}: utterance {identifier:.200} is there twice; take one out")
        seen.add(identifier.lower())


def _from_stm(path) -> References:
    channels: dict[tuple[str, str], list[StmSegment]] = {}
    for segment in parse_stm(path):
        channels.setdefault((segment.file.lower(), segment.channel.lower()), []).append(segment)
    numbers: dict[str, int] = {}
    segments, utterances = {}, []
    for key, members in channels.items():
        segments[key] = []
        for segment in sorted(members, key=lambda segment: segment.start):
            reference = None if segment.ignored else _reference(segment, numbers)
            segments[key].append((segment, reference))
            if reference is not None:
                utterances.append(reference)
    return References(str(path), utterances, segments, _headings(path))


def _reference(segment: StmSegment, numbers: dict[str, int]) -> Reference:
    number = numbers.get(segment.speaker.lower(), 0)
    numbers[segment.speaker.lower()] = number + 1
    labels = tuple(segment.label[1:-1].split(",")) if segment.label else ()
    return Reference(f"{segment.speaker}-{number:03d}", segment.speaker, segment.text, labels, segment)


def _headings(path) -> dict[str, str]:
    found = (_LABEL.match(line) for _, line in read_lines(path) if line.startswith(";;"))
    return {match[1].lower(): match[2] for match in found if match and match[2]}
