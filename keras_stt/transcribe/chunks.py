"""A stream of samples to chunks that can be heard at once, and the words of chunks to those that are final.

    cutter, stitcher = Cutter(), Stitcher()
    for block in blocks:  # 16 kHz mono, of any length
        for chunk in cutter.feed(block):
            words = stitcher.add(chunk, hear(chunk))
    for chunk in cutter.finish():
        words = stitcher.add(chunk, hear(chunk))
    words = stitcher.finish()

Chunks are the same however the stream is divided into blocks. A recording of up to `MOST_SECONDS` is one chunk. Where
longer, `ZERO_SECONDS` of digital zeros part it like recordings of their own, and are not heard. A part that is too long
for one chunk is cut in every pause, where chunks do not overlap; where nobody pauses, chunks overlap.
"""

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np

from keras_stt.audio import SAMPLE_RATE
from keras_stt.decoding.stitch import HeardWindow, Word
from keras_stt.decoding.stitch import Stitcher as WindowStitcher
from keras_stt.transcribe.pauses import first_pause, quietest, zeros_from

MOST_SECONDS = 30.0  # of a chunk
OVERLAP_SECONDS = 6.0  # of two chunks, about, where nobody pauses
ZERO_SECONDS = 0.5  # of digital zeros: nothing was recorded
PAUSE_SECONDS = 0.8  # in which nothing is said: there a sentence ends
LEAST_SECONDS = 2.0  # of a chunk that ends with a pause: shorter ones have little to tell loudness and room by
NEAR_SECONDS = 2.0  # so far from where it should be a cut in speech is made where it is quietest


@dataclasses.dataclass(frozen=True)
class Chunk:
    """A part of a recording.

    Attributes:
        first: its first sample in the recording.
        samples: 16 kHz mono float32 `(N,)`.
        overlap: of its samples so many, the last, are the first of the next chunk too.
    """

    first: int
    samples: np.ndarray
    overlap: int = 0

    @property
    def start(self) -> float:
        """Seconds."""
        return self.first / SAMPLE_RATE

    @property
    def end(self) -> float:
        """Seconds."""
        return (self.first + len(self.samples)) / SAMPLE_RATE

    @property
    def cut_at_end(self) -> bool:
        """Whether it ends amid speech, which the next chunk hears too."""
        return self.overlap > 0


