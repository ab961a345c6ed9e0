"""What was heard: the words of a CTM or TRN file, given to the utterances of the reference."""

import dataclasses
import functools
from collections.abc import Callable, Iterable

from keras_stt.errors import InputError
from keras_stt.formats.ctm import CtmWord, parse_ctm_line
from keras_stt.formats.lines import parse_lines
from keras_stt.formats.malformed import line_error
from keras_stt.formats.trn import parse_trn
from keras_stt.scoring.network import NULL, Network, Rules, build_network, parse_transcript, word_of
from keras_stt.scoring.references import Reference, References, file_format, require_unique

MISSING = ("error", "delete", "skip")
_BEGIN, _OR, _END = "<ALT_BEGIN>", "<ALT>", "<ALT_END>"


@dataclasses.dataclass(frozen=True)
class Heard:
    """A word of a CTM, or alternatives between its `<ALT_BEGIN>` and `<ALT_END>`.

    Attributes:
        file, channel: where it was heard.
        alternatives: sequences of words; a word alone is one sequence of one.
    """

    file: str
    channel: str
    alternatives: list[list[CtmWord]]

    @property
    def key(self) -> tuple[str, str]:
        return self.file.lower(), self.channel.lower()

    @property
    def start(self) -> float:
        """Seconds."""
        return min((word.start for words in self.alternatives for word in words), default=0.0)

    @property
    def middle(self) -> float:
        """The latest middle of a word of it, in seconds: it decides to which segment it belongs."""
        return max((word.start + word.duration / 2 for words in self.alternatives for word in words), default=0.0)

    def item(self, place: int, rules: Rules):
        """As `build_network` takes it."""
        if len(self.alternatives) == 1:
            return word_of(self.alternatives[0][0].word, place, rules, tags=False)
        return [
            [word_of(word.word, place, rules, tags=False) for word in words] or [word_of(NULL, place, rules)]
            for words in self.alternatives
        ]


def read_hypotheses(
    path, references: References, rules: Rules, asked_format: str | None = None, missing: str = "error"
) -> list[tuple[Reference, Network]]:
    """What was heard of every utterance of the reference, in its order.

    Args:
        path: a CTM or TRN file.
        asked_format: "ctm" or "trn"; by default the file's name tells.
        missing: what becomes of utterances, or for a CTM recordings and channels, of which the file has nothing:
            "error", "delete" (all their words count as deleted) or "skip" (they are not scored).

    Raises:
        InputError: it cannot be read, a line is malformed, it has what the reference has not, an utterance is there
            twice, or, with "error", something is missing.
    """
    if file_format(path, asked_format, ("ctm", "trn"), "hypothesis_format") == "trn":
        return _from_trn(path, references, rules, missing)
    heard = read_ctm(path)
    if references.segments is None:
        return _from_ctm_by_id(path, heard, references, rules, missing)
    return _from_ctm_by_time(path, heard, references, rules, missing)


def read_ctm(path) -> list[Heard]:
    """Words and alternations of a CTM, in the order of the file.

    Raises:
        InputError: it cannot be read, a line is malformed, or an alternation is.
    """
    heard: list[Heard] = []
    alternatives: list[list[CtmWord]] | None = None
    for number, mark, file, channel, word in parse_lines(path, functools.partial(_parse_line, path)):
        if mark == _BEGIN and alternatives is None:
            alternatives = [[]]
        elif mark == _OR and alternatives is not None:
            alternatives.append([])
        elif mark == _END and alternatives is not None and any(alternatives):
            heard.append(Heard(file, channel, alternatives))
            alternatives = None
        elif mark:
            reason = f"{mark} where none can be"
            raise line_error(path, number, reason, f"write {_BEGIN}, words, {_OR}, other words, {_END}")
        elif alternatives is None:
            heard.append(Heard(file, channel, [[word]]))
        else:
            alternatives[-1].append(word)
    if alternatives is not None:
        raise InputError(f"{path}: an {_BEGIN} without its {_END}; add it")
    return heard


def _parse_line(path, number: int, line: str) -> tuple[int, str, str, str, CtmWord | None]:
    fields = line.split()
    if len(fields) >= 5 and fields[4].upper() in (_BEGIN, _OR, _END):
        return number, fields[4].upper(), fields[0], fields[1], None
    word = parse_ctm_line(path, number, line)
    return number, "", word.file, word.channel, word


