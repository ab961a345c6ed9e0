"""Which utterances of a test set are worth looking at."""

from collections.abc import Sequence

MOST_SECONDS = (
    30.0  # longer ones are left out: this much a model of whole utterances hears at once, and a page can hold
)
PER_GROUP = 3
FEW = 6  # utterances of which all are shown
ALL, BEST, MEDIAN, WORST = "all", "best", "median", "worst"


def quality(result) -> tuple:
    """Sorts the best first; of equal rates, a longer utterance is the better or the worse example."""
    rate, words = result.counts.rate, result.counts.reference_words
    return rate, words if rate >= 1 else -words, str(result.id)


def choose(results: Sequence) -> list[tuple[str, object]]:
    """Group and result of the worst, the median and the best utterances, in this order; of very few all, worst first.

    Args:
        results: as `evaluation.UtteranceResult`.
    """
    ranked = sorted((result for result in results if 0 < result.duration <= MOST_SECONDS), key=quality)
    if len(ranked) <= FEW:
        return [(ALL, result) for result in reversed(ranked)]
    size = min(PER_GROUP, len(ranked) // 3)
    middle = (len(ranked) - size) // 2
    groups = {WORST: ranked[-size:][::-1], MEDIAN: ranked[middle : middle + size], BEST: ranked[:size]}
    return [(group, result) for group, some in groups.items() for result in some]
