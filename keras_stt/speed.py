"""The log-mel of a recording as it would be, had it been played or spoken faster or slower."""

import functools

import numpy as np

from keras_stt.audio import SAMPLE_RATE
from keras_stt.features import LOG_FLOOR

SILENCE = np.float32(np.log(LOG_FLOOR))


def interpolate(values: np.ndarray, places: np.ndarray, axis: int) -> np.ndarray:
    """Linear interpolation of `values` at fractional `places` along `axis`."""
    low = np.clip(np.floor(places).astype(int), 0, values.shape[axis] - 1)
    high = np.minimum(low + 1, values.shape[axis] - 1)
    weight = np.clip(places - low, 0, 1).astype(np.float32)
    weight = weight[:, None] if axis == 0 else weight[None, :]
    return np.take(values, low, axis) * (1 - weight) + np.take(values, high, axis) * weight


def change_tempo(frames: np.ndarray, rate: float) -> np.ndarray:
    """Frames `(T, F)` spoken `rate` times as fast: `(round(T / rate), F)`."""
    length = max(1, round(len(frames) / rate))
    return interpolate(frames, np.arange(length) * rate, axis=0)


def change_speed(frames: np.ndarray, speed: float) -> np.ndarray:
    """Frames `(T, F)` of a recording played `speed` times as fast: `(round(T / speed), F)`, the pitch moved likewise.

    What resampling the waveform would give, but for the finest detail; above the highest frequency of a recording
    played slower there is nothing.
    """
    if speed == 1.0 or not len(frames):
        return frames
    weights, offset = _moved_bands(frames.shape[1], speed)
    return np.maximum(change_tempo(frames, speed) @ weights + offset, SILENCE)


@functools.lru_cache(16)
def _moved_bands(bands: int, speed: float) -> tuple[np.ndarray, np.ndarray]:
    """What `frames @ weights + offset` takes to move a sound at each frequency to `speed` times that frequency."""
    places = _band_of(mel_bands_hertz(bands) / speed, bands)
    low = np.clip(np.floor(places).astype(int), 0, bands - 1)
    high, at = np.minimum(low + 1, bands - 1), np.arange(bands)
    weight = np.clip(places - low, 0, 1)
    weights = np.zeros((bands, bands), np.float32)
    weights[low, at] += 1 - weight
    weights[high, at] += weight
    # The same energy lasts less long.
    offset = np.full(bands, -np.log(speed), np.float32)
    unheard = places > bands - 0.5
    weights[:, unheard], offset[unheard] = 0, SILENCE
    return weights, offset


def _mel(hertz) -> np.ndarray:
    """Slaney's mel scale, which `features.mel_filterbank` uses: linear to 1 kHz, logarithmic above."""
    hertz = np.asarray(hertz, np.float64)
    return np.where(hertz < 1000, hertz * 3 / 200, 15 + 27 * np.log(np.maximum(hertz, 1) / 1000) / np.log(6.4))


def mel_bands_hertz(bands: int) -> np.ndarray:
    """The centre of each mel band."""
    mel = np.linspace(0, _mel(SAMPLE_RATE / 2), bands + 2)[1:-1]
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))


def _band_of(hertz: np.ndarray, bands: int) -> np.ndarray:
    """The fractional number of the mel band at a frequency."""
    return _mel(hertz) / _mel(SAMPLE_RATE / 2) * (bands + 1) - 1
