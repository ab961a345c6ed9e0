"""Recordings of all kinds and lengths to transcripts, with a model that has learned nothing."""

import tracemalloc
import types

import numpy as np
import pytest
import soundfile

from keras_stt.errors import InputError
from keras_stt.transcribe import windows as transcribe
from keras_stt.transcribe.transcript import transcript_of
from keras_stt.transcribe.windows import WORD_SHARE, attention_span, stream

WINDOW = 32 * 0.06  # seconds, of the tiny model


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def noise(rng, seconds, rate=16_000):
    """Syllables of noise, float32."""
    time = np.arange(round(seconds * rate)) / rate
    return (0.1 * np.sin(2 * np.pi * time) ** 2 * rng.standard_normal(len(time))).astype(np.float32)


def transcribe_samples(model, samples, **decoding):
    return transcript_of([samples], lambda blocks: stream(model, blocks, **decoding))


def assert_same(one, other, tolerance=1e-4):
    assert one.text == other.text
    assert one.duration == pytest.approx(other.duration, abs=1e-3)
    for word, twin in zip(one.words, other.words, strict=True):
        found = (word.start, word.end, word.confidence)
        assert found == pytest.approx((twin.start, twin.end, twin.confidence), abs=tolerance)


def test_the_span_of_even_attention_leaves_out_its_share_at_both_ends():
    assert attention_span(np.full(10, 0.1)) == pytest.approx((10 * WORD_SHARE, 10 * (1 - WORD_SHARE)))


def test_the_span_of_attention_on_one_step_lies_within_it():
    attention = np.zeros(20)
    attention[7] = 1
    assert attention_span(attention) == pytest.approx((7 + WORD_SHARE, 8 - WORD_SHARE), abs=1e-3)


def test_the_span_follows_the_attention_and_not_its_scale(rng):
    attention = np.zeros(40)
    attention[12:18] = rng.uniform(0.5, 1, 6)
    start, end = attention_span(attention)
    assert 12 <= start < end <= 18
    assert attention_span(5 * attention) == pytest.approx((start, end), abs=1e-4)
    moved = attention_span(np.roll(attention, 9))
    assert moved == pytest.approx((start + 9, end + 9), abs=1e-4)


@pytest.mark.parametrize("attention", [np.zeros(16), np.full(1, 1.0), np.eye(16)[0], np.eye(16)[15]])
def test_the_span_stays_in_the_audio(attention):
    start, end = attention_span(attention.astype(np.float32))
    assert 0 <= start <= end <= len(attention)


@pytest.mark.parametrize("samples", [0, 1, 159])
def test_less_than_a_frame_says_nothing(tiny_recognizer, samples):
    transcript = tiny_recognizer.transcribe(np.zeros(samples, np.float32), 16_000)
    assert transcript.text == str(transcript) == ""
    assert transcript.words == []
    assert transcript.duration == samples / 16_000


def test_empty_audio_at_another_rate_or_of_several_channels_says_nothing(tiny_recognizer):
    for empty in (np.zeros(0, np.int16), np.zeros((0, 2), np.float32), []):
        assert tiny_recognizer.transcribe(empty, 8_000).text == ""


@pytest.mark.parametrize("seconds", [0.01, 0.06, 0.5, WINDOW - 0.01, WINDOW, WINDOW + 0.01, 7.0])
def test_any_length_gives_words_in_order_within_the_recording(tiny_recognizer, seconds, rng):
    transcript = tiny_recognizer.transcribe(noise(rng, seconds), 16_000)
    assert transcript.duration == pytest.approx(seconds)
    middles = [word.middle for word in transcript.words]
    assert middles == pytest.approx(sorted(middles), abs=1e-9)  # a mean of votes is rounded
    for word in transcript.words:
        assert 0 <= word.start <= word.end <= seconds + 1e-6
        assert 0 < word.confidence <= 1
        assert word.text in tiny_recognizer.vocabulary[4:]


def test_many_batches_of_windows_say_what_one_says(tiny_recognizer, rng, monkeypatch):
    samples = noise(rng, 45)
    expected = tiny_recognizer.transcribe(samples, 16_000)
    assert expected.words[-1].end > 40
    monkeypatch.setattr("keras_stt.transcribe.windows.BATCH_WINDOWS", (128,))
    assert_same(tiny_recognizer.transcribe(samples, 16_000), expected)


