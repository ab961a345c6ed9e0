"""Reading audio: what is there is read, in memory that goes with it, and what is wrong with it has a name."""

import os
import tracemalloc

import numpy as np
import pytest
import soundfile
from bad_corpus import RATE, SECONDS, flac, flac_that_claims, speech

from keras_stt import audio
from keras_stt.audio import AUDIO_REASONS, SAMPLE_RATE, AudioError, audio_duration, read_audio, to_mono_16k
from keras_stt.errors import InputError


@pytest.fixture
def small_blocks(monkeypatch):
    """A second of audio is then read in sixteen blocks and kept in several pieces."""
    monkeypatch.setattr(audio, "BLOCK_VALUES", 1_000)
    monkeypatch.setattr(audio, "PIECE_SAMPLES", 3_500)


def peak_megabytes(read) -> float:
    tracemalloc.start()
    read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 768_000])
@pytest.mark.parametrize("channels", [1, 3])
def test_blocks_give_what_the_whole_gives(tmp_path, small_blocks, rate, channels):
    samples = np.stack([speech(0.5, rate, seed) for seed in range(channels)], axis=1)
    soundfile.write(tmp_path / "a.wav", samples, rate, subtype="FLOAT")
    read = read_audio(tmp_path / "a.wav")
    assert read.dtype == np.float32
    assert read.shape == (SAMPLE_RATE // 2,)
    np.testing.assert_allclose(read, to_mono_16k(samples, rate), atol=1e-6)


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_resampling_is_that_of_librosa(rate):
    import librosa

    samples = speech(1.01, rate).astype(np.float32)
    expected = librosa.resample(samples, orig_sr=rate, target_sr=SAMPLE_RATE, res_type="soxr_hq")
    np.testing.assert_array_equal(to_mono_16k(samples, rate), expected)
    np.testing.assert_array_equal(to_mono_16k(samples, float(rate)), expected)


def test_a_part_is_that_part(tmp_path, small_blocks):
    (tmp_path / "a.flac").write_bytes(flac())
    whole = read_audio(tmp_path / "a.flac")
    np.testing.assert_array_equal(read_audio(tmp_path / "a.flac", 0.25, 1.0, whole=True), whole[4_000:16_000])
    np.testing.assert_array_equal(read_audio(flac(), 1.25), whole[20_000:])
    assert len(read_audio(tmp_path / "a.flac", 9.0)) == len(read_audio(tmp_path / "a.flac", 0.5, 0.25)) == 0


@pytest.mark.parametrize("data", [flac_that_claims(1e6), flac_that_claims(0)])
def test_memory_is_that_of_what_is_there_and_not_of_what_the_header_claims(data):
    assert len(read_audio(data)) == SECONDS * RATE
    assert peak_megabytes(lambda: read_audio(data)) < 10


def test_memory_is_not_that_of_all_channels_or_of_the_files_rate(tmp_path):
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(tmp_path / "a.wav", "w", 96_000, 32, "PCM_16") as file:
        for _ in range(20):
            file.write(rng.integers(-99, 99, (96_000, 32), np.int16))
    read_audio(tmp_path / "a.wav", 0, 1)  # soxr is loaded
    assert peak_megabytes(lambda: read_audio(tmp_path / "a.wav")) < 20  # 246 MB as float32, all channels


def test_what_is_left_of_a_recording_is_read_unless_the_whole_is_asked_for(tmp_path, small_blocks, caplog):
    (tmp_path / "a.flac").write_bytes(flac()[:9_000])
    left = read_audio(tmp_path / "a.flac")
    assert RATE * 0.1 < len(left) < RATE * SECONDS
    np.testing.assert_array_equal(left, read_audio(flac())[: len(left)])
    (line,) = caplog.messages
    assert line == f"{tmp_path}/a.flac: cut short: {len(left) / RATE:.1f} s of 1.5 s can be decoded"
    np.testing.assert_array_equal(read_audio(tmp_path / "a.flac", 0, 0.1, whole=True), left[:1600])
    for start, end in ((0, None), (0, 1.4), (1.4, 1.5)):
        with pytest.raises(AudioError, match="cut short") as error:
            read_audio(tmp_path / "a.flac", start, end, whole=True)
        assert error.value.reason == "audio file cut short"


def test_a_length_that_the_header_leaves_open_is_counted(tmp_path):
    (tmp_path / "a.flac").write_bytes(flac_that_claims(0))
    assert audio_duration(tmp_path / "a.flac") == SECONDS
    np.testing.assert_array_equal(
        read_audio(tmp_path / "a.flac", 0.5, 1.25, whole=True), read_audio(flac())[8_000:20_000]
    )


@pytest.mark.parametrize("rate", [1, 3_999, 768_001, 2**31 - 1])
def test_rates_that_are_none_of_speech_are_refused_before_anything_is_resampled(rate):
    with pytest.raises(AudioError, match=f"a sample rate of {rate} Hz; speech needs 4 to 768 kHz"):
        to_mono_16k(np.zeros(1_000_000, np.float32), rate)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_samples_that_are_no_numbers_are_refused(value):
    samples = np.zeros((100, 2), np.float32)
    samples[50, 1] = value
    with pytest.raises(AudioError) as error:
        to_mono_16k(samples, SAMPLE_RATE)
    assert error.value.reason == "NaN, infinite or huge samples"
    assert error.value.reason in AUDIO_REASONS


def test_a_name_that_is_no_text_is_read_like_any_other(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.full(SAMPLE_RATE, 0.25), SAMPLE_RATE)
    path = f"{tmp_path}/a\udcff.wav"
    try:
        os.rename(tmp_path / "a.wav", path)
    except OSError:
        pytest.skip("this file system has names of text alone")
    assert audio_duration(path) == 1.0
    assert len(read_audio(path)) == SAMPLE_RATE


def test_messages_are_one_line_whatever_the_file_is_called(tmp_path):
    for name in ("a\nb.wav", "a\x1b[2Jb.wav", "a\udcffb.wav", "a\u202eb.wav", "a\0b.wav"):
        with pytest.raises(InputError) as error:
            read_audio(str(tmp_path / name))
        assert str(error.value).isprintable()
        assert "no such file" in str(error.value) or "null byte" in str(error.value)
