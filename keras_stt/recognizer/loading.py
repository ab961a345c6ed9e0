"""Trained models by name or path."""

from keras_stt.errors import InputError
from keras_stt.pretrained import model_file
from keras_stt.recognizer.archive import read_model_archive
from keras_stt.recognizer.model_config import NotOurModel
from keras_stt.recognizer.utterance import UtteranceRecognizer
from keras_stt.recognizer.window import Recognizer

_LONGEST_REASON = 200  # characters
_OTHER_WEIGHTS = "could not be loaded"  # begins Keras's message where weights do not fit; what follows says why


def load_model(path) -> Recognizer | UtteranceRecognizer:
    """Loads a model that comes with the package, or one that `train_main.py` saved.

    Nothing in the file is run, whoever made it, and no more memory is taken than a model of its size needs: see
    `recognizer.archive`. The file is opened once, so that what was checked is what is loaded.

    Args:
        path: the name of a model of `keras_stt.pretrained`, such as `librispeech-small`; a `.keras` file; or the output
            folder of a run that holds `model.keras`.

    Raises:
        InputError: there is none, it is damaged or made to do harm, or it is another kind of Keras model.
    """
    path = model_file(path)
    try:
        archive = read_model_archive(path)
        model = archive.config.build()
        model.load_weights(archive.weights)
    except NotOurModel as error:
        raise InputError(f"{path}: a {error}, not a keras_stt model; give one that train_main.py wrote") from error
    except Exception as error:  # HDF5, Keras and its backends have errors of their own
        raise InputError(f"{path}: cannot be loaded as a Keras model ({_reason(error)})") from error
    return model


def _reason(error: Exception) -> str:
    """What is wrong, on one line that a terminal shows as it is."""
    text = str(error)
    heading, _, why = text.partition("\n\n")
    if _OTHER_WEIGHTS in heading and why:
        text = f"weights of another model: {why}"
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(text.split())[:_LONGEST_REASON] or type(error).__name__
