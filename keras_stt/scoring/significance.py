"""Whether one system is better than another on the same utterances, or was lucky."""

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from keras_stt.errors import InputError
from keras_stt.scoring.align import CORRECT, INSERTION, Pair
from keras_stt.scoring.scores import Scores
from keras_stt.wer import paired_bootstrap

LEVEL = 0.05  # a difference this unlikely by chance, or less, counts as one
ENOUGH_SEGMENTS = 50  # below, the sum of their differences need not be normal
_GOOD_WORDS = 2  # correct in both systems, they part two segments (Gillick and Cox; NIST's sc_stats)


@dataclasses.dataclass(frozen=True)
class MatchedPairs:
    """The matched-pairs sentence-segment word error test (Gillick and Cox, 1989), as NIST's sc_stats does it.

    Attributes:
        segments: stretches in which one of the systems errs, parted by two words that both have right.
        mean, deviation: of the first system's errors less the second's, over segments.
        z: the mean in standard errors; None where no deviation can be told.
        p: how likely a difference this large is where there is none, both ways.
    """

    segments: int
    mean: float
    deviation: float
    z: float | None
    p: float

    @property
    def chance(self) -> str:
        """`p` as it is told: below a thousandth the normal approximation means nothing more."""
        return f"p = {self.p:.3g}" if self.p >= 0.001 else "p < 0.001"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Two systems on the same utterances.

    Attributes:
        matched_pairs: the test.
        difference: WER of the second less that of the first.
        interval: of the difference, by bootstrap.
        probability_of_improvement: share of the bootstrap's draws in which the second has the lower WER.
        sentence: what comes out, in words.
    """

    matched_pairs: MatchedPairs
    difference: float
    interval: tuple[float, float]
    probability_of_improvement: float
    sentence: str


def compare(first: Scores, second: Scores, groups: Sequence | None, samples: int, seed: int) -> Comparison:
    """Tests the second system against the first.

    Args:
        first, second: of the same reference, with the same rules.
        groups, samples, seed: of the bootstrap, as in `wer.bootstrap_interval`.

    Raises:
        InputError: the two do not have the same utterances, of which some may have been left out.
    """
    if [scored.reference.id for scored in first.utterances] != [scored.reference.id for scored in second.utterances]:
        raise InputError(f"{first.path} and {second.path} have other utterances; --missing=delete scores all of both")
    test = matched_pairs(first, second)
    low, high, improved = paired_bootstrap(first.counts_list, second.counts_list, groups, samples, seed)
    rates = first.total.counts.rate, second.total.counts.rate
    # Without a reference word both may be infinite, and so is then what lies between.
    difference = rates[1] - rates[0] if rates[0] != rates[1] else 0.0
    return Comparison(test, difference, (low, high), improved, _sentence(first, second, test))


def matched_pairs(first: Scores, second: Scores) -> MatchedPairs:
    """The test on the segments of all utterances."""
    pairs = zip(first.utterances, second.utterances, strict=True)
    segments = [segment for one, other in pairs for segment in error_segments(one.pairs, other.pairs)]
    differences = np.array([one - other for one, other in segments], np.float64)
    if not len(differences):
        return MatchedPairs(0, 0.0, 0.0, None, 1.0)
    mean, count = float(differences.mean()), len(differences)
    deviation = float(differences.std(ddof=1)) if count > 1 else 0.0
    if deviation == 0.0:
        # All segments differ alike: that all of them do so in one direction, a coin tells.
        return MatchedPairs(count, mean, 0.0, None, min(1.0, 2.0 ** (1 - count)) if mean else 1.0)
    z = mean / (deviation / math.sqrt(count))
    return MatchedPairs(count, mean, deviation, z, math.erfc(abs(z) / math.sqrt(2)))


def error_segments(first: Sequence[Pair], second: Sequence[Pair]) -> list[tuple[int, int]]:
    """The errors of both systems in every segment of an utterance.

    An insertion counts wherever it stands, also behind the last word, where sc_stats passes over those of the second.
    """
    ours = [_errors_by_place(pairs) for pairs in (first, second)]
    places = sorted(ours[0].keys() | ours[1].keys())
    segments, errors, good = [], None, 0
    for place in places:
        here = tuple(system.get(place, 0) for system in ours)
        if any(here):
            errors = here if errors is None else (errors[0] + here[0], errors[1] + here[1])
            good = 0
        elif place[1]:  # a word, not the gap before one
            good += 1
            if good >= _GOOD_WORDS and errors is not None:
                segments.append(errors)
                errors = None
    return segments if errors is None else [*segments, errors]


def _errors_by_place(pairs: Sequence[Pair]) -> Counter:
    """Errors by `(place, 1)` for words of the reference and `(place, 0)` for insertions before that word."""
    errors, at = Counter(), 0
    for pair in pairs:
        if pair.kind == INSERTION or pair.reference is None:
            errors[at, 0] += pair.kind != CORRECT
        else:
            at = pair.reference.place + 1
            errors[pair.reference.place, 1] += pair.kind != CORRECT
    return errors


def _sentence(first: Scores, second: Scores, test: MatchedPairs) -> str:
    if not test.segments:
        return "Neither system has an error: there is nothing to tell them apart."
    few = test.segments < ENOUGH_SEGMENTS
    if test.p > LEVEL or not test.mean:
        sentence = f"The two systems cannot be told apart by this test set ({test.chance})"
    else:
        better, worse = (second, first) if test.mean > 0 else (first, second)
        sentence = f"{better.path} makes fewer errors than {worse.path} ({test.chance})"
        sentence += "" if few else ", and not by chance"
    if few:
        sentence += f"; the test wants {ENOUGH_SEGMENTS} segments with errors and has {test.segments}"
    return f"{sentence}."
