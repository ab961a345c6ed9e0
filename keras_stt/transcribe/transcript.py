"""What was said in a recording."""

import dataclasses

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
