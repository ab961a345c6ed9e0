"""The alignment of two networks of words by sclite's dynamic programming: its costs, and its choice between equals."""

import math
from typing import NamedTuple

import numpy as np

from keras_stt.errors import InputError
from keras_stt.scoring.network import NULL, Network, Rules, Word
from keras_stt.wer import EditCounts

CORRECT, SUBSTITUTION, DELETION, INSERTION = "correct", "substitution", "deletion", "insertion"

# sclite's costs. Its sums are of single precision, and which of two alignments that differ by a rounding of 0.001 it
# takes depends on that.
_NOTHING = float(np.float32(0.001))  # a deleted or inserted @
_BOTH_NOTHING = 1.0  # @ for @
_OPTIONAL = 2.0
_SUBSTITUTION = 4.0
_DELETION_OF_SCLITE, _DELETION_OF_LEVENSHTEIN = 3.0, 4.0  # and of an insertion
_MAX_PLAIN_CELLS, _MAX_NETWORK_CELLS = 400_000_000, 25_000_000  # 1.6 GB each


class Pair(NamedTuple):
    """A step of an alignment.

    Attributes:
        kind: CORRECT, SUBSTITUTION, DELETION or INSERTION.
        reference, hypothesis: the words; None where there is none. An optional word that was left out is correct and
            has None as its hypothesis.
    """

    kind: str
    reference: Word | None
    hypothesis: Word | None


def align(reference: Network, hypothesis: Network, rules: Rules) -> list[Pair]:
    """The cheapest alignment, in reading order, without the words of nothing that nothing stands against.

    Raises:
        InputError: the two are so long that their alignment does not fit in memory.
    """
    costs = _Costs(rules)
    plain = all(
        network.linear and not any(word.fragment or word.text == NULL for word in network.words[1:])
        for network in (reference, hypothesis)
    )
    cells, most = len(reference.words) * len(hypothesis.words), _MAX_PLAIN_CELLS if plain else _MAX_NETWORK_CELLS
    if cells > most:
        said, heard = len(reference.words) - 1, len(hypothesis.words) - 1
        raise InputError(f"{said} words against {heard} at once; cut it into utterances of some hundred words")
    steps = _plain_steps(reference, hypothesis, costs) if plain else _network_steps(reference, hypothesis, costs)
    return [pair for pair in map(_pair, steps) if pair is not None]


def count(pairs: list[Pair]) -> EditCounts:
    """How often each kind occurs."""
    kinds = [pair.kind for pair in pairs]
    return EditCounts(*map(kinds.count, (SUBSTITUTION, DELETION, INSERTION, CORRECT)))


def same(one: Word, other: Word) -> bool:
    """Whether two words count as the same."""
    if one.fragment or other.fragment:
        for fragment, word in ((one, other), (other, one)):
            text = fragment.text
            if len(text) > 1 and text.startswith("-"):
                return word.text.endswith(text[1:])
            if len(text) > 1 and text.endswith("-"):
                return word.text.startswith(text[:-1])
    return one.text == other.text


class _Costs:
    def __init__(self, rules: Rules):
        self._alone = _DELETION_OF_LEVENSHTEIN if rules.levenshtein else _DELETION_OF_SCLITE

    def alone(self, word: Word) -> float:
        """Of a word that is deleted or inserted."""
        if word.text == NULL:
            return _NOTHING
        return _OPTIONAL if word.optional else self._alone

    @staticmethod
    def together(one: Word, other: Word) -> float:
        """Of one word for another."""
        if one.text == other.text == NULL:
            return _BOTH_NOTHING
        return 0.0 if same(one, other) else _SUBSTITUTION


def _pair(step: tuple[Word | None, Word | None]) -> Pair | None:
    said, heard = step
    if said is None or heard is None:
        word = heard if said is None else said
        if word.text == NULL:
            return None
        if word.optional:
            return Pair(CORRECT, said, heard)
        return Pair(INSERTION if said is None else DELETION, said, heard)
    if said.text == heard.text == NULL:
        return None
    return Pair(CORRECT if same(said, heard) else SUBSTITUTION, said, heard)


