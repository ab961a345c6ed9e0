"""Features on disk: computed once, close to what is computed afresh, and honest about what could not be read."""

import dataclasses
import json

import numpy as np
import pytest
import soundfile
from conftest import write_tone_records

from keras_stt.audio import audio_duration
from keras_stt.data import feature_store
from keras_stt.data.feature_store import ComputedFeatures, open_features
from keras_stt.data.index import build_index
from keras_stt.data.locations import FileAudio
from keras_stt.features import log_mel


@pytest.fixture
def decoded(monkeypatch):
    """Counts the utterances that are transformed."""
    calls = []
    monkeypatch.setattr(feature_store, "log_mel", lambda *arguments: calls.append(1) or log_mel(*arguments))
    return calls


def test_stored_frames_are_those_of_the_audio(tone_corpus):
    for row, record in enumerate(tone_corpus.index):
        stored, fresh = tone_corpus.features[row], log_mel(record.read())
        assert stored.dtype == np.float16
        assert stored.shape == fresh.shape == (round(record.duration * 16_000) // 160, 80)
        np.testing.assert_allclose(stored.astype(np.float32), fresh, atol=0.01)
        assert tone_corpus.features.usable[row]
    assert tone_corpus.features.skipped == {}


def test_features_without_a_store_are_the_same(tone_corpus):
    computed = ComputedFeatures(tone_corpus.index)
    np.testing.assert_allclose(computed[3], tone_corpus.features[3].astype(np.float32), atol=0.01)
    assert computed.usable[3]


def test_features_are_computed_once(tone_corpus, tmp_path, decoded):
    first = open_features(tone_corpus.index, tmp_path / "features", "f")
    assert len(decoded) == 9
    second = open_features(tone_corpus.index, tmp_path / "features", "f")
    assert len(decoded) == 9
    np.testing.assert_array_equal(first[4], second[4])
    assert [path.name for path in tmp_path.iterdir()] == ["features"]


@pytest.mark.parametrize("change", [{"fingerprint": "another"}, {"mel_bands": 40}])
def test_features_of_something_else_are_computed_again(tone_corpus, tmp_path, decoded, change):
    open_features(tone_corpus.index, tmp_path / "features", "f")
    store = open_features(tone_corpus.index, tmp_path / "features", **{"fingerprint": "f", **change})
    assert len(decoded) == 18
    assert store[0].shape[1] == change.get("mel_bands", 80)


def test_damaged_features_are_computed_again(tone_corpus, tmp_path, decoded):
    open_features(tone_corpus.index, tmp_path / "features", "f")
    (tmp_path / "features" / "meta.json").write_text("{")
    open_features(tone_corpus.index, tmp_path / "features", "f")
    assert len(decoded) == 18


def test_an_interrupted_build_leaves_nothing(tone_corpus, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(feature_store, "log_mel", stop)
    with pytest.raises(KeyboardInterrupt):
        open_features(tone_corpus.index, tmp_path / "features", "f")
    assert list(tmp_path.iterdir()) == []


def test_audio_that_cannot_be_read_is_counted_and_not_used(tmp_path):
    records = write_tone_records(tmp_path, [2, 2, 2, 2])
    (tmp_path / "1.wav").write_bytes(b"This is no sound.")
    records[2] = dataclasses.replace(records[2], audio=FileAudio(str(tmp_path / "none.wav")))
    index = build_index(records, tmp_path / "index", "f")
    store = open_features(index, tmp_path / "features", "f")
    assert store.skipped == {"broken audio file": 1, "no audio file": 1}
    assert store.skipped_rows == [
        ("broken audio file", f"u1 ({tmp_path}/1.wav)"),
        ("no audio file", f"u2 ({tmp_path}/none.wav)"),
    ]
    assert store.usable.tolist() == [True, False, False, True]
    assert [len(store[row]) > 0 for row in range(4)] == [True, False, False, True]
    np.testing.assert_allclose(store[3].astype(np.float32), log_mel(records[3].read()), atol=0.01)
    assert json.loads((tmp_path / "features" / "meta.json").read_text())["skipped"] == store.skipped


def test_what_nothing_can_be_learned_from_has_no_frames(tmp_path):
    records = write_tone_records(tmp_path, [2, 2, 2])
    soundfile.write(tmp_path / "1.wav", np.full(16_000, 0.25), 16_000)
    soundfile.write(tmp_path / "2.wav", np.arange(150) / 1000, 16_000)
    store = open_features(build_index(records, tmp_path / "index", "f"), tmp_path / "features", "f")
    assert store.skipped == {"silent": 1, "shorter than 10 ms": 1}
    assert store.usable.tolist() == [True, False, False]


def test_without_a_store_audio_that_cannot_be_used_is_counted_once(tmp_path):
    records = write_tone_records(tmp_path, [2, 2, 2])
    (tmp_path / "2.wav").write_bytes(b"This is no sound.")
    (tmp_path / "1.wav").unlink()
    computed = ComputedFeatures(build_index(records, tmp_path / "index", "f"))
    assert computed.skipped == {}
    for row in (2, 0, 1, 2, 1, 2):
        assert (len(computed[row]) > 0) == (row == 0)
    assert computed.skipped == {"no audio file": 1, "broken audio file": 1}
    assert [where for _, where in computed.skipped_rows] == [records[1].where, records[2].where]


def test_a_corpus_none_of_which_can_be_read(tmp_path):
    (record,) = write_tone_records(tmp_path, [1])
    index = build_index([record], tmp_path / "index", "f")
    (tmp_path / "0.wav").unlink()
    store = open_features(index, tmp_path / "features", "f")
    assert not store.usable[0]
    assert store.skipped == {"no audio file": 1}


@pytest.mark.data
def test_features_of_real_recordings(real_data):
    path = min((real_data / "librispeech" / "dev").glob("*/*/*.flac"))
    frames = log_mel(FileAudio(str(path)).read(0.0, None))
    assert len(frames) == pytest.approx(audio_duration(path) * 100, abs=1)
    assert -14 < frames.mean() < 5
    assert np.abs(frames.astype(np.float16).astype(np.float32) - frames).max() < 0.01
