"""A recording to its words, one after the other."""

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np

from keras_stt.decoding.stitch import Word
from keras_stt.serve.served import Served
from keras_stt.transcribe.transcript import CountedBlocks


@dataclasses.dataclass(frozen=True)
class Heard:
    """The next word of a recording, or its end.

    Attributes:
        word: with times in the recording; None after the last.
        duration: seconds of the recording, as far as it is read: in the end, of all of it.
    """

    word: Word | None
    duration: float


def hear(model, blocks: Iterable[np.ndarray], served: Served, passes: int) -> Iterator[Heard]:
    """Yields the words of a recording as they are final, and last its end.

    Args:
        model: as `load_model` gives it.
        blocks: 16 kHz samples `(N,)`, taken as they are needed: memory does not grow with the recording.
        served: how the model is asked.
        passes: refinements; 0 is the draft.
    """
    counted = CountedBlocks(blocks)
    for word in model.stream(counted, passes=passes, **served.transcribing):
        yield Heard(word, counted.seconds)
    yield Heard(None, counted.seconds)
