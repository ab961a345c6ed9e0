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
    samples = 0

    def counted() -> Iterator[np.ndarray]:
        nonlocal samples
        for block in blocks:
            samples += len(block)
            yield block
            if tell is not None:
                tell(len(block) / SAMPLE_RATE)

    words = list(stream(counted()))
    return Transcript(words, samples / SAMPLE_RATE)
