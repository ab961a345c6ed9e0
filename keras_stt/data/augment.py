"""Changes to log-mel windows in training that leave the words as they are."""

import dataclasses

import numpy as np

from keras_stt.audio import SAMPLE_RATE
from keras_stt.features import LOG_FLOOR


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How much windows vary in training; zeros change nothing.

    Attributes:
        tempo: largest relative change of speed (0.1: from 0.9 to 1.1 times as fast).
        vocal_tract: largest relative change of vocal tract length, as a warp of the frequency axis (Jaitly and
            Hinton, 2013).
        noise: largest level of noise, in nats above the quietest tenth of each band's energies.
        telephone: share of windows heard through a telephone, with nothing above 4 kHz.
        time_masks, time_mask_frames: masked stretches of time in a window, and their longest (SpecAugment, Park et
            al., 2019).
        frequency_masks, frequency_mask_bands: likewise for mel bands.
    """

    tempo: float = 0.0
    vocal_tract: float = 0.0
    noise: float = 0.0
    telephone: float = 0.0
    time_masks: int = 0
    time_mask_frames: int = 20
    frequency_masks: int = 0
    frequency_mask_bands: int = 10


def _interpolate(values: np.ndarray, places: np.ndarray, axis: int) -> np.ndarray:
    """Linear interpolation of `values` at fractional `places` along `axis`."""
    low = np.clip(np.floor(places).astype(int), 0, values.shape[axis] - 1)
    high = np.minimum(low + 1, values.shape[axis] - 1)
    weight = np.clip(places - low, 0, 1).astype(np.float32)
    weight = weight[:, None] if axis == 0 else weight[None, :]
    return np.take(values, low, axis) * (1 - weight) + np.take(values, high, axis) * weight


def change_tempo(frames: np.ndarray, rate: float) -> np.ndarray:
    """Frames `(T, F)` spoken `rate` times as fast: `(round(T / rate), F)`."""
    length = max(1, round(len(frames) / rate))
    return _interpolate(frames, np.arange(length) * rate, axis=0)


def warp_frequency(frames: np.ndarray, factor: float) -> np.ndarray:
    """Moves what stands at mel band `b * factor` to band `b`: another vocal tract says the same."""
    bands = frames.shape[1]
    return _interpolate(frames, np.clip(np.arange(bands) * factor, 0, bands - 1), axis=1)


def add_noise(frames: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Adds energy to every band, `level` nats above its quietest tenth, with the spread of real noise."""
    floor = np.quantile(frames, 0.1, axis=0, keepdims=True) + level
    # A log-mel band of white noise varies by about a third of a neper from frame to frame.
    return np.logaddexp(frames, floor + 0.35 * rng.standard_normal(frames.shape, np.float32))


def limit_band(frames: np.ndarray, highest_hz: float = 4000.0) -> np.ndarray:
    """Silences the mel bands above a frequency, as a lower sample rate would."""
    centres = np.linspace(0, _mel(SAMPLE_RATE / 2), frames.shape[1] + 2)[1:-1]
    return np.where(centres <= _mel(highest_hz), frames, np.float32(np.log(LOG_FLOOR)))


def _mel(hertz: float) -> float:
    """Slaney's mel scale, which `features.mel_filterbank` uses: linear to 1 kHz, logarithmic above."""
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4)


def mask_stretches(frames: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Replaces random stretches of time and of frequency by the window's mean."""
    frames = np.array(frames, np.float32)
    mean = frames.mean(axis=0)
    for _ in range(augmentation.time_masks):
        width = rng.integers(0, augmentation.time_mask_frames + 1)
        first = rng.integers(0, max(1, len(frames) - width + 1))
        frames[first : first + width] = mean
    for _ in range(augmentation.frequency_masks):
        width = rng.integers(0, augmentation.frequency_mask_bands + 1)
        first = rng.integers(0, max(1, frames.shape[1] - width + 1))
        frames[:, first : first + width] = mean[first : first + width]
    return frames


def augment(frames: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """All but the tempo, which moves word times and is applied when the window is cut. Returns new frames."""
    if not len(frames):
        return frames
    if augmentation.vocal_tract:
        frames = warp_frequency(frames, 1 + rng.uniform(-augmentation.vocal_tract, augmentation.vocal_tract))
    if augmentation.telephone and rng.random() < augmentation.telephone:
        frames = limit_band(frames)
    if augmentation.noise:
        frames = add_noise(frames, rng.uniform(0, augmentation.noise), rng)
    return mask_stretches(frames, augmentation, rng)
