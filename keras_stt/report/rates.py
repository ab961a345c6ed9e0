"""Where a model errs: its word error rate by speaker, by length of the utterance, and by how often train has a word."""

import bisect
import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from keras_stt.report.results import UtteranceResult
from keras_stt.wer import EditCounts, bootstrap_interval

LENGTHS = (1, 2, 5, 10, 15, 20, 30)  # seconds between which utterances are counted together
TIMES_IN_TRAIN = (1, 10, 100, 1000, 10_000)  # as often as a word is said in train, at least
FEWEST_FOR_INTERVAL = 5  # utterances; fewer drawn anew say little of any others


@dataclasses.dataclass(frozen=True)
class Rate:
    """The errors of some utterances, or of some of their words.

    Attributes:
        label: what they have in common.
        interval: the 95 % interval of the rate by resampling utterances; None with fewer than `FEWEST_FOR_INTERVAL`.
        utterances: how many there are, and how many `seconds` they last.
    """

    label: str
    counts: EditCounts
    interval: tuple[float, float] | None
    utterances: int
    seconds: float


def by_speaker(results: Iterable[UtteranceResult]) -> list[Rate]:
    """A rate for every speaker, the worst first."""
    of_speaker = defaultdict(list)
    for result in results:
        of_speaker[result.speaker or "unknown"].append(result)
    rates = [_rate(name, theirs) for name, theirs in of_speaker.items()]
    return sorted(rates, key=lambda rate: (-rate.counts.rate, rate.label))


def by_length(results: Iterable[UtteranceResult]) -> list[Rate]:
    """A rate for utterances of about the same length, the shortest first; none where there are none."""
    of_length = defaultdict(list)
    for result in results:
        of_length[bisect.bisect_right(LENGTHS, result.duration)].append(result)
    return [_rate(_between(LENGTHS, place, "s"), of_length[place]) for place in sorted(of_length)]


def by_times_in_train(results: Iterable[UtteranceResult], train_words: Mapping[str, int]) -> list[Rate]:
    """A rate for words that are about as often said in train, the rarest first.

    It counts words that were said: substituted and missed. What was added belongs to no word.
    """
    of_times = defaultdict(list)
    for result in results:
        counts = defaultdict(EditCounts)
        for operation, said, _ in result.aligned:
            if said is not None:
                counts[bisect.bisect_right(TIMES_IN_TRAIN, train_words.get(said, 0))] += _OF_A_WORD[operation]
        for place, found in counts.items():
            of_times[place].append((found, result.duration))
    rates = []
    for place in sorted(of_times):
        counts, seconds = zip(*of_times[place], strict=True)
        label = _between(TIMES_IN_TRAIN, place, "times", last_of=1) if place else "never"
        rates.append(_of_counts(label, counts, sum(seconds)))
    return rates


_OF_A_WORD = {"equal": EditCounts(hits=1), "substitute": EditCounts(1), "delete": EditCounts(deletions=1)}


def _rate(label: str, results: Sequence[UtteranceResult]) -> Rate:
    return _of_counts(label, [result.counts for result in results], sum(result.duration for result in results))


def _of_counts(label: str, counts: Sequence[EditCounts], seconds: float) -> Rate:
    interval = bootstrap_interval(counts) if len(counts) >= FEWEST_FOR_INTERVAL else None
    return Rate(label, sum(counts, EditCounts()), interval, len(counts), seconds)


def _between(edges: Sequence[int], place: int, unit: str, last_of: int = 0) -> str:
    """What lies between two edges, in words; of whole numbers (`last_of` 1) the upper edge is not among them."""
    if place == 0:
        return f"below {edges[0]} {unit}"
    if place == len(edges):
        return f"{edges[-1]:,} {unit} or more"
    return f"{edges[place - 1]:,} to {edges[place] - last_of:,} {unit}"
