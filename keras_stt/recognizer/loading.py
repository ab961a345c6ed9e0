"""Trained models by name or path."""

import zipfile
from pathlib import Path

import keras

from keras_stt.errors import InputError
from keras_stt.pretrained import language_model_path, pretrained_names, pretrained_path
from keras_stt.recognizer.utterance import UtteranceRecognizer
from keras_stt.recognizer.window import Recognizer


def load_model(path) -> Recognizer | UtteranceRecognizer:
    """Loads a model that comes with the package, or one that `train_main.py` saved.

    Args:
        path: the name of a model of `keras_stt.pretrained`, such as `librispeech-small`; a `.keras` file; or the output
            folder of a run that holds `model.keras`.

    Raises:
        InputError: there is none, it is damaged, or it is another kind of Keras model.
    """
    if language_model_path(str(path)):
        raise InputError(f"{path}: word n-grams, no model; give them as language_model, and a name: {_names()}")
    path = pretrained_path(str(path)) or Path(path)
    if path.is_dir():
        path = path / "model.keras"
    if not path.is_file():
        raise InputError(
            f"{path}: no such model; give the model.keras that a training run wrote, or a name: {_names()}"
        )
    try:
        model = keras.saving.load_model(path, compile=False)
    except (ValueError, OSError, KeyError, TypeError, zipfile.BadZipFile) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"{path}: cannot be loaded as a Keras model ({reason})") from error
    if not isinstance(model, (Recognizer, UtteranceRecognizer)):
        raise InputError(f"{path}: a {type(model).__name__}, not a keras_stt model; give one that train_main.py wrote")
    return model


def _names() -> str:
    return ", ".join(pretrained_names())
