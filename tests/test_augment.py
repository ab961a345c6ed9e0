"""Variation in training: what each change does to log-mel frames, and that it leaves the rest alone."""

import dataclasses

import librosa
import numpy as np
import pytest

from keras_stt.audio import SAMPLE_RATE, to_mono_16k
from keras_stt.data.augment import (
    Augmentation,
    add_noise,
    augment,
    limit_band,
    mask_stretches,
    warp_frequency,
)
from keras_stt.features import LOG_FLOOR, log_mel
from keras_stt.speed import change_speed, change_tempo

SILENCE = np.float32(np.log(LOG_FLOOR))
EVERYTHING = Augmentation(0.1, 0.2, 3.0, 1.0, time_masks=2, frequency_masks=2)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def frames(rng):
    """`(50, 80)` float32, no two values alike."""
    return rng.standard_normal((50, 80)).astype(np.float32) - 8


def ramp(length: int) -> np.ndarray:
    """`(length, 3)`: each frame says its own place."""
    return np.repeat(np.arange(length, dtype=np.float32)[:, None], 3, axis=1)


@pytest.mark.parametrize("rate", [0.5, 0.85, 0.9, 1.1, 1.15, 2.0])
def test_tempo_divides_the_length_and_keeps_the_order(rate):
    faster = change_tempo(ramp(100), rate)
    assert faster.shape == (round(100 / rate), 3)
    assert faster.dtype == np.float32
    np.testing.assert_allclose(faster[:, 1], np.minimum(np.arange(len(faster)) * rate, 99), atol=1e-4)


def test_tempo_moves_an_event_to_its_time_divided_by_the_rate():
    frames = np.zeros((200, 4), np.float32)
    frames[120] = 1
    for rate in (0.8, 1.25):
        assert change_tempo(frames, rate)[:, 0].argmax() == round(120 / rate)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_tempo_of_very_few_frames_leaves_at_least_one(length):
    for rate in (0.5, 1.9, 5.0):
        faster = change_tempo(ramp(length), rate)
        assert len(faster) >= 1
        assert faster.min() >= 0
        assert faster.max() <= length - 1


def test_factor_one_is_the_identity(frames):
    np.testing.assert_array_equal(change_tempo(frames, 1.0), frames)
    np.testing.assert_array_equal(warp_frequency(frames, 1.0), frames)


def chirps(seconds: float, rate: float = 1.0) -> np.ndarray:
    """Four gliding tones over faint noise, float32 samples at 16 kHz, played `rate` times as fast."""
    rng = np.random.default_rng(0)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tones = (np.sin(2 * np.pi * (start * time + 0.2 * start * time**2)) for start in (300, 800, 1900, 3500))
    samples = (0.1 * sum(tones) + 0.003 * rng.standard_normal(len(time))).astype(np.float32)
    return librosa.resample(samples, orig_sr=SAMPLE_RATE * rate, target_sr=SAMPLE_RATE, res_type="soxr_hq")


@pytest.mark.parametrize("speed", [0.9, 1.1])
def test_speed_is_what_resampling_the_waveform_gives(speed):
    frames, truth = log_mel(chirps(2)), log_mel(chirps(2, speed))
    faster = change_speed(frames, speed)
    assert faster.dtype == np.float32
    assert abs(len(faster) - len(truth)) <= 1
    length = min(len(faster), len(truth))
    off = np.abs(faster[:length] - truth[:length])
    tempo_only = np.abs(change_tempo(frames, speed)[:length] - truth[:length])
    assert off.mean() < 0.6  # nats
    assert off.mean() < 0.25 * tempo_only.mean()
    np.testing.assert_allclose(faster.mean(), truth.mean(), atol=0.2)
    # Where a slower recording has nothing left, nothing is heard.
    nothing = librosa.mel_frequencies(82, fmin=0, fmax=8000)[1:-1] > 1.03 * 8000 * speed
    assert nothing.any() == (speed < 1)
    assert (faster[:, nothing] == SILENCE).all()


def test_speed_one_is_the_identity_and_speeds_come_in_threes(frames):
    np.testing.assert_array_equal(change_speed(frames, 1.0), frames)
    assert change_speed(frames[:0], 0.9).shape == (0, frames.shape[1])  # of a file that cannot be read
    assert Augmentation().speeds == (1.0,)
    assert Augmentation(speed=0.1).speeds == (1.0, 0.9, 1.1)


@pytest.mark.parametrize("length", [1, 2, 50])
def test_speed_divides_the_length(length, frames):
    for speed in (0.9, 1.1):
        faster = change_speed(frames[:length], speed)
        assert faster.shape == (round(length / speed), 80)
        assert faster.min() >= SILENCE


