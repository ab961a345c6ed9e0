"""Waveform to log-mel frames in NumPy: what training and transcription read. `layers.LogMel` is its twin for graphs."""

import functools

import numpy as np

from keras_stt.audio import SAMPLE_RATE

WINDOW_LENGTH = 400  # samples, 25 ms
HOP_LENGTH = 160  # samples, 10 ms
FFT_LENGTH = 512
MEL_BANDS = 80
LOG_FLOOR = 1e-6  # added to mel energies: the noise of 16-bit recordings, so that digital silence is no -inf
FRAME_SECONDS = HOP_LENGTH / SAMPLE_RATE
# Frame t is centred on its own 10 ms: its 25 ms window starts 7.5 ms before them.
EDGE = (WINDOW_LENGTH - HOP_LENGTH) // 2
CHUNK_FRAMES = 6_000  # one minute at a time keeps memory flat on long recordings


@functools.cache
def mel_filterbank(mel_bands: int = MEL_BANDS) -> np.ndarray:
    """`(FFT_LENGTH // 2 + 1, mel_bands)` float32: librosa's Slaney mel filters."""
    import librosa  # slow to import, and a saved model carries its filters

    return librosa.filters.mel(sr=SAMPLE_RATE, n_fft=FFT_LENGTH, n_mels=mel_bands).T.astype(np.float32)


@functools.cache
def hann_window() -> np.ndarray:
    """`(WINDOW_LENGTH,)` float32, periodic as for spectra."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_LENGTH) / WINDOW_LENGTH)).astype(np.float32)


def frame_count(samples: int) -> int:
    """Log-mel frames of so many samples at 16 kHz: one per whole 10 ms."""
    return samples // HOP_LENGTH


def log_mel(samples: np.ndarray, mel_bands: int = MEL_BANDS) -> np.ndarray:
    """Natural logarithm of mel energies.

    Args:
        samples: float32 `(N,)`, 16 kHz mono.

    Returns:
        float32 `(N // 160, mel_bands)`; equal to librosa's melspectrogram (power 2, no centring) of the samples with
        `EDGE` zeros on either side.
    """
    frames = frame_count(len(samples))
    if frames == 0:
        return np.zeros((0, mel_bands), np.float32)
    padded = np.pad(samples.astype(np.float32), (EDGE, EDGE))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_LENGTH)[::HOP_LENGTH][:frames]
    energies = np.empty((frames, mel_bands), np.float32)
    for first in range(0, frames, CHUNK_FRAMES):
        chunk = slice(first, first + CHUNK_FRAMES)
        spectrum = np.fft.rfft(windows[chunk] * hann_window(), n=FFT_LENGTH, axis=-1)
        energies[chunk] = (spectrum.real**2 + spectrum.imag**2) @ mel_filterbank(mel_bands)
    return np.log(energies + LOG_FLOOR)
