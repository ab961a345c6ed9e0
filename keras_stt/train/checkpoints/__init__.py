"""Checkpoints: all that training needs to go on, each in one file that is whole or is passed over."""

from keras_stt.train.checkpoints.callback import Checkpoint
from keras_stt.train.checkpoints.folder import CheckpointFolder
from keras_stt.train.checkpoints.progress import Progress
from keras_stt.train.checkpoints.state import copy_weights, load_weights, model_state, parts_weighed, restore_state

__all__ = [
    "Checkpoint",
    "CheckpointFolder",
    "Progress",
    "copy_weights",
    "load_weights",
    "model_state",
    "parts_weighed",
    "restore_state",
]