def test_gain_moves_all_bands_alike_and_silence_stays(frames, rng):
    frames[7] = SILENCE
    moves = []
    for _ in range(200):
        louder = augment(frames, Augmentation(gain=2.0), rng)
        assert louder.dtype == np.float32
        moved = np.delete(louder - frames, 7, axis=0)
        assert np.ptp(moved) < 1e-5 or louder.min() == SILENCE
        moves.append(moved.max())
        assert louder.min() >= SILENCE
    assert -2 <= min(moves) < -1.5
    assert 1.5 < max(moves) <= 2


def test_noise_is_measured_from_the_quietest_tenth(rng):
    """Of many lengths: the level is that of `np.quantile`."""
    for length in (1, 2, 9, 10, 11, 101):
        frames = rng.standard_normal((length, 5)).astype(np.float32)
        drawn = np.random.default_rng(1)
        noise = np.quantile(frames, 0.1, axis=0) + 2 + 0.35 * drawn.standard_normal(frames.shape, np.float32)
        noisy = add_noise(frames, 2.0, np.random.default_rng(1))
        assert noisy.dtype == np.float32
        np.testing.assert_allclose(noisy, np.logaddexp(frames, noise), atol=1e-5)


@pytest.mark.parametrize(("length", "count", "longest"), [(100, 4, 4), (300, 10, 12), (20, 1, 1), (10, 0, 0)])
def test_adaptive_time_masks_follow_the_length(length, count, longest):
    """4 % of the frames: so many masks, at most ten, each of so many frames at most."""
    rng = np.random.default_rng(0)
    frames = rng.standard_normal((length, 8)).astype(np.float32)
    masks = Augmentation(time_masks=10, time_mask_ratio=0.04, time_mask_frames=10_000)
    total, runs = [0], []
    for _ in range(300):
        changed = (mask_stretches(frames, masks, rng) != frames).any(axis=1)
        total.append(changed.sum())
        runs.append(len(stretches(changed)))
    assert max(runs) <= count
    assert max(runs) >= min(count, 4)
    assert max(total) <= count * longest
    assert np.mean(total) >= 0.3 * count * longest


@pytest.mark.parametrize(("factor", "moved_to"), [(0.8, 50), (1.25, 32), (1.0, 40)])
def test_a_peak_at_a_band_moves_to_that_band_divided_by_the_factor(factor, moved_to):
    frames = np.zeros((5, 80), np.float32)
    frames[:, 40] = 1
    warped = warp_frequency(frames, factor)
    assert warped.shape == frames.shape
    assert warped.dtype == np.float32
    assert set(warped.argmax(axis=1)) == {moved_to}


def test_a_warp_beyond_the_last_band_repeats_it(frames):
    warped = warp_frequency(frames, 1.25)
    np.testing.assert_array_equal(warped[:, 64:], np.repeat(frames[:, -1:], 16, axis=1))


@pytest.mark.parametrize("mel_bands", [40, 80])
def test_the_silenced_bands_are_those_without_sound_at_8_khz(mel_bands, rng):
    """White noise recorded at 16 kHz, beside noise of the same density recorded at 8 kHz."""
    noise = (0.1 * np.sqrt(0.5) * rng.standard_normal(2 * 8000)).astype(np.float32)
    telephone = log_mel(to_mono_16k(noise, 8000), mel_bands)[10:-10]
    wide = log_mel((0.1 * rng.standard_normal(2 * SAMPLE_RATE)).astype(np.float32), mel_bands)[10:-10]
    limited = limit_band(wide)
    silenced = (limited == SILENCE).all(axis=0)
    np.testing.assert_array_equal(limited[:, ~silenced], wide[:, ~silenced])
    centres = librosa.mel_frequencies(mel_bands + 2, fmin=0, fmax=SAMPLE_RATE / 2)[1:-1]
    np.testing.assert_array_equal(silenced, centres > 4000)

    lost = wide.mean(axis=0) - telephone.mean(axis=0)
    np.testing.assert_array_equal(silenced, lost > 2)  # nats
    # All but the two bands at the edge, in which the resampler's filter falls, are then alike.
    edge = np.flatnonzero(silenced)[0]
    far = np.abs(np.arange(mel_bands) - edge + 0.5) > 1
    np.testing.assert_allclose(limited.mean(axis=0)[far], telephone.mean(axis=0)[far], atol=0.3)


def test_a_higher_limit_silences_less(frames):
    heard = [int((limit_band(frames, hertz) != SILENCE).all(axis=0).sum()) for hertz in (500, 2000, 4000, 8000)]
    assert heard == sorted(set(heard))
    assert heard[-1] == 80


def test_noise_raises_quiet_moments_and_leaves_loud_ones(rng):
    frames = np.full((100, 80), -12, np.float32)
    frames[::2] = 0  # every other frame is loud, twelve nats above
    noisy = add_noise(frames, 3.0, rng)
    assert noisy.shape == frames.shape
    quiet, loud = noisy[1::2] - frames[1::2], noisy[::2] - frames[::2]
    assert 2.5 < quiet.mean() < 3.6
    assert quiet.min() > 0.5
    assert loud.min() >= 0
    assert loud.max() < 0.01


