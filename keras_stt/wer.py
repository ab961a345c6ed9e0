"""Word and character error rates: edit counts, rates, bootstrap intervals and alignments.

The counts are those of jiwer, whose engine (rapidfuzz) is called here directly: per utterance, without its text
transforms, and with references that have no words.
"""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from rapidfuzz.distance import Levenshtein

_BOOTSTRAP_CELLS = 4_000_000  # draws held at once: 32 MB


@dataclasses.dataclass(frozen=True)
class EditCounts:
    """How a hypothesis differs from its reference; counts of several utterances add up with `+`."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    hits: int = 0

    def __add__(self, other: "EditCounts") -> "EditCounts":
        return EditCounts(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.hits + other.hits,
        )

    @property
    def edits(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def reference_words(self) -> int:
        return self.substitutions + self.deletions + self.hits

    @property
    def rate(self) -> float:
        """Edits per reference word. Of an empty reference: 0 without edits, infinite with any."""
        if self.reference_words:
            return self.edits / self.reference_words
        return math.inf if self.edits else 0.0


def edit_counts(reference_words: Sequence[str], hypothesis_words: Sequence[str]) -> EditCounts:
    """The fewest edits that turn the reference into the hypothesis. Takes lists of words, or strings of characters."""
    edits = [tag for tag, _, _ in Levenshtein.editops(reference_words, hypothesis_words).as_list()]
    substitutions, deletions = edits.count("replace"), edits.count("delete")
    hits = len(reference_words) - substitutions - deletions
    return EditCounts(substitutions, deletions, len(edits) - substitutions - deletions, hits)


def alignment_operations(
    reference_words: Sequence[str], hypothesis_words: Sequence[str]
) -> list[tuple[str, str | None, str | None]]:
    """The alignment behind `edit_counts`, in reading order.

    Returns:
        `(operation, reference word, hypothesis word)` with operation "equal", "substitute", "delete" (hypothesis
        word None) or "insert" (reference word None).
    """
    operations = []
    for tag, start, stop, other_start, other_stop in Levenshtein.opcodes(reference_words, hypothesis_words):
        heard, said = hypothesis_words[other_start:other_stop], reference_words[start:stop]
        if tag == "delete":
            operations += [("delete", word, None) for word in said]
        elif tag == "insert":
            operations += [("insert", None, word) for word in heard]
        else:
            name = "equal" if tag == "equal" else "substitute"
            operations += [(name, word, other) for word, other in zip(said, heard, strict=True)]
    return operations


def wer(references: Sequence[str] | str, hypotheses: Sequence[str] | str) -> float:
    """Word error rate over all utterances: all edits per all reference words.

    Args:
        references, hypotheses: one string per utterance (or a single string), words divided by white space. Compared
            as they are: normalise both first.

    Raises:
        ValueError: the two differ in number.
    """
    return _rate(references, hypotheses, str.split)


def cer(references: Sequence[str] | str, hypotheses: Sequence[str] | str) -> float:
    """Character error rate over all utterances; the single spaces between words count as characters."""
    return _rate(references, hypotheses, lambda text: " ".join(text.split()))


def _rate(references, hypotheses, units) -> float:
    if isinstance(references, str) and isinstance(hypotheses, str):
        references, hypotheses = [references], [hypotheses]
    if isinstance(references, str) or isinstance(hypotheses, str) or len(references) != len(hypotheses):
        raise ValueError("references and hypotheses must be two strings, or two lists of equal length")
    pairs = zip(references, hypotheses, strict=True)
    return sum((edit_counts(units(said), units(heard)) for said, heard in pairs), EditCounts()).rate


def bootstrap_interval(
    counts_list: Sequence[EditCounts],
    groups: Iterable | None = None,
    samples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """Bounds between which the error rate lies, by resampling what it was measured on (Bisani and Ney, 2004).

    Args:
        counts_list: the counts of every utterance.
        groups: the speaker of every utterance: whole speakers are then drawn, since the utterances of one are alike
            and would make the interval look narrower than it is.
        samples: how many times the test set is drawn anew.
        seed: of the draws; the same seed gives the same bounds.
        level: share of the drawn rates between the bounds.

    Returns:
        `(low, high)` as rates; `(0.0, 0.0)` for no utterances.
    """
    totals = _totals(counts_list, groups)
    if not len(totals):
        return 0.0, 0.0
    return _bounds(np.concatenate([_rates(*drawn.T) for drawn in _drawn(totals, samples, seed)]), level)


def paired_bootstrap(
    first: Sequence[EditCounts],
    second: Sequence[EditCounts],
    groups: Iterable | None = None,
    samples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float, float]:
    """How much lower or higher the error rate of a second system is on the same utterances (Bisani and Ney, 2004).

    Every draw takes the same utterances of both, so that what is hard for both does not blur the difference.

    Args:
        first, second: the counts of every utterance by the two systems.
        groups, samples, seed, level: as in `bootstrap_interval`.

    Returns:
        `(low, high, probability)`: the bounds of the second's rate less the first's, and the share of draws in which
        the second's is lower, those of equal rates counting half; `(0.0, 0.0, 0.5)` for no utterances.

    Raises:
        ValueError: they differ in number.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} utterances; give the same ones of both systems")
    groups = None if groups is None else list(groups)
    totals = np.concatenate([_totals(first, groups), _totals(second, groups)], axis=1)
    if not len(totals):
        return 0.0, 0.0, 0.5
    differences = []
    for drawn in _drawn(totals, samples, seed):
        rates, others = _rates(*drawn[:, :2].T), _rates(*drawn[:, 2:].T)
        # Two infinite rates are equal: their difference would be no number.
        differences.append(np.subtract(others, rates, out=np.zeros_like(rates), where=rates != others))
    found = np.concatenate(differences)
    low, high = _bounds(found, level)
    return low, high, float(np.mean(found < 0) + np.mean(found == 0) / 2)


def _totals(counts_list: Sequence[EditCounts], groups: Iterable | None) -> np.ndarray:
    """Edits and reference words of every utterance, or of every group: (N, 2)."""
    edits = np.array([counts.edits for counts in counts_list], np.float64)
    words = np.array([counts.reference_words for counts in counts_list], np.float64)
    if groups is not None:
        members = np.unique(np.array([str(group) for group in groups]), return_inverse=True)[1]
        if len(members) != len(edits):
            raise ValueError(f"{len(edits)} utterances with {len(members)} groups; give one group per utterance")
        edits, words = np.bincount(members, edits), np.bincount(members, words)
    return np.stack([edits, words], axis=1)


def _drawn(totals: np.ndarray, samples: int, seed: int) -> Iterator[np.ndarray]:
    """Sums over rows drawn with replacement, some of the samples at a time: (samples, columns)."""
    generator = np.random.default_rng(seed)
    chunk = max(1, _BOOTSTRAP_CELLS // len(totals))
    for done in range(0, samples, chunk):
        drawn = generator.integers(0, len(totals), (min(chunk, samples - done), len(totals)))
        yield np.stack([column[drawn].sum(axis=1) for column in totals.T], axis=1)


def _bounds(values: np.ndarray, level: float) -> tuple[float, float]:
    tails = ((1 - level) / 2, (1 + level) / 2)
    # Not interpolated: between a finite and an infinite rate there is no mean.
    low, high = np.quantile(values, tails, method="inverted_cdf")
    return float(low), float(high)


def _rates(edits: np.ndarray, words: np.ndarray) -> np.ndarray:
    without_words = np.where(edits > 0, np.inf, 0.0)
    return np.where(words > 0, edits / np.maximum(words, 1), without_words)