def test_long_digital_silence_says_nothing_and_what_follows_is_heard(tiny_recognizer, rng):
    samples = np.concatenate([np.zeros(16_000 * 60, np.float32), noise(rng, 5)])
    words = tiny_recognizer.transcribe(samples, 16_000).words
    assert words
    assert words[0].start > 30  # the last batch of windows, some 20 s, has silence and speech


def test_integers_are_their_share_of_the_range(tiny_recognizer, rng):
    integers = np.round(noise(rng, 3) * 32768).astype(np.int16)
    floats = integers.astype(np.float32) / 32768
    expected = tiny_recognizer.transcribe(floats, 16_000)
    assert expected.words
    assert_same(tiny_recognizer.transcribe(integers, 16_000), expected)
    assert_same(tiny_recognizer.transcribe(integers.astype(np.int32) * 65536, 16_000), expected)
    assert_same(tiny_recognizer.transcribe(floats.astype(np.float64), 16_000), expected)


def test_channels_are_averaged(tiny_recognizer, rng):
    mono, other = noise(rng, 3), noise(rng, 3)
    expected = tiny_recognizer.transcribe(mono, 16_000)
    assert_same(tiny_recognizer.transcribe(np.stack([mono, mono], axis=1), 16_000), expected)
    assert_same(tiny_recognizer.transcribe(np.stack([mono + other, mono - other], axis=1), 16_000), expected, 1e-3)


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_other_rates_are_resampled(tiny_recognizer, rate, rng):
    import librosa

    samples = noise(rng, 3, rate)
    transcript = tiny_recognizer.transcribe(samples, rate)
    assert transcript.duration == pytest.approx(3, abs=1e-3)
    resampled = librosa.resample(samples, orig_sr=rate, target_sr=16_000)
    assert_same(transcript, tiny_recognizer.transcribe(resampled, 16_000))


def test_files_are_transcribed_as_their_samples(tiny_recognizer, tmp_path, rng):
    stereo = np.round(np.stack([noise(rng, 3, 8_000)] * 2, axis=1) * 32768).astype(np.int16)
    soundfile.write(tmp_path / "a.flac", stereo, 8_000)
    expected = tiny_recognizer.transcribe(stereo, 8_000)
    assert_same(tiny_recognizer.transcribe(tmp_path / "a.flac"), expected)
    assert_same(tiny_recognizer.transcribe(str(tmp_path / "a.flac")), expected)


@pytest.mark.parametrize(
    ("audio", "rate", "message"),
    [
        (np.zeros(100, np.float32), None, "sample_rate=16000"),
        (np.zeros(100, np.float32), 0, "sample rate 0 Hz"),
        (np.zeros((2, 3, 4), np.float32), 16_000, r"shape \(2, 3, 4\)"),
        (np.full(1000, np.nan, np.float32), 16_000, "NaN"),
        ("/nowhere/a.wav", None, "no such file"),
    ],
)
def test_what_cannot_be_heard_is_an_input_error(tiny_recognizer, audio, rate, message):
    with pytest.raises(InputError, match=message):
        tiny_recognizer.transcribe(audio, rate)


@pytest.mark.backend
@pytest.mark.parametrize("size", [1, 5])
def test_the_batch_size_changes_nothing(tiny_recognizer, monkeypatch, size, rng):
    samples = noise(rng, 4)
    expected = transcribe_samples(tiny_recognizer, samples)
    assert expected.words
    monkeypatch.setattr(transcribe, "BATCH_WINDOWS", (size,))
    assert_same(transcribe_samples(tiny_recognizer, samples), expected)


@pytest.mark.backend
def test_what_lies_in_the_padding_is_never_heard(tiny_recognizer, rng):
    """Noise after the end of each window, and in the rows that fill the batch up."""

    def predict(inputs):
        features = np.array(inputs["features"])
        for row, length in enumerate(inputs["feature_lengths"]):
            features[row, length:] = rng.uniform(-14, 5, features[row, length:].shape)
        return tiny_recognizer.predict_on_batch({**inputs, "features": features})

    names = ("mel_bands", "vocabulary", "audio_frames", "text_context", "frames_per_step")
    noisy = types.SimpleNamespace(predict_on_batch=predict, **{name: getattr(tiny_recognizer, name) for name in names})
    samples = noise(rng, 4)
    expected = transcribe_samples(tiny_recognizer, samples)
    assert expected.words
    assert_same(transcribe_samples(noisy, samples), expected)


