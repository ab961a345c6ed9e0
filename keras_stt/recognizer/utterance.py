"""The utterance model as its users meet it: it transcribes, aligns, completes and ranks texts."""

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path

import keras
import numpy as np
from keras import ops

from keras_stt.decoding.ctc_alignment import forward_scores, viterbi, word_times
from keras_stt.decoding.fill import Filled, fill
from keras_stt.decoding.stitch import Word
from keras_stt.errors import InputError
from keras_stt.features import log_mel
from keras_stt.models.utterance import UtteranceModel
from keras_stt.recognizer.audio_input import load_blocks, load_samples
from keras_stt.recognizer.language_models import load_language_model
from keras_stt.text import normalize
from keras_stt.tokens import Tokens, tokens_from_config
from keras_stt.transcribe.transcript import Transcript, transcript_of
from keras_stt.transcribe.utterances import Decoding, Heard, hear, stream

PASSES = 1
_SEARCH = ("beam", "lm_weight", "word_bonus", "unknown_bonus")  # what transcription ignores without a language model


@keras.saving.register_keras_serializable("keras_stt")
class UtteranceRecognizer(UtteranceModel):
    """An utterance model that takes recordings. A Keras model in every other way.

    Recordings are paths to sound files, or samples `(N,)` or `(N, channels)`, floats or integers, with their
    `sample_rate` in Hz. All methods raise InputError where a file cannot be read or samples come without their rate.
    """

    @functools.cached_property
    def token_set(self) -> Tokens:
        """With which text is written."""
        return tokens_from_config(self.config["tokens"])

    @property
    def lead(self) -> float:
        """Seconds by which tokens come after their words begin, as measured when the model was made."""
        return float(self.training_record.get("lead", 0.0))

    def transcribe(self, audio, sample_rate: int | None = None, passes: int = PASSES, **decoding) -> Transcript:
        """Says what is spoken in a recording of any length.

        Args:
            passes: refinements of the draft; 0 is the draft.
            decoding: `candidates`, `language_model` (word n-grams, or what `load_language_model` takes), `lm_weight`,
                ...; see `transcribe.utterances.Decoding`.

        Returns:
            A `Transcript`: `.text`, and `.words` with times and confidences.
        """
        return transcript_of(load_blocks(audio, sample_rate), lambda blocks: self.stream(blocks, passes, **decoding))

    def stream(self, blocks: Iterable[np.ndarray], passes: int = PASSES, **decoding) -> Iterator[Word]:
        """Yields the words of a recording as they become final, in memory that does not grow with it.

        Args:
            blocks: 16 kHz mono float32 `(N,)`, one after the other, as `keras_stt.audio.audio_blocks` reads a file.
            passes, decoding: as of `transcribe`.
        """
        return stream(self, blocks, Decoding(passes, **_with_language_model(decoding, _SEARCH)), self.lead)

    def align(self, audio, text: str, sample_rate: int | None = None) -> list[Word]:
        """When each word of a known text is said: Viterbi over the encoder's CTC head.

        Raises:
            InputError: the text has no words or letters that the model does not know, or is too long for the audio.
        """
        heard = self._heard(audio, sample_rate, 0)
        return word_times(viterbi(heard.draft, self._encoded(text)), self.token_set, self.step_seconds, self.lead)

    def score(self, audio, text: str | list[str], sample_rate: int | None = None, passes: int = PASSES):
        """How likely texts are, given the recording, to encoder and refiner together: natural logarithms, to rank by.

        Args:
            text: one, or several to be ranked.

        Returns:
            A float, or a list of floats; minus infinity for a text too long for the audio.
        """
        texts = [text] if isinstance(text, str) else list(text)
        heard = self._heard(audio, sample_rate, passes)
        scores = forward_scores(heard.together, [self._encoded(candidate) for candidate in texts]).tolist()
        return scores[0] if isinstance(text, str) else scores

    def fill(self, audio, pattern: str, sample_rate: int | None = None, passes: int = PASSES, **decoding) -> Filled:
        """Completes a partial transcript, such as `THE ___ BROWN FOX`, with the audio as evidence.

        Args:
            pattern: words, and runs of underscores that each stand for one or more unknown words.
            decoding: `language_model`, `beam`, ...; see `decoding.fill`.
        """
        heard = self._heard(audio, sample_rate, passes)
        return fill(
            heard.together,
            pattern,
            self.token_set,
            self.step_seconds,
            lead=self.lead,
            **_with_language_model(decoding, ("lm_weight",)),
        )

    def draft_and_refine(self, features: np.ndarray, lengths: np.ndarray, passes: int):
        """Logits of the draft `(B, S, tokens)` and of its last refinement, None where there is none.

        Args:
            features: log-mel frames `(B, T, mel_bands)`, zero where padded.
            lengths: valid frames `(B,)`.
            passes: refinements one after the other.
        """
        said = self.decoder(passes).predict_on_batch({"features": features, "feature_lengths": lengths})
        refined = ops.convert_to_numpy(said["refined"]) if "refined" in said else None
        return ops.convert_to_numpy(said["draft"]), refined

    def _heard(self, audio, sample_rate: int | None, passes: int) -> Heard:
        samples = load_samples(audio, sample_rate)
        return hear(self, [log_mel(samples, self.mel_bands)], passes)[0]

    def _encoded(self, text: str) -> np.ndarray:
        text = normalize(text)
        if unknown := sorted(set(text) - self.token_set.characters - {" "}):
            raise InputError(f"text {text[:40]!r}: the model has no {', '.join(unknown)}; spell it as it is spoken")
        if not text:
            raise InputError("text: it has no words; give at least one")
        return self.token_set.encode(text)


def _with_language_model(decoding: dict, needing: tuple[str, ...]) -> dict:
    """The keywords with the language model itself where its name or path was given.

    Raises:
        InputError: keywords that need a language model, and none.
    """
    given = decoding.get("language_model")
    if given is None and (idle := [name for name in needing if name in decoding]):
        raise InputError(f"{', '.join(idle)}: of a search with a language model; give language_model, or leave it out")
    return {**decoding, "language_model": load_language_model(given)} if isinstance(given, str | Path) else decoding
