"""The model as its users meet it: trained weights that transcribe."""

import os
import zipfile
from pathlib import Path

import keras
import numpy as np

from keras_stt.audio import read_audio, to_mono_16k
from keras_stt.errors import InputError
from keras_stt.models.masked_token import MaskedTokenModel
from keras_stt.transcribe import HOP_SECONDS, transcribe_samples


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


def load_samples(audio, sample_rate: int | None) -> np.ndarray:
    """A path or array as 16 kHz mono samples."""
    if isinstance(audio, (str, os.PathLike)):
        return read_audio(audio)
    if sample_rate is None:
        raise InputError("transcribe: an array needs its sample_rate in Hz, for example sample_rate=16000")
    return to_mono_16k(audio, sample_rate)


def load_model(path) -> Recognizer:
    """Loads a model that `train_main.py` saved.

    Args:
        path: a `.keras` file, or the output folder of a run that holds `model.keras`.

    Raises:
        InputError: there is none, it is damaged, or it is another kind of Keras model.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "model.keras"
    if not path.is_file():
        raise InputError(f"{path}: no such model; give the model.keras that a training run wrote")
    try:
        model = keras.saving.load_model(path, compile=False)
    except (ValueError, OSError, KeyError, TypeError, zipfile.BadZipFile) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"{path}: cannot be loaded as a Keras model ({reason})") from error
    if not isinstance(model, Recognizer):
        raise InputError(f"{path}: a {type(model).__name__}, not a keras_stt model; give one that train_main.py wrote")
    return model
