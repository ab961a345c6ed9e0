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
CHUNK_FRAMES = 128  # at a time: spectra of so many stay in a core's cache, which takes two thirds of the time
FILTER_BLOCKS = 4  # see `_filter_blocks`


@functools.cache
def mel_filterbank(mel_bands: int = MEL_BANDS) -> np.ndarray:
    """`(FFT_LENGTH // 2 + 1, mel_bands)` float32: librosa's Slaney mel filters."""
    import librosa  # slow to import, and a saved model carries its filters

    return librosa.filters.mel(sr=SAMPLE_RATE, n_fft=FFT_LENGTH, n_mels=mel_bands).T.astype(np.float32)


@functools.cache
def _filter_blocks(mel_bands: int) -> list[tuple[slice, slice, np.ndarray]]:
    """The filterbank in blocks: the spectrum's bins that some bands hear, those bands, and their filters.

    Each filter is narrow: as one matrix, nine tenths of what is multiplied are zeros.
    """
    filters, blocks = mel_filterbank(mel_bands), []
    for bands in np.array_split(np.arange(mel_bands), FILTER_BLOCKS):
        bins = np.flatnonzero(filters[:, bands].any(axis=1))
        if len(bins):  # a filter may be so narrow that no bin falls into it
            heard, made = slice(bins[0], bins[-1] + 1), slice(bands[0], bands[-1] + 1)
            blocks.append((heard, made, np.ascontiguousarray(filters[heard, made])))
    return blocks


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
    from scipy.fft import rfft  # slow to import; several frames at a time, where NumPy's takes one after the other

    frames = frame_count(len(samples))
    energies = np.zeros((frames, mel_bands), np.float32)
    if frames == 0:
        return energies
    padded = np.zeros(len(samples) + 2 * EDGE, np.float32)
    padded[EDGE:-EDGE] = samples
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_LENGTH)[::HOP_LENGTH]
    for first in range(0, frames, CHUNK_FRAMES):
        chunk = energies[first : first + CHUNK_FRAMES]
        spectrum = rfft(windows[first : first + len(chunk)] * hann_window(), n=FFT_LENGTH, axis=-1)
        power = spectrum.real**2 + spectrum.imag**2
        for bins, bands, filters in _filter_blocks(mel_bands):
            chunk[:, bands] = power[:, bins] @ filters
        chunk += LOG_FLOOR
        np.log(chunk, out=chunk)
    return energies


def log_mel_between(samples: np.ndarray, start: int, stop: int, mel_bands: int = MEL_BANDS) -> np.ndarray:
    """The frames from `start` to before `stop` of `log_mel(samples)`, and no others computed."""
    first = max(start - 1, 0)  # a window reaches into the frames beside its own
    frames = log_mel(samples[first * HOP_LENGTH : (stop + 1) * HOP_LENGTH], mel_bands)
    return frames[start - first : stop - first]
