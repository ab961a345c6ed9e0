"""Layers on `keras.ops` alone. Values `(B, T, F)` travel with lengths `(B,)`; padding never changes a result."""

from keras_stt.layers.attention import MultiHeadAttention
from keras_stt.layers.blocks import AUDIO_MIXERS, AudioBlock, CrossDomainBlock, FeedForward
from keras_stt.layers.features import FeatureNormalization, LogMel
from keras_stt.layers.pooling import POOLINGS, AudioPooling
from keras_stt.layers.positions import POSITIONS, LearnedPosition, position_layer
from keras_stt.layers.word_clock import WordClock

__all__ = [
    "AUDIO_MIXERS",
    "POOLINGS",
    "POSITIONS",
    "AudioBlock",
    "AudioPooling",
    "CrossDomainBlock",
    "FeatureNormalization",
    "FeedForward",
    "LearnedPosition",
    "LogMel",
    "MultiHeadAttention",
    "WordClock",
    "position_layer",
]