def _plain_steps(reference: Network, hypothesis: Network, costs: _Costs) -> list[tuple[Word | None, Word | None]]:
    """For two lists of words, a row at a time: all costs are whole numbers, and sums of them are exact."""
    said, heard = reference.words[1:], hypothesis.words[1:]
    codes: dict[str, int] = {}
    said_codes, heard_codes = (
        np.array([codes.setdefault(word.text, len(codes)) for word in words], np.int64) for words in (said, heard)
    )
    inserted = np.cumsum([0] + [costs.alone(word) for word in heard], dtype=np.int32)
    deleted = np.array([costs.alone(word) for word in said], np.int32)
    best = np.empty((len(said) + 1, len(heard) + 1), np.int32)
    best[0] = inserted
    for row, code in enumerate(said_codes, start=1):
        above, here = best[row - 1], best[row]
        here[:] = above + deleted[row - 1]
        np.minimum(here[1:], above[:-1] + np.where(heard_codes == code, 0, int(_SUBSTITUTION)), out=here[1:])
        # An insertion leads from left to right: the cheapest start of all to the left, by the way from there.
        np.minimum.accumulate(here - inserted, out=here)
        here += inserted
    steps, row, column = [], len(said), len(heard)
    while row or column:
        cost = best[row, column]
        if row and column:
            unlike = 0 if said_codes[row - 1] == heard_codes[column - 1] else int(_SUBSTITUTION)
            if cost == best[row - 1, column - 1] + unlike:
                row, column = row - 1, column - 1
                steps.append((said[row], heard[column]))
                continue
        # Of a deletion and an insertion that cost the same, sclite takes the insertion.
        if column and cost == best[row, column - 1] + inserted[column] - inserted[column - 1]:
            column -= 1
            steps.append((None, heard[column]))
        else:
            row -= 1
            steps.append((said[row], None))
    return steps[::-1]


def _network_steps(reference: Network, hypothesis: Network, costs: _Costs) -> list[tuple[Word | None, Word | None]]:
    """For networks, a cell at a time."""
    best, back = _cells(reference, hypothesis, costs)
    _, a, b = min(((best[a][b], a, b) for a in reference.last for b in hypothesis.last), key=lambda end: end[0])
    steps = []
    while a or b:
        earlier_a, earlier_b = back[a][b]
        said = None if earlier_a == a else reference.words[a]
        heard = None if earlier_b == b else hypothesis.words[b]
        steps.append((said, heard))
        a, b = earlier_a, earlier_b
    return steps[::-1]


def _cells(reference: Network, hypothesis: Network, costs: _Costs) -> tuple[list[list[float]], list[list[tuple]]]:
    """For every arc of both the cost of the cheapest way to its end, and the arcs before."""
    width = len(hypothesis.words)
    inserted = [0.0] + [costs.alone(word) for word in hypothesis.words[1:]]
    unlike: dict[Word, list[float]] = {}  # by word of the reference, to every word of the hypothesis
    best, back = [], []
    for a, said in enumerate(reference.words):
        best.append([0.0] * width)
        back.append([(0, 0)] * width)
        if a:
            above, came = _first_cheapest([(best[i], i) for i in reference.before[a]])
            deleted = costs.alone(said)
            if said not in unlike:
                unlike[said] = [0.0] + [costs.together(said, heard) for heard in hypothesis.words[1:]]
        here = best[a]
        for b, before in enumerate(hypothesis.before):
            # Of ways that cost the same the first is taken: substitution, insertion, deletion.
            cost, arcs = math.inf, (0, 0)
            if a and b:
                if len(before) == 1:
                    cost, arcs = above[before[0]], (came[before[0]], before[0])
                else:
                    for i in reference.before[a]:
                        for j in before:
                            if best[i][j] < cost:
                                cost, arcs = best[i][j], (i, j)
                cost = _single(cost + unlike[said][b])
            if b:
                least = min(before, key=here.__getitem__) if len(before) > 1 else before[0]
                if (way := _single(here[least] + inserted[b])) < cost:
                    cost, arcs = way, (a, least)
            if a and (way := _single(above[b] + deleted)) < cost:
                cost, arcs = way, (came[b], b)
            if a or b:
                here[b], back[a][b] = cost, arcs
    return best, back


def _first_cheapest(rows: list[tuple[list[float], int]]) -> tuple[list[float], list[int]]:
    """For every column the least of some rows, and the number of the first row that has it."""
    if len(rows) == 1:
        return rows[0][0], [rows[0][1]] * len(rows[0][0])
    cheapest = [
        min(column, key=lambda way: way[0]) for column in zip(*([(c, i) for c in row] for row, i in rows), strict=True)
    ]
    return [cost for cost, _ in cheapest], [number for _, number in cheapest]


def _single(cost: float) -> float:
    """The cost in single precision; whole numbers are the same in both."""
    return cost if cost.is_integer() else float(np.float32(cost))
