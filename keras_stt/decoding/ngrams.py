"""How likely an id is after others: interpolated Kneser-Ney n-grams in a few arrays, over words or over characters."""

import dataclasses
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

UNKNOWN, BEGIN, END = range(3)  # the first ids of every model; those of words or characters follow
ARRAYS = ("size", "keys", "log_probabilities", "log_backoffs", "suffixes")  # what a file holds of a model
ROOT = -1  # the state after nothing that the model knows
_FALLBACK_DISCOUNTS = np.array([0.0, 0.5, 1.0, 1.5])  # where a text is too small to tell its own
_MOST_UNKNOWN = 0.5
_MEMO_ENTRIES = 2_000_000  # some 300 MB


class Ngrams:
    """A trie of n-grams.

    Node `i < size` is the id `i` alone. Node `size + j` is the n-gram of key `keys[j]`, which is the node of all its
    ids but the last, times `size`, plus the last. Keys are in order, so that a child is found by one bisection. The
    state after some ids is the node of as many of the last ones as matter, or `ROOT`.

    Attributes:
        size: number of ids, `UNKNOWN`, `BEGIN` and `END` among them.
        keys: int64 `(M,)`.
        log_probabilities: float32 `(size + M,)`, natural, of each node's last id after its other ids.
        log_backoffs: float32 `(size + M,)`, natural: what the shorter context weighs where a node has no such child.
        suffixes: int32 `(size + M,)`, the node without its first id.
    """

    def __init__(self, size: int, keys, log_probabilities, log_backoffs, suffixes):
        self.size = size
        self.keys = np.ascontiguousarray(keys, np.int64)
        self.log_probabilities = np.ascontiguousarray(log_probabilities, np.float32)
        self.log_backoffs = np.ascontiguousarray(log_backoffs, np.float32)
        self.suffixes = np.ascontiguousarray(suffixes, np.int32)
        # A node without children says the same as its suffix: fewer states, more that is remembered.
        leaf = np.ones(size + len(self.keys), bool)
        leaf[self.keys // size] = False
        states = np.arange(len(leaf), dtype=np.int32)
        while (drop := (states != ROOT) & leaf[states]).any():
            states[drop] = self.suffixes[states[drop]]
        # Memory views give Python numbers, several times faster than NumPy gives its own.
        self._keys, self._states, self._suffixes = memoryview(self.keys), memoryview(states), memoryview(self.suffixes)
        self._log_p, self._log_backoffs = memoryview(self.log_probabilities), memoryview(self.log_backoffs)
        self._memo: dict[int, tuple[float, int]] = {}

    @property
    def begin(self) -> int:
        """The state at the beginning of a sentence."""
        return self._states[BEGIN]

    def step(self, state: int, index: int) -> tuple[float, int]:
        """The natural logarithm of the probability of id `index` after `state`, and the state then reached."""
        entry = state * self.size + index
        known = self._memo.get(entry)
        if known is None:
            if len(self._memo) >= _MEMO_ENTRIES:
                self._memo.clear()
            known = self._memo[entry] = self._look_up(state, index)
        return known

    def _look_up(self, state: int, index: int) -> tuple[float, int]:
        backed_off = 0.0
        while state != ROOT:
            key = state * self.size + index
            place = bisect_left(self._keys, key)
            if place < len(self._keys) and self._keys[place] == key:
                return backed_off + self._log_p[self.size + place], self._states[self.size + place]
            backed_off += self._log_backoffs[state]
            state = self._suffixes[state]
        return backed_off + self._log_p[index], self._states[index]

    def state_after(self, ids: Sequence[int], state: int = ROOT) -> int:
        """The state reached from `state` by some more ids."""
        for index in ids:
            state = self.step(state, index)[1]
        return state

    def arrays(self, prefix: str) -> dict[str, np.ndarray]:
        """What `from_arrays` makes it from, names beginning with `prefix`."""
        return {
            f"{prefix}size": np.array(self.size),
            # Differences repeat themselves, and so compress to a third.
            f"{prefix}keys": np.diff(self.keys, prepend=0),
            f"{prefix}log_probabilities": self.log_probabilities,
            f"{prefix}log_backoffs": self.log_backoffs,
            f"{prefix}suffixes": self.suffixes,
        }

    @classmethod
    def from_arrays(cls, arrays, prefix: str) -> "Ngrams":
        """The inverse of `arrays`.

        Raises:
            ValueError: they are no trie; one from outside could make a search go on for ever.
        """
        names = ("log_probabilities", "log_backoffs", "suffixes")
        size, keys = int(arrays[f"{prefix}size"]), np.cumsum(arrays[f"{prefix}keys"], dtype=np.int64)
        values = [arrays[prefix + name] for name in names]
        nodes = np.arange(size + len(keys)) if 0 < size <= len(values[0]) else np.zeros(0)
        if any(array.shape != nodes.shape for array in values):
            raise ValueError("n-grams whose arrays are not equally long")
        if np.any(np.diff(keys) <= 0) or np.any(keys < 0) or np.any(keys // size >= nodes[size:]):
            raise ValueError("n-grams out of order")
        # Without its first id an n-gram is a shorter one, and those come first.
        if np.any(values[2] < ROOT) or np.any(values[2] >= nodes):
            raise ValueError("an n-gram that ends in a longer one")
        if np.isnan(values[0]).any() or np.isnan(values[1]).any():
            raise ValueError("a probability that is no number")
        return cls(size, keys, *values)


@dataclasses.dataclass
class _Table:
    """The n-grams of one order: rows of the next shorter order they begin and end with, last ids, times seen."""

    parents: np.ndarray
    last: np.ndarray
    suffixes: np.ndarray
    counts: np.ndarray
    begins: np.ndarray  # whether the first id is BEGIN


def learn_ngrams(sentences: Sequence[Sequence[int]], size: int, order: int, prune: Sequence[int]) -> Ngrams:
    """Interpolated modified Kneser-Ney n-grams (Chen and Goodman, 1999), pruned by count.

    One departure: what one-grams leave over goes to `UNKNOWN` as a whole, and is as much as Good and Turing give to
    the never seen: the share of ids met after one other only. (The usual uniform share would be far too little where
    all words of the text are in the vocabulary.)

    Args:
        sentences: ids from 3 on, without `BEGIN` and `END`.
        size: number of ids.
        order: longest n-gram, 1 or more.
        prune: `(order,)`; n-grams seen at most so often are left out. Begins with 0 and never falls.
    """
    tables = _count(sentences, size, order)
    kept = [table.counts > least for table, least in zip(tables, prune, strict=True)]
    kept[0][:] = True
    adjusted = [_adjusted_counts(*pair) for pair in zip(tables, [*tables[1:], None], strict=True)]
    probabilities = _one_grams(adjusted[0])
    nodes, next_node = np.arange(size), size
    all_keys, all_p, all_suffixes, all_backoffs = [], [probabilities], [np.full(size, ROOT)], []
    for table, keep, counts in zip(tables[1:], kept[1:], adjusted[1:], strict=True):
        totals = np.bincount(table.parents, counts, minlength=len(nodes))
        shares = (counts - _discounts(counts)[np.minimum(counts, 3)]) / np.maximum(totals[table.parents], 1)
        left = 1 - np.bincount(table.parents[keep], shares[keep], minlength=len(nodes))
        probabilities = shares + left[table.parents] * probabilities[table.suffixes]
        all_backoffs.append(left[nodes >= 0])
        all_keys.append(nodes[table.parents[keep]] * size + table.last[keep])
        all_p.append(probabilities[keep])
        all_suffixes.append(nodes[table.suffixes[keep]])
        nodes = np.where(keep, next_node + np.cumsum(keep) - 1, -1)
        next_node += int(keep.sum())
    all_backoffs.append(np.ones(len(all_p[-1])))  # nothing follows the longest
    with np.errstate(divide="ignore"):  # BEGIN is never said
        log_p, log_backoffs = np.log(np.concatenate(all_p)), np.log(np.concatenate(all_backoffs))
    keys = np.concatenate(all_keys) if all_keys else np.zeros(0, np.int64)
    return Ngrams(size, keys, log_p, log_backoffs, np.concatenate(all_suffixes))


def _count(sentences, size: int, order: int) -> list[_Table]:
    """One table per order; the rows of each are in the order of their keys."""
    lengths = np.array([len(sentence) + 2 for sentence in sentences])
    ids = np.fromiter((index for sentence in sentences for index in (BEGIN, *sentence, END)), np.int64, lengths.sum())
    of_sentence = np.repeat(np.arange(len(lengths)), lengths)
    every = np.arange(size)
    tables = [_Table(np.zeros_like(every), every, every, np.bincount(ids, minlength=size), every == BEGIN)]
    rows = ids  # of the n-gram that begins at each place
    for length in range(2, order + 1):
        last = of_sentence[length - 1 :]
        places = np.flatnonzero(of_sentence[: len(last)] == last)
        keys, first, inverse, counts = np.unique(
            rows[places] * size + ids[places + length - 1], return_index=True, return_inverse=True, return_counts=True
        )
        begins = tables[-1].begins[keys // size]
        tables.append(_Table(keys // size, keys % size, rows[places[first] + 1], counts, begins))
        rows = np.full(len(ids), -1)
        rows[places] = inverse
    return tables


def _adjusted_counts(table: _Table, longer: _Table | None) -> np.ndarray:
    """After how many different ids an n-gram is met; times seen for the longest, and where nothing can go before."""
    if longer is None:
        counts = table.counts.copy()
    else:
        counts = np.bincount(longer.suffixes, minlength=len(table.counts))
        counts[table.begins] = table.counts[table.begins]
    return counts


def _one_grams(counts: np.ndarray) -> np.ndarray:
    """Probabilities `(size,)`: BEGIN has none, UNKNOWN what is due to the never seen."""
    counts = counts.astype(np.float64)
    counts[[UNKNOWN, BEGIN]] = 0
    unknown = min((np.sum(counts == 1) + 1) / (counts.sum() + 2), _MOST_UNKNOWN)
    probabilities = counts / counts.sum() * (1 - unknown)
    probabilities[UNKNOWN] = unknown
    return probabilities


def _discounts(counts: np.ndarray) -> np.ndarray:
    """What is taken from an n-gram seen 0, 1, 2, or 3 and more times: `(4,)`, from the counts of counts."""
    once, twice, thrice, four_times = (int(np.sum(counts == times)) for times in (1, 2, 3, 4))
    if not (once and twice and thrice and four_times):
        return _FALLBACK_DISCOUNTS
    share = once / (once + 2 * twice)
    ratios = np.array([0.0, twice / once, thrice / twice, four_times / thrice])
    times = np.arange(4)
    discounts = times - (times + 1) * share * ratios
    return discounts if np.all((discounts[1:] > 0) & (discounts[1:] < times[1:])) else _FALLBACK_DISCOUNTS
