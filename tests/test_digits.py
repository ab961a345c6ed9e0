"""Digit strings from recordings of single digits, on tones in the layout of the Free Spoken Digit Dataset."""

import collections
import os

import numpy as np
import pytest
import soundfile

from keras_stt.audio import SAMPLE_RATE
from keras_stt.data.locations import FileAudio, JoinedAudio
from keras_stt.data.records import Record, require_disjoint_speakers
from keras_stt.data.sources import digits
from keras_stt.data.sources.digit_recordings import voice_extent
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.errors import FlagError, InputError

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
RATE = 8_000  # Hz
NOISE = 0.001


def _write_recordings(folder, speakers=SPEAKERS, takes=2):
    """Tones of 440 Hz and up in noise, with 0 to 60 ms of noise around them."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(3)
    for speaker in speakers:
        for digit in range(10):
            for take in range(takes):
                tone = 0.3 * np.sin(2 * np.pi * (440 + 40 * digit) * np.arange(RATE // 5 + 80 * take) / RATE)
                tone = np.pad(tone, (80 * (digit % 3) * 3, 80 * (digit % 4) * 2))
                samples = tone + NOISE * chance.standard_normal(len(tone))
                soundfile.write(folder / f"{digit}_{speaker}_{take}.wav", samples, RATE, subtype="PCM_16")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    _write_recordings(folder / "recordings")
    return folder


@pytest.fixture(scope="module")
def splits(folder):
    return digits.splits(CorpusOptions("digits", data_dir=os.fspath(folder)))


def _recordings(record):
    """The file names a string is joined from."""
    return [os.path.basename(location.path) for location, _ in record.audio.parts]


def test_sizes_speakers_and_text(splits):
    assert {split: len(records) for split, records in splits.items()} == {"train": 3000, "dev": 150, "test": 300}
    speakers = {split: {record.speaker for record in records} for split, records in splits.items()}
    assert speakers == {"train": {"george", "lucas", "yweweler"}, "dev": {"theo"}, "test": {"jackson", "nicolas"}}
    require_disjoint_speakers(speakers)
    assert len({record.id for records in splits.values() for record in records}) == 3450
    for record in splits["test"]:
        names = _recordings(record)
        assert 3 <= len(names) <= 7
        assert record.text == " ".join(digits.WORDS[int(name[0])] for name in names)
        assert {name.split("_")[1] for name in names} == {record.speaker}
        assert len(record.word_times) == len(names)


def test_recordings_are_used_evenly(splits):
    for speaker in ("jackson", "nicolas"):
        used = collections.Counter(
            name for record in splits["test"] if record.speaker == speaker for name in _recordings(record)
        )
        assert len(used) == 20
        assert max(used.values()) - min(used.values()) <= 1


def test_word_times_are_where_the_voice_is(splits):
    for record in splits["train"][:20]:
        samples = record.read()
        assert len(samples) == round(record.duration * SAMPLE_RATE)
        loud = np.convolve(samples**2, np.full(40, 1 / 40), "same") > 0.03**2  # 2.5 ms
        edges = np.flatnonzero(np.diff(loud.astype(int)))
        found = edges.reshape(-1, 2) / SAMPLE_RATE
        assert found.shape == (len(record.word_times), 2)
        np.testing.assert_allclose(found, record.word_times, atol=0.005)


def test_pauses_within_bounds(splits):
    for record in splits["train"][:300]:
        gaps = [gap for _, gap in record.audio.parts]
        assert all(0.05 <= gap <= 0.3 for gap in gaps[1:])
        assert 0.05 <= gaps[0] <= 0.25
        assert 0.05 <= record.audio.tail <= 0.25
        times = [0.0, *(time for word in record.word_times for time in word), record.end]
        assert times == sorted(times)


def test_same_seed_same_strings(folder, splits):
    again = digits.splits(CorpusOptions("digits", data_dir=os.fspath(folder / "recordings")))
    assert again == splits
    other = digits.splits(CorpusOptions("digits", data_dir=os.fspath(folder), seed=1))
    assert other["train"][0] != splits["train"][0]
    record = splits["test"][7]
    copy = Record.from_json(record.to_json())
    np.testing.assert_array_equal(copy.read(), record.read())
    np.testing.assert_array_equal(record.audio.read(0.1, 0.4), record.read()[1600:6400])


def test_held_out_speakers(folder):
    def speakers(**fields):
        found = digits.splits(CorpusOptions("digits", data_dir=os.fspath(folder), **fields))
        return {split: sorted({record.speaker for record in records}) for split, records in found.items()}

    assert speakers(test_speakers=("theo",)) == {
        "train": ["george", "jackson", "lucas", "nicolas"],
        "dev": ["yweweler"],
        "test": ["theo"],
    }
    assert speakers(dev_speakers=("jackson",))["test"] == ["nicolas"]
    with pytest.raises(FlagError, match="--test_speakers: no speaker 'jack'; there are george, jackson, lucas"):
        speakers(test_speakers=("jack",))
    with pytest.raises(FlagError, match="--dev_speakers: theo also in --test_speakers"):
        speakers(test_speakers=("theo",), dev_speakers=("theo",))
    with pytest.raises(InputError, match="too few speakers"):
        speakers(test_speakers=SPEAKERS[:5], dev_speakers=SPEAKERS[5:])


def test_other_speakers_than_the_corpus_has(tmp_path):
    _write_recordings(tmp_path, speakers=("anna", "bo", "cem"), takes=1)
    found = digits.splits(CorpusOptions("digits", data_dir=os.fspath(tmp_path)))
    assert [records[0].speaker for records in found.values()] == ["anna", "bo", "cem"]
    _write_recordings(tmp_path / "two", speakers=("anna", "bo"), takes=1)
    with pytest.raises(InputError, match="too few speakers"):
        digits.splits(CorpusOptions("digits", data_dir=os.fspath(tmp_path / "two")))


def test_no_recordings(tmp_path):
    with pytest.raises(FlagError, match="--data_dir: no DIGIT_SPEAKER_TAKE.wav in"):
        digits.splits(CorpusOptions("digits", data_dir=os.fspath(tmp_path)))
    with pytest.raises(FlagError, match="--data_dir: not given"):
        digits.splits(CorpusOptions("digits"))
    with pytest.raises(FlagError, match="--data_dir: no prepared spoken_digit in .*--download"):
        digits.splits(CorpusOptions("spoken_digit", data_dir=os.fspath(tmp_path)))
    (tmp_path / "0_anna_0.wav").write_bytes(b"no audio")
    with pytest.raises(InputError, match="0_anna_0.wav: cannot be read as audio"):
        digits.splits(CorpusOptions("digits", data_dir=os.fspath(tmp_path)))


def test_voice_extent():
    samples = np.zeros(800)
    assert voice_extent(samples, RATE) == (0.0, 0.1)
    samples[200:400] = 0.5
    assert voice_extent(samples, RATE) == (0.025, 0.05)
    assert voice_extent((samples * 32767).astype(np.int16), RATE) == (0.025, 0.05)


def test_pauses_sound_like_the_recordings_beside_them(tmp_path):
    chance = np.random.default_rng(0)
    parts = []
    for number, level in enumerate((0.01, 0.001)):
        # background below 4 kHz only, as in a recording made at 8 kHz
        background = np.fft.irfft(np.fft.rfft(level * chance.standard_normal(16000)) * (np.arange(8001) < 4000))
        background[4000:12000] += 0.3 * np.sin(np.arange(8000))
        soundfile.write(tmp_path / f"{number}.wav", background, SAMPLE_RATE, subtype="FLOAT")
        parts.append((FileAudio(os.fspath(tmp_path / f"{number}.wav")), 0.3))
    samples = JoinedAudio(tuple(parts), tail=0.3).read(0.0, None)
    assert len(samples) == 2 * 16000 + 3 * 4800

    def level(piece):
        return np.sqrt(np.mean(piece**2))

    head, between, tail = samples[:4800], samples[20800:25600], samples[-4800:]
    assert level(head) == pytest.approx(0.01 * np.sqrt(0.5), rel=0.3)
    assert level(tail) == pytest.approx(0.001 * np.sqrt(0.5), rel=0.3)
    assert level(between[:1000]) > level(between[-1000:]) * 2
    spectrum = np.abs(np.fft.rfft(head)) ** 2
    assert spectrum[1500:].sum() < 0.02 * spectrum.sum()


def test_pauses_beside_a_recording_cut_tight_are_quiet(tmp_path):
    soundfile.write(tmp_path / "tone.wav", 0.5 * np.sin(np.arange(8000)), SAMPLE_RATE)
    samples = JoinedAudio(((FileAudio(os.fspath(tmp_path / "tone.wav")), 0.3),)).read(0.0, None)
    assert np.sqrt(np.mean(samples[:4800] ** 2)) == pytest.approx(0.5 / np.sqrt(2) * 10**-1.25, rel=0.1)


def test_silent_recordings_have_silent_pauses(tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(1600), SAMPLE_RATE)
    location = FileAudio(os.fspath(tmp_path / "silence.wav"))
    assert not JoinedAudio(((location, 0.1), (location, 0.0)), tail=0.05).read(0.0, None).any()


@pytest.mark.parametrize("file_format", ["download", "tfrecord"])
def test_spoken_digit_through_tfds(tmp_path, splits, monkeypatch, file_format):
    """TFDS's own builder; its download is replaced by a folder."""
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.features import audio_feature

    _write_recordings(tmp_path / "fetched" / "free-spoken-digit-dataset-1.0.9" / "recordings")
    monkeypatch.setattr(tfds.download.DownloadManager, "download_and_extract", lambda *_: tmp_path / "fetched")
    data_dir = os.fspath(tmp_path / "tfds")
    if file_format == "tfrecord":  # as a user has prepared it, with pydub
        monkeypatch.setattr(
            audio_feature, "_pydub_load_audio", lambda file, *_: soundfile.read(file.name, dtype="int16")[0]
        )
        tfds.builder("spoken_digit", data_dir=data_dir).download_and_prepare()
    found = digits.splits(CorpusOptions("spoken_digit", data_dir=data_dir, download=file_format == "download"))
    assert {location.kind for record in found["dev"] for location, _ in record.audio.parts} == {
        {"download": "tfds", "tfrecord": "tfrecord"}[file_format]
    }
    for split, records in splits.items():
        for record, expected in list(zip(found[split], records, strict=True))[:5]:
            assert (record.id, record.text, record.end) == (expected.id, expected.text, expected.end)
            assert record.word_times == expected.word_times
            np.testing.assert_array_equal(record.read(), expected.read())
    again = digits.splits(CorpusOptions("spoken_digit", data_dir=data_dir))
    assert again == found
