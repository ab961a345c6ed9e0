"""Weights of eight bits: whole numbers between -127 and 127, and a scale for each output channel."""

import numpy as np

LEAST_VALUES = 4096  # of an array: smaller ones gain nothing
# In eight bits the features lose the faint sounds, and with them a quarter of the words: they stay as they are.
FEATURES = "log_mel"


def quantized(weights: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric: `weights` are about the returned int8 times the returned float32, which has ones but for `axis`."""
    others = tuple(i for i in range(weights.ndim) if i != axis % weights.ndim)
    scale = np.abs(weights).max(axis=others, keepdims=True) / 127
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    return np.round(weights / scale).astype(np.int8), scale