def test_more_noise_is_louder(frames):
    means = [add_noise(frames, level, np.random.default_rng(3)).mean() for level in (0.0, 1.0, 2.0, 4.0)]
    assert means == sorted(set(means))
    assert (add_noise(frames, 0.0, np.random.default_rng(3)) >= frames).all()


def stretches(changed: np.ndarray) -> list[int]:
    """Lengths of the runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], changed.astype(int), [0]])))
    return (edges[1::2] - edges[::2]).tolist()


@pytest.mark.parametrize("seed", range(20))
def test_masked_stretches_are_few_and_bounded(seed, frames):
    rng = np.random.default_rng(seed)
    only_time = mask_stretches(frames.copy(), Augmentation(time_masks=2, time_mask_frames=7), rng)
    changed = only_time != frames
    assert (changed.all(axis=1) == changed.any(axis=1)).all()  # whole frames
    assert changed.any(axis=1).sum() <= 2 * 7
    assert len(stretches(changed.any(axis=1))) <= 2
    for frame in only_time[changed.any(axis=1)]:
        np.testing.assert_allclose(frame, frames.mean(axis=0), rtol=1e-6)

    only_bands = mask_stretches(frames.copy(), Augmentation(frequency_masks=1, frequency_mask_bands=5), rng)
    changed = only_bands != frames
    assert (changed.all(axis=0) == changed.any(axis=0)).all()  # whole bands
    assert changed.any(axis=0).sum() <= 5
    assert len(stretches(changed.any(axis=0))) <= 1


def test_stretches_reach_their_bound_and_both_ends(frames):
    rng, masked = np.random.default_rng(0), np.zeros(50, bool)
    longest = 0
    for _ in range(300):
        one = mask_stretches(frames.copy(), Augmentation(time_masks=1, time_mask_frames=6), rng)
        changed = (one != frames).any(axis=1)
        masked |= changed
        longest = max(longest, changed.sum())
    assert longest == 6
    assert masked.all()


def test_a_stretch_longer_than_the_window_is_cut_at_its_end(rng):
    short = ramp(3) + 1
    for _ in range(20):
        masked = mask_stretches(short.copy(), Augmentation(time_masks=1, frequency_masks=1), rng)
        assert masked.shape == (3, 3)
        assert np.isfinite(masked).all()


def test_zeros_change_nothing(frames, rng):
    before = rng.bit_generator.state
    np.testing.assert_array_equal(augment(frames, Augmentation(), rng), frames)
    assert rng.bit_generator.state == before  # nor draw


def test_no_frames_stay_no_frames(rng):
    assert augment(np.zeros((0, 80), np.float32), EVERYTHING, rng).shape == (0, 80)


def test_all_together_keep_shape_and_type_and_depend_on_the_generator_alone(frames):
    first, again = (augment(frames, EVERYTHING, np.random.default_rng(5)) for _ in range(2))
    other = augment(frames, EVERYTHING, np.random.default_rng(6))
    assert first.shape == frames.shape
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_share_of_windows_is_heard_through_a_telephone(frames, rng):
    half = Augmentation(telephone=0.5)
    limited = sum(bool((augment(frames, half, rng)[:, -1] == SILENCE).all()) for _ in range(400))
    assert 150 < limited < 250


@pytest.mark.parametrize(
    "change",
    [
        lambda frames, rng: change_tempo(frames, 1.1),
        lambda frames, rng: change_tempo(frames, 1.0),
        lambda frames, rng: change_speed(frames, 1.1),
        lambda frames, rng: change_speed(frames, 1.0),
        lambda frames, rng: augment(frames, Augmentation(gain=1.0), rng),
        lambda frames, rng: warp_frequency(frames, 1.1),
        lambda frames, rng: add_noise(frames, 2.0, rng),
        lambda frames, rng: limit_band(frames),
        lambda frames, rng: augment(frames, EVERYTHING, rng),
        lambda frames, rng: augment(frames, dataclasses.replace(Augmentation(), time_masks=3), rng),
        lambda frames, rng: mask_stretches(frames, EVERYTHING, rng),
    ],
    ids=[
        "tempo",
        "tempo 1",
        "speed",
        "speed 1",
        "gain",
        "warp",
        "noise",
        "band",
        "all",
        "masks alone",
        "mask_stretches",
    ],
)
def test_what_goes_in_is_left_as_it_was(change, frames, rng):
    """The same frames are read again in the next epoch."""
    kept = frames.copy()
    for _ in range(5):
        change(frames, rng)
    np.testing.assert_array_equal(frames, kept)
