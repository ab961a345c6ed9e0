"""What users give for a recording."""

import os

import numpy as np

from keras_stt.audio import read_audio, to_mono_16k
from keras_stt.errors import InputError


def load_samples(audio, sample_rate: int | None) -> np.ndarray:
    """A path or array as 16 kHz mono samples."""
    if isinstance(audio, (str, os.PathLike)):
        return read_audio(audio)
    if sample_rate is None:
        raise InputError("transcribe: an array needs its sample_rate in Hz, for example sample_rate=16000")
    return to_mono_16k(audio, sample_rate)
