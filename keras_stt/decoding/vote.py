"""One transcript from several: of all that was heard, the words that the fewest edits are to be feared of."""

from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import Levenshtein

from keras_stt.errors import InputError

_DEAF = ""  # the vote for no word


def expected_edits(words: Sequence[str], candidates: Sequence[Sequence[str]], weights: Sequence[float]) -> float:
    """Mean number of word edits between `words` and the candidates, each taken for the truth with its weight."""
    edits = [Levenshtein.distance(list(candidate), list(words)) for candidate in candidates]
    return float(np.dot(weights, edits) / np.sum(weights))


def vote(candidates: Sequence[Sequence[str]], weights: Sequence[float] | None = None) -> list[str]:
    """The transcript with the fewest expected word edits to the candidates (Goel and Byrne, 2000).

    Compared are all candidates and their consensus, a word of most votes at every place (ROVER, Fiscus, 1997), which
    can be better than each of them: candidates that err in different places outvote one another's errors.

    Args:
        candidates: `N` transcripts as lists of words.
        weights: of each, 0 or more; None for equal ones.

    Returns:
        The words. Of equals the first candidate; a candidate before the consensus.

    Raises:
        InputError: no candidates, or weights that do not fit them.
    """
    candidates = [list(candidate) for candidate in candidates]
    weights = np.ones(len(candidates)) if weights is None else np.asarray(weights, np.float64)
    if not candidates:
        raise InputError("vote: no candidates; give at least one")
    if weights.shape != (len(candidates),):
        raise InputError(f"vote: weights {weights.shape} for {len(candidates)} candidates; give one per candidate")
    if not (np.isfinite(weights).all() and weights.min() >= 0 and weights.sum() > 0):
        raise InputError("vote: weights must be 0 or more, finite, and not all 0")
    risks = [expected_edits(candidate, candidates, weights) for candidate in candidates]
    least = int(np.argmin(risks))
    agreed = consensus(candidates, weights, least)
    return agreed if expected_edits(agreed, candidates, weights) < risks[least] - 1e-9 else candidates[least]


def consensus(candidates: Sequence[Sequence[str]], weights: Sequence[float], skeleton: int = 0) -> list[str]:
    """The word, or none, with most votes at every place of a confusion network (ROVER, Fiscus, 1997).

    Args:
        candidates: `N` transcripts as lists of words.
        weights: `(N,)`.
        skeleton: the candidate that the network begins with; the others are aligned to it one by one, heaviest first.
    """
    places = [{word: float(weights[skeleton])} for word in candidates[skeleton]]
    voted = max(float(weights[skeleton]), 1e-12)
    others = [number for number in np.argsort(-np.asarray(weights), kind="stable") if number != skeleton]
    for number in others:
        places = _with_votes(places, list(candidates[number]), float(weights[number]), voted)
        voted += float(weights[number])
    winners = [max(place, key=place.get) for place in places]
    return [word for word in winners if word != _DEAF]


def _with_votes(places: list[dict], words: list[str], weight: float, voted: float) -> list[dict]:
    """The places after one more transcript has voted; new ones where it has words that no place fits."""
    result = []
    for place, word in _pairs(places, words, voted):
        place = {_DEAF: voted} if place is None else place
        place[word] = place.get(word, 0.0) + weight
        result.append(place)
    return result


def _pairs(places: list[dict], words: list[str], voted: float) -> list[tuple[dict | None, str]]:
    """Places and words in order, None and "" for what stays alone, at the least disagreement with earlier votes."""
    # What a pair costs is the share of earlier votes for something else; of a new place all were for nothing.
    skip = np.array([1 - place.get(_DEAF, 0.0) / voted for place in places])
    together = np.array([[1 - place.get(word, 0.0) / voted for word in words] for place in places])
    cost = np.zeros((len(places) + 1, len(words) + 1))
    cost[1:, 0], cost[0] = np.cumsum(skip), np.arange(len(words) + 1)
    for i in range(len(places)):
        for j in range(len(words)):
            cost[i + 1, j + 1] = min(cost[i, j] + together[i, j], cost[i, j + 1] + skip[i], cost[i + 1, j] + 1)
    pairs, i, j = [], len(places), len(words)
    while i or j:
        if i and j and cost[i, j] == cost[i - 1, j - 1] + together[i - 1, j - 1]:
            i, j = i - 1, j - 1
            pairs.append((places[i], words[j]))
        elif i and (not j or cost[i, j] == cost[i - 1, j] + skip[i - 1]):
            i -= 1
            pairs.append((places[i], _DEAF))
        else:
            j -= 1
            pairs.append((None, words[j]))
    return pairs[::-1]
