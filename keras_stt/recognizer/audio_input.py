"""What users give for a recording."""

import os
from collections.abc import Iterable

import numpy as np

from keras_stt.audio import SAMPLE_RATE, audio_blocks, read_audio, to_mono_16k
from keras_stt.errors import InputError

BLOCK_SAMPLES = 30 * SAMPLE_RATE


def load_samples(audio, sample_rate: int | None) -> np.ndarray:
    """A path or array as 16 kHz mono samples."""
    if isinstance(audio, (str, os.PathLike)):
        return read_audio(audio)
    if sample_rate is None:
        raise InputError("transcribe: an array needs its sample_rate in Hz, for example sample_rate=16000")
    return to_mono_16k(audio, sample_rate)


def load_blocks(audio, sample_rate: int | None) -> Iterable[np.ndarray]:
    """The same in blocks, of which those of a file are read when they are asked for."""
    if isinstance(audio, (str, os.PathLike)):
        return audio_blocks(audio)
    samples = load_samples(audio, sample_rate)
    return (samples[first : first + BLOCK_SAMPLES] for first in range(0, len(samples), BLOCK_SAMPLES))
