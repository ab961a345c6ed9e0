"""Normalisation of every vector by itself."""

import keras

from keras_stt.errors import InputError

NORMALIZATIONS = ("none", "layer", "rms")
EPSILON = 1e-5


def normalization_layer(kind: str, **kwargs) -> keras.layers.Layer:
    """`layer` (Ba et al., 2016) or `rms` (Zhang and Sennrich, 2019), over the last axis; `none` does nothing.

    Raises:
        InputError: there is no such kind.
    """
    if kind not in NORMALIZATIONS:
        raise InputError(f"normalization {kind!r}: expected one of {', '.join(NORMALIZATIONS)}")
    if kind == "none":
        return keras.layers.Identity(**kwargs)
    layer_class = keras.layers.RMSNormalization if kind == "rms" else keras.layers.LayerNormalization
    return layer_class(axis=-1, epsilon=EPSILON, **kwargs)
