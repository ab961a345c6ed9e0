"""The window view: a sample is some words and the audio in which they are heard. See `train.views.View`."""

from keras_stt.train.window.checks import check
from keras_stt.train.window.evaluation import evaluate, figures
from keras_stt.train.window.examples import examples
from keras_stt.train.window.model import compiled_model
from keras_stt.train.window.setup import prepare
from keras_stt.train.window.watchers import epoch_line, watchers

__all__ = ["check", "compiled_model", "epoch_line", "evaluate", "examples", "figures", "prepare", "watchers"]
