"""What was said in a recording."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from keras_stt.audio import SAMPLE_RATE
from keras_stt.decoding.stitch import Word


@dataclasses.dataclass(frozen=True)
class Transcript:
    """What was said, and when.

    Attributes:
        words: in order, with times and confidences.
        duration: seconds of the recording.
    """

    words: list[Word]
    duration: float

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    def __str__(self) -> str:
        return self.text


def transcript_of(
    blocks: Iterable[np.ndarray],
    stream: Callable[[Iterable[np.ndarray]], Iterator[Word]],
    tell: Callable[[float], object] | None = None,
) -> Transcript:
    """The transcript of a recording whose 16 kHz blocks are taken one after the other.

    Args:
        stream: blocks to words, as a model's `stream`.
        tell: is told the seconds of every block that is taken.
    """
    counted = CountedBlocks(blocks, tell)
    words = list(stream(counted))
    return Transcript(words, counted.seconds)


class CountedBlocks:
    """Blocks of 16 kHz samples, and how many `seconds` of them have been taken.

    Args:
        tell: is told the seconds of every block that is taken.
    """

    def __init__(self, blocks: Iterable[np.ndarray], tell: Callable[[float], object] | None = None):
        self._blocks, self._tell, self._samples = blocks, tell, 0

    @property
    def seconds(self) -> float:
        return self._samples / SAMPLE_RATE

    def __iter__(self) -> Iterator[np.ndarray]:
        for block in self._blocks:
            self._samples += len(block)
            yield block
            if self._tell is not None:
                self._tell(len(block) / SAMPLE_RATE)
