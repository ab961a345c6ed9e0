"""Where a long recording may be cut: in digital silence, in a pause of speech, or where it is quietest."""

import numpy as np

from keras_stt.audio import SAMPLE_RATE

LEVEL_SAMPLES = SAMPLE_RATE // 100  # loudness is told of every 10 ms
SMOOTHED = 10  # of them: a click does not count as speech
RELIEF = 28.0  # decibels below the loudest speech so far, and nothing is being said
FLOOR = 1e-10  # added to the power of samples: -100 dB


def zeros_from(samples: np.ndarray, count: int) -> tuple[int, int] | None:
    """The first stretch of `count` or more digital zeros: its first sample and the one after its last; or None."""
    sounding = np.flatnonzero(samples)
    borders = np.concatenate([[-1], sounding, [len(samples)]])
    long = np.flatnonzero(np.diff(borders) > count)
    return (int(borders[long[0]]) + 1, int(borders[long[0] + 1])) if len(long) else None


def first_pause(samples: np.ndarray, least: int, pause: int) -> int | None:
    """The sample in the middle of the first `pause` or more samples in which nothing is said, though something is
    before and after; None where there is none.

    What counts as nothing is told by the loudest speech before, so that the answer does not change with what follows.

    Args:
        least: an earlier sample than this is not given.
    """
    powers = _powers(samples)
    smoothed = np.convolve(powers, np.full(SMOOTHED, 1 / SMOOTHED))[: len(powers)]
    loudest = np.maximum.accumulate(10 * np.log10(smoothed + FLOOR))
    said = np.flatnonzero(10 * np.log10(powers + FLOOR) > loudest - RELIEF)
    ends, starts = said[:-1] + 1, said[1:]
    middles = (ends + starts) * LEVEL_SAMPLES // 2
    found = np.flatnonzero(((starts - ends) * LEVEL_SAMPLES >= pause) & (middles >= least))
    return int(middles[found[0]]) if len(found) else None


def quietest(samples: np.ndarray, first: int, stop: int) -> int:
    """The sample between `first` and `stop` about which 0.1 s are quietest."""
    powers = np.convolve(_powers(samples[first:stop]), np.ones(SMOOTHED), "valid")
    return first + (int(powers.argmin()) + SMOOTHED // 2) * LEVEL_SAMPLES


def _powers(samples: np.ndarray) -> np.ndarray:
    """Mean square of each whole 10 ms."""
    count = len(samples) // LEVEL_SAMPLES
    blocks = samples[: count * LEVEL_SAMPLES].reshape(count, LEVEL_SAMPLES)
    return np.einsum("ij,ij->i", blocks, blocks) / LEVEL_SAMPLES
