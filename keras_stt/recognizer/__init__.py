"""Models as their users meet them: trained weights that transcribe."""

from keras_stt.recognizer.audio_input import load_samples
from keras_stt.recognizer.language_models import load_language_model
from keras_stt.recognizer.loading import load_model
from keras_stt.recognizer.utterance import UtteranceRecognizer
from keras_stt.recognizer.window import Recognizer

__all__ = ["Recognizer", "UtteranceRecognizer", "load_language_model", "load_model", "load_samples"]
