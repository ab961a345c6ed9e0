"""The plan of whole utterances: batches of like length in few shapes, as a pure function of the seed and the step."""

import numpy as np

from keras_stt.data.plan import Permutation
from keras_stt.errors import InputError
from keras_stt.features import FRAME_SECONDS

MOST_LENGTHS = 512  # between which the buckets' lengths are chosen; more would make the choice slow
MOST_JOINED = 1.5  # times as long may a bucket be that takes in another: a small batch costs less than much padding


class UtterancePlan:
    """Steps over the utterances of a corpus, in buckets of one padded length and one batch size each.

    The buckets' lengths are those that pad least. In an epoch every utterance is read once, in a batch drawn anew from
    its bucket; what is left in a bucket is spread over its batches, and only the last of them repeats utterances.

    Speeds are a part of the plan, since they decide how long an utterance lasts. Utterances of about the same length
    share the speeds among them: every speed is as frequent as any other in every epoch, an utterance has had each of
    them after `len(speeds)` epochs, and the number of batches never changes.

    Attributes:
        size: utterances in an epoch.
        left_out: utterances that are not `usable`.
        shapes: `(batch size, frames)` of every bucket, shortest first.
        padding: share of the batches' frames in which nothing is said.
    """

    def __init__(
        self,
        durations_s: np.ndarray,
        max_batch_seconds: float,
        seed: int | None,
        buckets: int = 10,
        *,
        usable: np.ndarray | None = None,
        speeds: tuple[float, ...] = (1.0,),
        frame_multiple: int = 32,
        size_multiple: int = 1,
        short_first_epochs: int = 0,
    ):
        """Lays out the batches of an epoch.

        Args:
            durations_s: seconds of every utterance.
            max_batch_seconds: padded audio in a batch, of one view of each utterance; a longer utterance goes alone.
            seed: `None` for evaluation: every utterance once, shortest first, at its own speed.
            buckets: how many shapes at most.
            usable: bool, the utterances to read; see `utterances.usable_rows`.
            speeds: how fast utterances are heard; see `Augmentation.speeds`.
            frame_multiple: of every padded length.
            size_multiple: of every batch size: the number of processes or devices that share a batch.
            short_first_epochs: epochs whose batches come shortest first (SortaGrad, Amodei et al., "Deep Speech 2",
                2016).

        Raises:
            InputError: no utterance is usable.
        """
        durations_s = np.asarray(durations_s, np.float64)
        rows = np.flatnonzero(np.ones(len(durations_s), bool) if usable is None else usable).astype(np.int32)
        self.size, self.left_out = len(rows), len(durations_s) - len(rows)
        if not self.size:
            raise InputError(f"none of {len(durations_s)} utterances can be used; see the counts of what was left out")
        self.seed, self.short_first_epochs = seed, short_first_epochs
        self._speeds = np.array(speeds if seed is not None else (1.0,))
        frames = durations_s[rows] / FRAME_SECONDS
        frames -= 0.01  # what single precision adds to whole frames
        frames = np.ceil(frames, out=frames).astype(np.int32)
        order = _stable_order(frames)
        self._rows = rows[order]
        counts = np.bincount(frames)
        needed = self._slot_frames(np.repeat(np.arange(len(counts), dtype=np.int32), counts))
        lengths = _bucket_lengths(needed, buckets, frame_multiple)
        counts = np.bincount(_buckets_of(needed, lengths), minlength=len(lengths))
        lengths, sizes = _filled_buckets(lengths, counts, max_batch_seconds / FRAME_SECONDS, size_multiple)
        bucket_of = _buckets_of(needed, lengths)
        self._counts = np.bincount(bucket_of, minlength=len(lengths))
        self._slots = _stable_order(bucket_of).astype(np.int32)  # the slots of each bucket, side by side
        self._first_slots = np.cumsum(self._counts) - self._counts
        batches = -(-self._counts // sizes)
        # As many in each batch of a bucket, so that the last has hardly anything to repeat.
        sizes = -(-self._counts // batches)
        sizes = -(-sizes // size_multiple) * size_multiple
        self.shapes = list(zip(sizes.tolist(), lengths.tolist(), strict=True))
        self._buckets = np.repeat(np.arange(len(lengths)), batches)  # of each batch of an epoch, shortest first
        self._first_batches = np.cumsum(batches) - batches
        self.padding = 1 - frames.sum() * np.mean(1 / self._speeds) / (self._counts * lengths).sum()
        self._order, self._turns = (None, None), (None, None)

    def _slot_frames(self, frames: np.ndarray) -> np.ndarray:
        """Frames of every slot, int32: slot `i` has speed `i % speeds` and utterance `i`, or one that changes with it.

        Args:
            frames: of the utterances in order of length.
        """
        speeds, needed = len(self._speeds), np.empty(self.size, np.int32)
        longest = frames[np.minimum(np.arange(speeds - 1, self.size + speeds - 1, speeds), self.size - 1)]
        for first, speed in enumerate(self._speeds):
            slots = needed[first::speeds]
            by_frames = np.maximum(np.ceil(np.arange(longest[-1] + 1) / speed), 1).astype(np.int32)
            slots[:] = by_frames[longest[: len(slots)]]
        return needed

    @property
    def steps_per_epoch(self) -> int:
        """Steps that read every utterance once."""
        return len(self._buckets)

    def rows(self, step: int) -> np.ndarray:
        """Utterances that step `step` reads, counted from the start of training, int64.

        As many as the batch has rows; on the last step of a bucket fewer, where there is no seed.
        """
        epoch, slots = self._slots_of(step)
        speeds = len(self._speeds)
        firsts = slots - slots % speeds
        # The utterances of like length change places from epoch to epoch.
        turns = (self._turns_of(epoch)[slots // speeds] + epoch + slots) % np.minimum(speeds, self.size - firsts)
        return self._rows[firsts + turns].astype(np.int64)

    def speeds(self, step: int) -> np.ndarray:
        """How fast each of them is heard, float64."""
        return self._speeds[self._slots_of(step)[1] % len(self._speeds)]

    def bucket(self, step: int) -> int:
        """Which of `shapes` the step has."""
        epoch, place = divmod(step, self.steps_per_epoch)
        return int(self._buckets[self._batch_order(epoch)[place]])

    def shape(self, step: int) -> tuple[int, int]:
        """Utterances in the batch, and its frames."""
        return self.shapes[self.bucket(step)]

    def bucket_rows(self, bucket: int) -> np.ndarray:
        """All utterances that any epoch may read in that bucket."""
        first, speeds = self._first_slots[bucket], len(self._speeds)
        groups = self._slots[first : first + self._counts[bucket]] // speeds  # ascending, as the slots are
        groups = groups[np.flatnonzero(np.diff(groups, prepend=-1))]
        places = (groups[:, None] * speeds + np.arange(speeds)).ravel()
        return self._rows[places[places < self.size]]

    def generator(self, step: int, *row: int) -> np.random.Generator:
        """Random numbers of that step alone, or of one of its rows, whoever reads it."""
        return np.random.default_rng((self.seed or 0, step, *row))

    def _slots_of(self, step: int) -> tuple[int, np.ndarray]:
        """The epoch, and the slots of its batch."""
        epoch, place = divmod(step, self.steps_per_epoch)
        batch = self._batch_order(epoch)[place]
        bucket = self._buckets[batch]
        size, count = self.shapes[bucket][0], int(self._counts[bucket])
        places = (batch - self._first_batches[bucket]) * size + np.arange(size)
        if self.seed is None:
            places = places[places < count]
        else:
            places = Permutation(count, (self.seed, epoch, int(bucket)))(places % count)
        return epoch, self._slots[self._first_slots[bucket] + places]

    def _batch_order(self, epoch: int) -> np.ndarray:
        """The batches of the epoch, in the order in which they are read. The last answer is kept."""
        known, order = self._order
        if known != epoch:
            order = np.arange(self.steps_per_epoch)
            if self.seed is not None and epoch >= self.short_first_epochs:
                order = np.random.default_rng((self.seed, epoch, 0, 2)).permutation(order)
            self._order = epoch, order
        return order

    def _turns_of(self, epoch: int) -> np.ndarray:
        """Where the utterances of each group begin to change places, uint8; new when all have had all speeds."""
        cycle, speeds = epoch // len(self._speeds), len(self._speeds)
        known, turns = self._turns
        if known != cycle:
            rng = np.random.default_rng((self.seed or 0, cycle, 0, 1))
            turns = rng.integers(0, speeds, -(-self.size // speeds), np.uint8)
            self._turns = cycle, turns
        return turns


def _stable_order(values: np.ndarray) -> np.ndarray:
    """Of whole numbers from 0 on, as `np.argsort(values, kind="stable")`: numbers of 16 bits are sorted in one go."""
    return np.argsort(values.astype(np.min_scalar_type(values.max())), kind="stable")


def _buckets_of(frames: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The first bucket that is long enough, for utterances that are no longer than the last."""
    by_frames = np.searchsorted(lengths, np.arange(lengths[-1] + 1))
    return by_frames.astype(np.min_scalar_type(len(lengths)))[frames]


def _bucket_lengths(frames: np.ndarray, buckets: int, multiple: int) -> np.ndarray:
    """At most so many lengths, each a multiple, to which padding all utterances takes least: ascending, int64."""
    by_frames = np.bincount(frames)
    present = np.flatnonzero(by_frames)
    while True:
        lengths, length_of = np.unique(-(-present // multiple) * multiple, return_inverse=True)
        if len(lengths) <= max(MOST_LENGTHS, buckets):
            break
        multiple *= 2
    counts = np.bincount(length_of, by_frames[present])
    if len(lengths) <= buckets:
        return lengths
    ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.float64)
    # Padded frames of one bucket from length i (left out) to length j; impossible where it would be empty.
    padded = (ends[None, :] - ends[:, None]) * np.concatenate([[0], lengths])
    padded[np.tril_indices(len(ends))] = np.inf
    least, cuts = padded[0], []
    for _ in range(buckets - 1):
        total = least[:, None] + padded
        cuts.append(total.argmin(axis=0))
        least = total.min(axis=0)
    chosen = [len(lengths)]
    for cut in reversed(cuts):
        chosen.append(int(cut[chosen[-1]]))
    return lengths[np.array(chosen[::-1]) - 1]


def _filled_buckets(
    lengths: np.ndarray, counts: np.ndarray, batch_frames: float, size_multiple: int
) -> tuple[np.ndarray, np.ndarray]:
    """Joins each bucket that does not fill half a batch to a neighbour. Returns the lengths left and batch sizes."""
    lengths, counts = lengths.tolist(), counts.tolist()

    def size(length):
        return max(1, int(batch_frames / length / size_multiple + 1e-9)) * size_multiple

    i = 0
    while i < len(lengths) and len(lengths) > 1:
        joined = min(i, len(lengths) - 2)  # the longest takes in the one before it, the others go into the next
        if 2 * counts[i] >= size(lengths[i]) or lengths[joined + 1] > MOST_JOINED * lengths[joined]:
            i += 1
            continue
        counts[joined : joined + 2] = [counts[joined] + counts[joined + 1]]
        del lengths[joined]
        i = joined
    return np.array(lengths), np.array([size(length) for length in lengths])
