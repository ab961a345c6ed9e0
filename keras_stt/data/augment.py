"""Changes to log-mel windows and utterances in training that leave the words as they are."""

import dataclasses

import numpy as np

from keras_stt.speed import SILENCE, interpolate, mel_bands_hertz


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


def warp_frequency(frames: np.ndarray, factor: float) -> np.ndarray:
    """Moves what stands at mel band `b * factor` to band `b`: another vocal tract says the same."""
    bands = frames.shape[1]
    return interpolate(frames, np.clip(np.arange(bands) * factor, 0, bands - 1), axis=1)


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
    return np.where(mel_bands_hertz(frames.shape[1]) <= highest_hz, frames, SILENCE)


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
