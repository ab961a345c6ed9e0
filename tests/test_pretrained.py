"""The models that come with the package: found by name, small, and of use at once."""

import functools
import re
import types

import numpy as np
import pytest

import keras_stt
from keras_stt.data.sources import open_corpus
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.errors import InputError
from keras_stt.pretrained import FOLDER, pretrained_names
from keras_stt.train.corpus import _INDEX_FLAGS, fingerprint
from keras_stt.wer import wer

MOST_BYTES = 25_000_000  # of all of them


def test_they_are_small_together():
    files = [*FOLDER.glob("*.keras"), *FOLDER.glob("*.npz")]
    assert files
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES


def test_a_wrong_name_tells_the_right_ones():
    with pytest.raises(InputError, match=r"no such model; .* or a name: .*librispeech-small"):
        keras_stt.load_model("librispeech-smal")


def test_a_model_and_a_language_model_are_told_apart():
    with pytest.raises(InputError, match="librispeech-words: word n-grams, no model; .*librispeech-small"):
        keras_stt.load_model("librispeech-words")
    with pytest.raises(InputError, match="librispeech-small: no such language model; .*librispeech-words"):
        keras_stt.load_language_model("librispeech-small")


# A model by its name, loaded once: to make its graphs takes longer than all that is asked of it here.
model_of = functools.cache(keras_stt.load_model)


@pytest.mark.parametrize("name", pretrained_names())
def test_it_loads_by_name_and_hears(name):
    model = model_of(name)
    samples = np.random.default_rng(0).normal(0, 0.01, 24_000).astype(np.float32)
    transcript = model.transcribe(samples, 16_000)
    assert transcript.duration == 1.5
    assert len(transcript.words) < 6  # noise is no speech


@pytest.mark.parametrize("name", pretrained_names())
def test_its_record_names_no_machine(name):
    record = model_of(name).training_record
    assert "--view=utterance" in record["flags"]
    assert not re.search(r"=[^\n]*/", record["flags"])
    assert 0 < record["dev_wer"] < 1
    assert record["lead"]
    assert isinstance(record["lead"], float)


def test_word_n_grams_come_along():
    words = keras_stt.load_language_model("librispeech-words")
    assert words.score("THE KING OF ENGLAND") > words.score("THE KING ENGLAND OF")
    assert keras_stt.load_language_model("librispeech-words") is words
    with pytest.raises(InputError, match="no such language model; .*librispeech-words"):
        keras_stt.load_language_model("librispeech-word")


def test_names_are_enough_to_transcribe_with_both():
    samples = np.random.default_rng(0).normal(0, 0.01, 24_000).astype(np.float32)
    model = model_of("librispeech-small")
    assert len(model.transcribe(samples, 16_000, language_model="librispeech-words", candidates=3).words) < 6
    with pytest.raises(InputError, match="lm_weight: of a search with a language model"):
        model.transcribe(samples, 16_000, lm_weight=0.5)
    assert model.fill(samples, "___", 16_000, language_model="librispeech-words").words


@pytest.mark.data
def test_it_hears_real_speech(real_data):
    """A third of the words of strangers at least, and more with votes and words that it knows."""
    model = model_of("librispeech-small")
    files = sorted((real_data / "librispeech/dev").rglob("*.flac"))[::12]
    texts = {}
    for path in (real_data / "librispeech/dev").rglob("*.trans.txt"):
        texts |= dict(line.split(" ", 1) for line in path.read_text().splitlines())
    spoken = [texts[path.stem] for path in files]
    plain = wer(spoken, [model.transcribe(path).text for path in files])
    best = {"candidates": 5, "language_model": "librispeech-words"}
    helped = wer(spoken, [model.transcribe(path, **best).text for path in files])
    assert helped < plain - 0.08
    assert plain < 0.67


def test_another_model_of_the_same_name_gives_other_word_times(tmp_path, monkeypatch):
    """What is cached of a corpus is of the file, not of the name."""
    options = types.SimpleNamespace(**dict.fromkeys(_INDEX_FLAGS, "") | {"alignment_model": "some"})
    monkeypatch.setattr("keras_stt.pretrained.FOLDER", tmp_path)
    (tmp_path / "some.keras").write_bytes(b"one")
    before = fingerprint(options)
    assert fingerprint(options) == before
    (tmp_path / "some.keras").write_bytes(b"another")
    assert fingerprint(options) != before


@pytest.mark.data
def test_it_hears_digits_of_strangers(real_data):
    """Nine digits of ten by voices it has not heard, where it is told that there are ten words."""
    model = model_of("digits-small")
    strangers = CorpusOptions(
        dataset="digits",
        data_dir=str(real_data / "fsdd"),
        dev_speakers=("none",),
        test_speakers=("jackson", "nicolas"),
    )
    records = open_corpus(strangers)["test"][::10]
    spoken = [record.text for record in records]
    search = {"language_model": "digits-words", "candidates": 3}
    plain, searched = (
        wer(spoken, [model.transcribe(record.read(), 16_000, **said).text for record in records])
        for said in ({}, search)
    )
    assert searched < plain < 0.25
    assert searched < 0.12