class Cutter:
    """Cuts a stream into chunks. What it holds never is much longer than a chunk and a block."""

    def __init__(self):
        self._most = round(MOST_SECONDS * SAMPLE_RATE)
        self._held = np.zeros(0, np.float32)
        self._first = 0  # sample of the recording with which `_held` begins
        self._seen = 0
        self._too_long = False  # for one chunk, the part that is held
        self._after_zeros = False

    @property
    def pending(self) -> Chunk:
        """What is in no chunk yet."""
        return Chunk(self._first, self._held, overlap=len(self._held))

    @property
    def seconds(self) -> float:
        """That were fed."""
        return self._seen / SAMPLE_RATE

    def feed(self, samples: np.ndarray) -> list[Chunk]:
        """Takes the next samples, 16 kHz mono float32 `(N,)`, and returns the chunks that they complete."""
        self._seen += len(samples)
        self._held = np.concatenate([self._held, samples])
        return self._complete(ended=False) if self._seen > self._most else []

    def finish(self) -> list[Chunk]:
        """The chunks of what is left, after the last sample."""
        if self._seen > self._most:
            return self._complete(ended=True)
        chunk = Chunk(0, self._held)
        self._drop(len(self._held))
        return [chunk] if len(chunk.samples) else []

    def _complete(self, ended: bool) -> list[Chunk]:
        chunks = []
        while self._skip_zeros() and (chunk := self._next(ended)):
            chunks.append(chunk)
        return chunks

    def _skip_zeros(self) -> bool:
        """Passes over the zeros between two parts; whether anything is left."""
        zeros = zeros_from(self._held, 1 if self._after_zeros else round(ZERO_SECONDS * SAMPLE_RATE))
        if zeros is not None and zeros[0] == 0:
            self._after_zeros, self._too_long = True, False
            self._drop(zeros[1])
        return len(self._held) > 0

    def _next(self, ended: bool) -> Chunk | None:
        """The first chunk of what is held; None until more is there."""
        zeros = zeros_from(self._held, round(ZERO_SECONDS * SAMPLE_RATE))
        whole = ended or zeros is not None
        # The last zeros may be the first of many, which would part the recording: they are not looked at yet.
        stop = zeros[0] if zeros else len(self._held) if ended else len(np.trim_zeros(self._held, "b"))
        self._after_zeros = False
        self._too_long |= stop > self._most
        if not self._too_long:
            return self._chunk(stop, stop) if whole else None
        part = self._held[: min(stop, self._most)]
        pause = first_pause(part, round(LEAST_SECONDS * SAMPLE_RATE), round(PAUSE_SECONDS * SAMPLE_RATE))
        if pause is not None:
            return self._chunk(pause, pause)
        if stop > self._most:
            near, overlap = (round(seconds * SAMPLE_RATE) for seconds in (NEAR_SECONDS, OVERLAP_SECONDS))
            end = quietest(part, self._most - near, self._most)
            return self._chunk(end, quietest(part, end - overlap - near // 2, end - overlap + near // 2))
        return self._chunk(stop, stop) if whole else None

    def _chunk(self, end: int, following: int) -> Chunk:
        """What is held up to sample `end`; from `following` on it stays, for the next."""
        chunk = Chunk(self._first, self._held[:end].copy(), overlap=end - following)
        self._drop(following)
        return chunk

    def _drop(self, count: int) -> None:
        self._first += count
        self._held = self._held[count:]


def cut(blocks: Iterable[np.ndarray]) -> Iterator[Chunk]:
    """The chunks of a stream of 16 kHz mono float32 blocks `(N,)`."""
    cutter = Cutter()
    for block in blocks:
        yield from cutter.feed(block)
    yield from cutter.finish()


class Stitcher:
    """The words of chunks to those of the recording."""

    def __init__(self):
        self._windows = WindowStitcher(own_confidence=True)
        self._last: list[Word] = []  # no more than one: the next word may begin before it ends

    def add(self, chunk: Chunk, words: list[Word]) -> list[Word]:
        """Takes a chunk, and returns the words that no later one will change, with times in the recording.

        Args:
            words: of the chunk, in order, with times from its start.
        """
        by = chunk.start
        moved = tuple(dataclasses.replace(word, start=word.start + by, end=word.end + by) for word in words)
        moved = within(moved, chunk.end)
        final = self._windows.add(HeardWindow(chunk.start, chunk.end, moved, cut_at_end=chunk.cut_at_end))
        if not chunk.cut_at_end:
            return self._in_turn(final + self._windows.finish(), last=True)
        following = chunk.end - chunk.overlap / SAMPLE_RATE
        return self._in_turn(final + self._windows.before(following), last=False)

    def finish(self) -> list[Word]:
        """The words that are left, after the last chunk."""
        return self._in_turn(self._windows.finish(), last=True)

    def _in_turn(self, words: list[Word], last: bool) -> list[Word]:
        words = self._last + words
        words = list(within(tuple(words), max((word.end for word in words), default=0.0)))
        self._last = [] if last else words[-1:]
        return words if last else words[:-1]


def within(words: tuple[Word, ...], end: float) -> tuple[Word, ...]:
    """The same words, none beyond `end` seconds, where the last step of what was heard may be longer than the rest.

    Nor does any last into the next, which another chunk may have heard a little earlier.
    """
    starts = [min(word.start, end) for word in words]
    limits = [*starts[1:], end][: len(words)]
    return tuple(
        dataclasses.replace(word, start=start, end=max(start, min(word.end, limit)))
        for word, start, limit in zip(words, starts, limits, strict=True)
    )