def _from_trn(path, references: References, rules: Rules, missing: str) -> list[tuple[Reference, Network]]:
    heard = {}
    utterances = parse_trn(path)
    require_unique(path, (utterance.id for utterance in utterances))
    names = _by_id(references)
    for utterance in utterances:
        try:
            heard[utterance.id.lower()] = parse_transcript(utterance.text, rules)
        except InputError as error:
            raise InputError(f"{path}: {utterance.id:.200}: {error}") from error
    _require_known(path, references, (one.id for one in utterances if one.id.lower() not in names), "utterance")
    found = {id(names[name]): network for name, network in heard.items()}
    return _chosen(path, references, lambda reference: found.get(id(reference)), missing)


def _by_id(references: References) -> dict[str, Reference]:
    """Utterances by folded id; those of an STM also by recording, where it has but one."""
    names = {}
    for members in (references.segments or {}).values():
        scored = [reference for _, reference in members if reference is not None]
        if len(scored) == 1:
            file = scored[0].segment.file.lower()
            names[file] = None if file in names else scored[0]  # one of several channels: not named by the recording
    names = {name: reference for name, reference in names.items() if reference is not None}
    return names | {reference.id.lower(): reference for reference in references.utterances}


def _from_ctm_by_id(path, heard: list[Heard], references: References, rules: Rules, missing: str):
    """A CTM against a TRN: the recordings of the one are the utterances of the other."""
    words: dict[str, list[Heard]] = {}
    for one in heard:
        words.setdefault(one.file.lower(), []).append(one)
    known = {reference.id.lower() for reference in references.utterances}
    _require_known(path, references, (one.file for one in heard if one.file.lower() not in known), "recording")

    def network(reference: Reference) -> Network | None:
        found = words.get(reference.id.lower())
        return None if found is None else _network(sorted(found, key=lambda one: one.start), rules)

    return _chosen(path, references, network, missing)


def _from_ctm_by_time(path, heard: list[Heard], references: References, rules: Rules, missing: str):
    """A CTM against an STM: a word belongs to the first segment that does not end before the word's middle.

    What lies between two segments goes to the later one, what lies behind the last to the last, as in sclite.
    """
    words: dict[tuple[str, str], list[Heard]] = {}
    for one in heard:
        words.setdefault(one.key, []).append(one)
    unknown = (f"{one.file} channel {one.channel}" for one in heard if one.key not in references.segments)
    _require_known(path, references, unknown, "recording and channel")
    found: dict[int, Network] = {}
    for key, members in references.segments.items():
        waiting = sorted(words.get(key, ()), key=lambda one: one.start)
        if not waiting:
            continue
        first = 0
        for number, (segment, reference) in enumerate(members):
            stop = first
            while stop < len(waiting) and (number == len(members) - 1 or waiting[stop].middle < segment.end):
                stop += 1
            if reference is not None:
                found[id(reference)] = _network(waiting[first:stop], rules)
            first = stop
    return _chosen(path, references, lambda reference: found.get(id(reference)), missing)


def _network(heard: list[Heard], rules: Rules) -> Network:
    return build_network([one.item(place, rules) for place, one in enumerate(heard)])


def _require_known(path, references: References, unknown: Iterable[str], what: str) -> None:
    names = list(dict.fromkeys(unknown))
    if names:
        raise InputError(
            f"{path}: {what} {names[0]:.200} is not in {references.path}"
            + (f", nor are {len(names) - 1} others" if len(names) > 1 else "")
            + "; mend the names, or give the right reference"
        )


def _chosen(
    path, references: References, heard: Callable[[Reference], Network | None], missing: str
) -> list[tuple[Reference, Network]]:
    pairs = [(reference, heard(reference)) for reference in references.utterances]
    lacking = [reference for reference, network in pairs if network is None]
    if lacking and missing == "error":
        of = lacking[0].segment
        first = f"{of.file:.200} channel {of.channel:.60}" if of else lacking[0].id
        raise InputError(
            f"{path}: nothing of {len(lacking)} of the {len(pairs)} utterances of {references.path}, of {first:.300} "
            "first; --missing=delete counts their words as deleted, --missing=skip leaves them out"
        )
    if missing == "skip":
        pairs = [pair for pair in pairs if pair[1] is not None]
        if not pairs:
            raise InputError(f"{path}: nothing of any utterance of {references.path}; give the right one")
    return [(reference, build_network([]) if network is None else network) for reference, network in pairs]
