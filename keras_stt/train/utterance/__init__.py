"""The utterance view: a sample is a whole utterance. See `train.views.View`."""

from keras_stt.train.utterance.evaluation import evaluate, figures
from keras_stt.train.utterance.examples import examples
from keras_stt.train.utterance.model import compiled_model
from keras_stt.train.utterance.setup import check, prepare
from keras_stt.train.utterance.watchers import epoch_line, watchers

__all__ = ["check", "compiled_model", "epoch_line", "evaluate", "examples", "figures", "prepare", "watchers"]
