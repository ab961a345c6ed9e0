"""The window model as its users meet it: trained weights that transcribe."""

import keras

from keras_stt.models.masked_token import MaskedTokenModel
from keras_stt.recognizer.audio_input import load_samples
from keras_stt.transcribe.windows import HOP_SECONDS, transcribe_samples


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
        return transcribe_samples(self, load_samples(audio, sample_rate), passes, hop_seconds)
