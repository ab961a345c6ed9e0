"""What a transcript scores: counts of every utterance, and their sums by speaker and by label."""

import collections
import dataclasses
import functools
from collections.abc import Callable, Iterable

from keras_stt.errors import InputError
from keras_stt.scoring.align import SUBSTITUTION, Pair, align, count
from keras_stt.scoring.hypotheses import read_hypotheses
from keras_stt.scoring.network import Rules, parse_transcript
from keras_stt.scoring.references import Reference, References, read_references
from keras_stt.wer import EditCounts


@dataclasses.dataclass(frozen=True)
class Scored:
    """An utterance, aligned and counted."""

    reference: Reference
    pairs: list[Pair]
    counts: EditCounts


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of a table.

    Attributes:
        name: a speaker, a label, or "all".
        utterances: how many.
        wrong_utterances: of them those with an error.
        counts: of their words.
    """

    name: str
    utterances: int
    wrong_utterances: int
    counts: EditCounts

    @property
    def utterance_error_rate(self) -> float:
        """Share of utterances with an error; sclite's S.Err."""
        return self.wrong_utterances / self.utterances if self.utterances else 0.0


@dataclasses.dataclass(frozen=True)
class Scores:
    """A transcript against a reference."""

    references: References
    path: str
    utterances: list[Scored]

    @property
    def total(self) -> Row:
        """Over all utterances."""
        return _row("all", self.utterances)

    @property
    def by_speaker(self) -> list[Row]:
        """A row per speaker, in the order of the reference."""
        return _rows(self.utterances, lambda scored: [scored.reference.speaker])

    @property
    def by_label(self) -> list[list[Row]]:
        """For every position of the labels a row per label."""
        positions = max((len(scored.reference.labels) for scored in self.utterances), default=0)
        tables = (_rows(self.utterances, functools.partial(_label_at, position)) for position in range(positions))
        return [table for table in tables if table]

    @property
    def counts_list(self) -> list[EditCounts]:
        """Of every utterance."""
        return [scored.counts for scored in self.utterances]

    @property
    def speakers(self) -> list[str]:
        """Of every utterance, folded."""
        return [scored.reference.speaker.lower() for scored in self.utterances]

    def errors(self, kind: str) -> list[tuple[tuple[str, ...], int]]:
        """The errors of a kind with their words, reference before hypothesis, the most frequent first."""
        words: collections.Counter[tuple[str, ...]] = collections.Counter()
        for scored in self.utterances:
            for pair in scored.pairs:
                if pair.kind == kind:
                    words[tuple(word.shown for word in pair[1:] if word is not None)] += 1
        return sorted(words.items(), key=lambda entry: (-entry[1], entry[0]))

    @property
    def confusions(self) -> list[tuple[tuple[str, ...], int]]:
        """Reference word, hypothesis word, and how often the one was heard for the other."""
        return self.errors(SUBSTITUTION)


def score_files(
    reference_path,
    hypothesis_path,
    rules: Rules = Rules(),  # noqa: B008 - it is frozen
    missing: str = "error",
    reference_format: str | None = None,
    hypothesis_format: str | None = None,
) -> Scores:
    """Scores a transcript against its reference.

    Args:
        reference_path: STM or TRN.
        hypothesis_path: CTM or TRN.
        rules: how words are compared.
        missing: see `read_hypotheses`.
        reference_format, hypothesis_format: by default the names of the files tell.

    Raises:
        InputError: one of them cannot be read, or the two do not fit together.
    """
    references = read_references(reference_path, reference_format)
    heard = read_hypotheses(hypothesis_path, references, rules, hypothesis_format, missing)
    scored = []
    for reference, network in heard:
        try:
            pairs = align(parse_transcript(reference.text, rules), network, rules)
        except InputError as error:
            raise InputError(f"{reference_path}: {reference.id:.200}: {error}") from error
        scored.append(Scored(reference, pairs, count(pairs)))
    return Scores(references, str(hypothesis_path), scored)


def _rows(utterances: list[Scored], names_of: Callable[[Scored], Iterable[str]]) -> list[Row]:
    groups: dict[str, tuple[str, list[Scored]]] = {}
    for scored in utterances:
        for name in names_of(scored):
            if name:
                groups.setdefault(name.lower(), (name, []))[1].append(scored)
    return [_row(name, members) for name, members in groups.values()]


def _label_at(position: int, scored: Scored) -> tuple[str, ...]:
    return scored.reference.labels[position : position + 1]


def _row(name: str, utterances: list[Scored]) -> Row:
    wrong = sum(1 for scored in utterances if scored.counts.edits)
    return Row(name, len(utterances), wrong, sum((scored.counts for scored in utterances), EditCounts()))