A, B, C, D = range(4, 8)


def saying(model, *slots):
    """A model that says these tokens in the slots of every window, heard one after the other."""

    def predict(inputs):
        rows = len(inputs["token_ids"])
        logits = 9 * np.eye(len(model.vocabulary), dtype=np.float32)[list(slots)]
        attention = np.zeros((len(slots), model.audio_context), np.float32)
        attention[range(len(slots)), np.arange(len(slots)) * 3 + 1] = 1
        return {"tokens": np.stack([logits] * rows), "attention": np.stack([attention] * rows)}

    names = ("mel_bands", "vocabulary", "audio_frames", "text_context", "frames_per_step")
    return types.SimpleNamespace(predict_on_batch=predict, **{name: getattr(model, name) for name in names})


@pytest.mark.parametrize("fill", ["<sil>", "<pad>"])
def test_what_fills_slots_is_never_a_word(tiny_recognizer, rng, fill):
    nothing = tiny_recognizer.vocabulary.index(fill)
    for slots in ([A, B, nothing, nothing], [nothing, nothing, A, B], [nothing, A, B, nothing]):
        heard = transcribe_samples(saying(tiny_recognizer, *slots), noise(rng, 1), hop_seconds=1.0)
        assert heard.text == " ".join(tiny_recognizer.vocabulary[4:6])


@pytest.mark.parametrize("fill", ["<sil>", "<pad>"])
def test_a_window_with_a_slot_to_spare_speaks_for_all_of_its_audio(tiny_recognizer, rng, monkeypatch, fill):
    """One whose slots are all taken may have had no slot for what comes after its last word."""
    nothing, spoken_for = tiny_recognizer.vocabulary.index(fill), []
    monkeypatch.setattr(transcribe.Stitcher, "add", lambda _, window: spoken_for.append(window) or [])
    for slots in ([A, B, C, nothing], [nothing, A, B, C], [nothing] * 4, [A, B, C, D]):
        transcribe_samples(saying(tiny_recognizer, *slots), noise(rng, 1.5), hop_seconds=1.5)
    assert [window.until for window in spoken_for[:3]] == [1.5] * 3
    assert spoken_for[3].until == spoken_for[3].words[-1].middle < 1.5


def test_a_smaller_hop_asks_more_windows(tiny_recognizer, rng):
    asked = []

    def predict(inputs):
        asked.append(int((inputs["feature_lengths"] > 0).sum()))
        return tiny_recognizer.predict_on_batch(inputs)

    names = ("mel_bands", "vocabulary", "audio_frames", "text_context", "frames_per_step")
    counting = types.SimpleNamespace(
        predict_on_batch=predict, **{name: getattr(tiny_recognizer, name) for name in names}
    )
    transcribe_samples(counting, noise(rng, 3), hop_seconds=1.0)
    transcribe_samples(counting, noise(rng, 3), hop_seconds=0.5)
    transcribe_samples(counting, noise(rng, 0.3), passes=2)
    assert asked == [3, 6, 1, 1]


@pytest.mark.parametrize("block", [1_000, 7_777, 10**9])
def test_the_words_do_not_depend_on_the_blocks_in_which_a_recording_comes(tiny_recognizer, rng, block):
    samples = noise(rng, 45.67)
    expected = tiny_recognizer.transcribe(samples, 16_000, hop_seconds=1.2).words
    blocks = (samples[first : first + block] for first in range(0, len(samples), block))
    assert list(tiny_recognizer.stream(blocks, hop_seconds=1.2)) == expected


def test_memory_of_windows_does_not_grow_with_the_recording(tiny_recognizer):
    most = {}
    for minutes in (3, 9):
        tracemalloc.start()
        blocks = (np.full(16_000, 0.01, np.float32) for _ in range(minutes * 60))
        list(tiny_recognizer.stream(blocks, hop_seconds=WINDOW))
        most[minutes] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert most[9] < 1.3 * most[3]
