"""The attention of a block within an encoder or a refiner."""

import keras
import numpy as np
from keras import ops

from keras_stt.layers import AudioBlock


def attending_block(part: keras.Model | None) -> AudioBlock | None:
    """The last block of an encoder or refiner that has attention; None where none has."""
    blocks = [] if part is None else [layer for layer in part.layers if isinstance(layer, AudioBlock)]
    return next((block for block in reversed(blocks) if block.mixer != "conv"), None)


def weights_of(block: AudioBlock, audio: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Where each step looks, `(B, T, T)` float32: the mean of the heads; sums to one over the last axis.

    Args:
        audio: what enters the block, `(B, T, dim)`.
        steps: valid ones, `(B,)`.
    """
    audio, steps = ops.convert_to_tensor(audio, block.compute_dtype), ops.convert_to_tensor(steps)
    weights = ops.cast(block.attention_weights(audio, steps), "float32")
    return ops.convert_to_numpy(ops.mean(weights, axis=1))
