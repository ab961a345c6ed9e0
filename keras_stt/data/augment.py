"""Changes to log-mel windows and utterances in training that leave the words as they are."""

import dataclasses
import functools

import numpy as np

from keras_stt.audio import SAMPLE_RATE
from keras_stt.features import LOG_FLOOR

SILENCE = np.float32(np.log(LOG_FLOOR))


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How much windows and utterances vary in training; zeros change nothing.

    Attributes:
        tempo: largest relative change of the speed of windows (0.1: from 0.9 to 1.1 times as fast).
        vocal_tract: largest relative change of vocal tract length, as a warp of the frequency axis (Jaitly and
            Hinton, 2013).
        noise: largest level of noise, in nats above the quietest tenth of each band's energies.
        telephone: share of windows heard through a telephone, with nothing above 4 kHz.
        time_masks, time_mask_frames: masked stretches of time in a window, and their longest (SpecAugment, Park et
            al., 2019).
        frequency_masks, frequency_mask_bands: likewise for mel bands.
        time_mask_ratio: above 0, the time masks follow the length T: there are `time_mask_ratio * T` of them, but at
            most `time_masks`, each at most `time_mask_ratio * T` frames long (adaptive SpecAugment, Park et al.,
            "SpecAugment on large scale datasets", 2020).
        gain: largest change of loudness, in nats of energy (0.23 is a decibel).
        speed: relative change of the speed of utterances, pitch and all: heard at 1, 1 - speed and 1 + speed times
            their own (Ko et al., "Audio augmentation for speech recognition", 2015). See `speeds`.
    """

    tempo: float = 0.0
    vocal_tract: float = 0.0
    noise: float = 0.0
    telephone: float = 0.0
    time_masks: int = 0
    time_mask_frames: int = 20
    frequency_masks: int = 0
    frequency_mask_bands: int = 10
    time_mask_ratio: float = 0.0
    gain: float = 0.0
    speed: float = 0.0

    @property
    def speeds(self) -> tuple[float, ...]:
        """The speeds of utterances, for `UtterancePlan`, which draws them."""
        return (1.0, 1 - self.speed, 1 + self.speed) if self.speed else (1.0,)


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


def change_speed(frames: np.ndarray, speed: float) -> np.ndarray:
    """Frames `(T, F)` of a recording played `speed` times as fast: `(round(T / speed), F)`, the pitch moved likewise.

    What resampling the waveform would give, but for the finest detail; above the highest frequency of a recording
    played slower there is nothing.
    """
    if speed == 1.0:
        return frames
    weights, offset = _moved_bands(frames.shape[1], speed)
    return np.maximum(change_tempo(frames, speed) @ weights + offset, SILENCE)


@functools.lru_cache(16)
def _moved_bands(bands: int, speed: float) -> tuple[np.ndarray, np.ndarray]:
    """What `frames @ weights + offset` takes to move a sound at each frequency to `speed` times that frequency."""
    places = _band_of(_mel_bands_hertz(bands) / speed, bands)
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


def warp_frequency(frames: np.ndarray, factor: float) -> np.ndarray:
    """Moves what stands at mel band `b * factor` to band `b`: another vocal tract says the same."""
    bands = frames.shape[1]
    return _interpolate(frames, np.clip(np.arange(bands) * factor, 0, bands - 1), axis=1)


def add_noise(frames: np.ndarray, level: float, rng: np.random.Generator) -> np.ndarray:
    """Adds energy to every band, `level` nats above its quietest tenth, with the spread of real noise."""
    # A log-mel band of white noise varies by about a third of a neper from frame to frame.
    noise = _quietest_tenth(frames) + np.float32(level) + 0.35 * rng.standard_normal(frames.shape, np.float32)
    # NumPy's own logaddexp takes ten times as long.
    return np.maximum(frames, noise) + np.log(1 + np.exp(-np.abs(frames - noise)))


def _quietest_tenth(frames: np.ndarray) -> np.ndarray:
    """The tenth percentile of each band, `(F,)`: as `np.quantile`, in a quarter of the time."""
    place = 0.1 * (len(frames) - 1)
    low, high = int(place), min(int(place) + 1, len(frames) - 1)
    by_band = np.partition(np.ascontiguousarray(frames.T), [low, high], axis=1)
    return by_band[:, low] + np.float32(place - low) * (by_band[:, high] - by_band[:, low])


def limit_band(frames: np.ndarray, highest_hz: float = 4000.0) -> np.ndarray:
    """Silences the mel bands above a frequency, as a lower sample rate would."""
    return np.where(_mel_bands_hertz(frames.shape[1]) <= highest_hz, frames, SILENCE)


def _mel(hertz) -> np.ndarray:
    """Slaney's mel scale, which `features.mel_filterbank` uses: linear to 1 kHz, logarithmic above."""
    hertz = np.asarray(hertz, np.float64)
    return np.where(hertz < 1000, hertz * 3 / 200, 15 + 27 * np.log(np.maximum(hertz, 1) / 1000) / np.log(6.4))


def _mel_bands_hertz(bands: int) -> np.ndarray:
    """The centre of each mel band."""
    mel = np.linspace(0, _mel(SAMPLE_RATE / 2), bands + 2)[1:-1]
    return np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))


def _band_of(hertz: np.ndarray, bands: int) -> np.ndarray:
    """The fractional number of the mel band at a frequency."""
    return _mel(hertz) / _mel(SAMPLE_RATE / 2) * (bands + 1) - 1


def mask_stretches(frames: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Replaces random stretches of time and of frequency by the window's mean."""
    frames = np.array(frames, np.float32)
    mean = frames.mean(axis=0)
    count, longest = augmentation.time_masks, augmentation.time_mask_frames
    if augmentation.time_mask_ratio:
        longest = round(augmentation.time_mask_ratio * len(frames))
        count = min(count, longest)
    for _ in range(count):
        width = rng.integers(0, longest + 1)
        first = rng.integers(0, max(1, len(frames) - width + 1))
        frames[first : first + width] = mean
    for _ in range(augmentation.frequency_masks):
        width = rng.integers(0, augmentation.frequency_mask_bands + 1)
        first = rng.integers(0, max(1, frames.shape[1] - width + 1))
        frames[:, first : first + width] = mean[first : first + width]
    return frames


def augment(frames: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """All but tempo and speed, which move word times and lengths and are applied before. Returns new frames."""
    if not len(frames):
        return frames
    if augmentation.vocal_tract:
        frames = warp_frequency(frames, 1 + rng.uniform(-augmentation.vocal_tract, augmentation.vocal_tract))
    if augmentation.telephone and rng.random() < augmentation.telephone:
        frames = limit_band(frames)
    if augmentation.gain:
        frames = np.maximum(frames + np.float32(rng.uniform(-augmentation.gain, augmentation.gain)), SILENCE)
    if augmentation.noise:
        frames = add_noise(frames, rng.uniform(0, augmentation.noise), rng)
    return mask_stretches(frames, augmentation, rng)
