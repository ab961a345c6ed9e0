"""Where in a sequence a value stands: layers that add places to values, and layers that use them in attention.

Each kind is a layer of either family; `position_layer` and `score_layer` make the two of a kind, one of them plain.
"""

from keras_stt.layers.positions.alibi import AlibiScores
from keras_stt.layers.positions.convolutional import ConvolutionalPosition
from keras_stt.layers.positions.diagonal import DiagonalPosition
from keras_stt.layers.positions.dot_product import DotProductScores
from keras_stt.layers.positions.kinds import POSITIONS, position_layer, score_layer
from keras_stt.layers.positions.learned import LearnedPosition
from keras_stt.layers.positions.relative import RelativeScores
from keras_stt.layers.positions.relative_conv import RelativeConvScores
from keras_stt.layers.positions.rotary import RotaryScores
from keras_stt.layers.positions.sinusoidal import SinusoidalPosition
from keras_stt.layers.positions.value_position import NoPosition

__all__ = [
    "POSITIONS",
    "AlibiScores",
    "ConvolutionalPosition",
    "DiagonalPosition",
    "DotProductScores",
    "LearnedPosition",
    "NoPosition",
    "RelativeConvScores",
    "RelativeScores",
    "RotaryScores",
    "SinusoidalPosition",
    "position_layer",
    "score_layer",
]
