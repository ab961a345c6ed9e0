"""Layers on `keras.ops` alone. Values `(B, T, F)` travel with lengths `(B,)`; padding never changes a result."""

from keras_stt.layers.attention import MultiHeadAttention, attention_activation
from keras_stt.layers.blocks import AUDIO_MIXERS, AudioBlock, CrossDomainBlock, FeedForward
from keras_stt.layers.ctc_head import CTCHead
from keras_stt.layers.embedding import Embedding
from keras_stt.layers.features import FeatureNormalization, LogMel
from keras_stt.layers.masked_path import MaskedPath
from keras_stt.layers.no_audio import NoAudio
from keras_stt.layers.normalization import NORMALIZATIONS, normalization_layer
from keras_stt.layers.pooling import POOLINGS, AudioPooling
from keras_stt.layers.positions import POSITIONS, position_layer, score_layer
from keras_stt.layers.uniform_attention import UniformAttention
from keras_stt.layers.word_clock import WordClock

__all__ = [
    "AUDIO_MIXERS",
    "NORMALIZATIONS",
    "POOLINGS",
    "POSITIONS",
    "AudioBlock",
    "AudioPooling",
    "CTCHead",
    "CrossDomainBlock",
    "Embedding",
    "FeatureNormalization",
    "FeedForward",
    "LogMel",
    "MaskedPath",
    "MultiHeadAttention",
    "NoAudio",
    "UniformAttention",
    "WordClock",
    "attention_activation",
    "normalization_layer",
    "position_layer",
    "score_layer",
]
