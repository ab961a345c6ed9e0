"""The window model as its users meet it: trained weights that transcribe."""

from collections.abc import Iterable, Iterator

import keras
import numpy as np

from keras_stt.decoding.stitch import Word
from keras_stt.models.masked_token import MaskedTokenModel
from keras_stt.recognizer.audio_input import load_blocks
from keras_stt.transcribe.transcript import transcript_of
from keras_stt.transcribe.windows import HOP_SECONDS, stream


@keras.saving.register_keras_serializable("keras_stt")
class Recognizer(MaskedTokenModel):
    """A masked-token model that takes recordings. A Keras model in every other way."""

    def transcribe(self, audio, sample_rate: int | None = None, passes: int = 1, hop_seconds: float = HOP_SECONDS):
        """Says what is spoken in a recording of any length.

        Args:
            audio: a path to a sound file, or samples `(N,)` or `(N, channels)`, floats or integers.
            sample_rate: Hz, needed with samples.
            passes: refinement passes; more let the model reread its own words.
            hop_seconds: between overlapping windows.

        Returns:
            A `Transcript`: `.text`, and `.words` with times and confidences.

        Raises:
            InputError: the file cannot be read, or samples come without their rate.
        """
        return transcript_of(load_blocks(audio, sample_rate), lambda blocks: self.stream(blocks, passes, hop_seconds))

    def stream(self, blocks: Iterable[np.ndarray], passes: int = 1, hop_seconds: float = HOP_SECONDS) -> Iterator[Word]:
        """Yields the words of a recording as they become final, in memory that does not grow with it.

        Args:
            blocks: 16 kHz mono float32 `(N,)`, one after the other, as `keras_stt.audio.audio_blocks` reads a file.
        """
        return stream(self, blocks, passes, hop_seconds)
