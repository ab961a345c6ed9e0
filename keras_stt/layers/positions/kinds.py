"""The kinds of positions by name."""

import dataclasses

import keras

from keras_stt.errors import InputError
from keras_stt.layers.positions.alibi import AlibiScores
from keras_stt.layers.positions.convolutional import ConvolutionalPosition
from keras_stt.layers.positions.diagonal import DiagonalPosition
from keras_stt.layers.positions.dot_product import DotProductScores
from keras_stt.layers.positions.learned import LearnedPosition
from keras_stt.layers.positions.relative import RelativeScores
from keras_stt.layers.positions.relative_conv import RelativeConvScores
from keras_stt.layers.positions.rotary import RotaryScores
from keras_stt.layers.positions.sinusoidal import SinusoidalPosition
from keras_stt.layers.positions.value_position import NoPosition


@dataclasses.dataclass(frozen=True)
class PositionKind:
    """The layer that adds places to values, and the one that uses them in the scores of attention."""

    values: type[keras.layers.Layer] = NoPosition
    scores: type[keras.layers.Layer] = DotProductScores


POSITIONS = {
    "none": PositionKind(),
    "learned": PositionKind(values=LearnedPosition),
    "sinusoidal": PositionKind(values=SinusoidalPosition),
    "diagonal": PositionKind(values=DiagonalPosition),
    "conv": PositionKind(values=ConvolutionalPosition),
    "relative": PositionKind(scores=RelativeScores),
    "relative_conv": PositionKind(scores=RelativeConvScores),
    "rotary": PositionKind(scores=RotaryScores),
    "alibi": PositionKind(scores=AlibiScores),
}


def position_layer(kind: str, max_length: int, **kwargs) -> keras.layers.Layer:
    """The layer that adds positions of this kind to values; at most `max_length` places, where the kind must know.

    Raises:
        InputError: there is no such kind.
    """
    layer_class = _kind(kind).values
    return layer_class(max_length, **kwargs) if layer_class is LearnedPosition else layer_class(**kwargs)


def score_layer(kind: str, window: int, **kwargs) -> keras.layers.Layer:
    """The layer that makes attention scores for this kind; `window` places to each side, where the kind has one.

    Raises:
        InputError: there is no such kind.
    """
    layer_class = _kind(kind).scores
    return layer_class(window, **kwargs) if issubclass(layer_class, RelativeScores) else layer_class(**kwargs)


def _kind(name: str) -> PositionKind:
    if name not in POSITIONS:
        raise InputError(f"position {name!r}: expected one of {', '.join(POSITIONS)}")
    return POSITIONS[name]
