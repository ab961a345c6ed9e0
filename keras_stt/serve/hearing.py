"""A recording to its words, a stretch at a time."""

import dataclasses
from collections.abc import Iterator

import numpy as np

from keras_stt.audio import SAMPLE_RATE
from keras_stt.decoding.stitch import Word
from keras_stt.serve.served import Served


@dataclasses.dataclass(frozen=True)
class Stretch:
    """The next words of a recording.

    Attributes:
        words: in order, with times in the recording.
        duration: seconds of the whole recording.
    """

    words: list[Word]
    duration: float


def hear(model, samples: np.ndarray, served: Served, passes: int) -> Iterator[Stretch]:
    """Yields the words of 16 kHz samples `(N,)` as they are found.

    Args:
        model: as `load_model` gives it.
        served: how it is asked.
        passes: refinements; 0 is the draft.
    """
    transcript = model.transcribe(samples, SAMPLE_RATE, passes=passes, **served.transcribing)
    yield Stretch(transcript.words, transcript.duration)
