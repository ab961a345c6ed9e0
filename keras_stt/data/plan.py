"""The plan: which windows a training step reads, as a pure function of the seed and the step.

Determinism, exact resume, shuffling without buffers and equal work on all processes follow from it: nothing is kept
but two numbers.
"""

import numpy as np

ROUNDS = 4  # of the Feistel network; three already make a pseudo-random permutation


class Permutation:
    """A pseudo-random order of `range(size)` that needs no memory: a Feistel network with cycle walking.

    Black and Rogaway, "Ciphers with arbitrary finite domains", 2002.
    """

    def __init__(self, size: int, key: tuple[int, ...]):
        self.size = size
        self.half_bits = max(1, (max(size - 1, 1).bit_length() + 1) // 2)
        self.keys = np.random.default_rng(key).integers(1, 2**63, ROUNDS, dtype=np.uint64)

    def __call__(self, places: np.ndarray) -> np.ndarray:
        """The items at `places`, int64."""
        items = self._mix(np.asarray(places, np.uint64))
        while (outside := items >= self.size).any():
            items[outside] = self._mix(items[outside])
        return items.astype(np.int64)

    def _mix(self, values):
        bits, mask = np.uint64(self.half_bits), np.uint64((1 << self.half_bits) - 1)
        left, right = values >> bits, values & mask
        for key in self.keys:
            mixed = (right + key) * np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
            left, right = right, left ^ ((mixed >> np.uint64(32)) & mask)
        return (left << bits) | right


GROUP_STEPS = 16  # steps whose windows are sorted by length among themselves


class WindowPlan:
    """Steps over the windows of a corpus.

    A shuffled plan takes the windows of `GROUP_STEPS` steps at a time, sorts them by length into batches of like
    length, so that little is padded, and takes those batches in random order.

    Args:
        window_counts: windows of each utterance.
        durations: seconds of each utterance.
        batch_size: windows in a step; on the last step of an unshuffled plan fewer.
        seed: of the order; `None` keeps the corpus's order.
    """

    def __init__(self, window_counts: np.ndarray, durations: np.ndarray, batch_size: int, seed: int | None):
        self.ends = np.cumsum(window_counts, dtype=np.int64)
        self.durations = durations
        self.size = int(self.ends[-1]) if len(self.ends) else 0
        self.batch_size = batch_size
        self.seed = seed
        self._last_group = None, None

    @property
    def steps_per_epoch(self) -> int:
        """Steps that see every window once; shuffled plans drop what does not fill a batch."""
        return -(-self.size // self.batch_size) if self.seed is None else max(1, self.size // self.batch_size)

    def rows(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Utterances and window numbers within them that step `step` reads, counted from the start of training."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if self.seed is None:
            places = np.arange(place * self.batch_size, (place + 1) * self.batch_size)
            return self._located(places[places < self.size])
        first = place - place % GROUP_STEPS
        utterances, windows = self._group(epoch, first)
        group = len(utterances) // self.batch_size
        batch = np.random.default_rng((self.seed, epoch, first)).permutation(group)[place - first]
        chosen = slice(batch * self.batch_size, (batch + 1) * self.batch_size)
        return utterances[chosen], windows[chosen]

    def _group(self, epoch: int, first: int) -> tuple[np.ndarray, np.ndarray]:
        """The windows of the steps that are sorted together, by length. The last answer is kept."""
        known, group = self._last_group
        if known != (epoch, first):
            steps = min(GROUP_STEPS, self.steps_per_epoch - first)
            places = np.arange(first * self.batch_size, (first + steps) * self.batch_size) % self.size
            utterances, windows = self._located(Permutation(self.size, (self.seed, epoch))(places))
            order = np.argsort(self._seconds(utterances, windows), kind="stable")
            group = utterances[order], windows[order]
            self._last_group = (epoch, first), group
        return group

    def _located(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        utterances = np.searchsorted(self.ends, windows, side="right")
        starts = np.where(utterances > 0, self.ends[utterances - 1], 0)
        return utterances, windows - starts

    def _seconds(self, utterances: np.ndarray, windows: np.ndarray) -> np.ndarray:
        """About how long the utterance goes on from the beginning of the window."""
        starts = np.where(utterances > 0, self.ends[utterances - 1], 0)
        return self.durations[utterances] * (1 - windows / (self.ends[utterances] - starts))

    def generator(self, step: int, *row: int) -> np.random.Generator:
        """Random numbers of that step alone, or of one of its rows, whoever reads it."""
        return np.random.default_rng((self.seed or 0, step, *row))
