"""Texts and tokens beside an index: made once, the same when they are read again, and others for other tokens."""

import dataclasses

import numpy as np
import pytest

from keras_stt.data.encoded_texts import encode_texts, open_texts
from keras_stt.data.index import Index, build_index
from keras_stt.data.mapped_file import MappedArray
from keras_stt.tokens import CharacterTokens, SubwordTokens
from keras_stt.train.utterance import tokens as tokens_module


@pytest.fixture
def index(tone_corpus, tmp_path) -> Index:
    return build_index(tone_corpus.records, tmp_path / "train", "tones")


def test_texts_are_encoded_once_and_read_again(index, monkeypatch):
    tokens = CharacterTokens.learn(record.text for record in index)
    expected, first = encode_texts(index, tokens), open_texts(index, tokens)
    monkeypatch.setattr(CharacterTokens, "encode", None)
    second = open_texts(index, tokens)
    for texts in (first, second):
        assert [texts[row].tolist() for row in range(9)] == [expected[row].tolist() for row in range(9)]
        np.testing.assert_array_equal(texts.lengths, expected.lengths)
        np.testing.assert_array_equal(texts.ctc_lengths, expected.ctc_lengths)


@pytest.mark.parametrize("change", ["tokens", "index"])
def test_texts_of_something_else_are_encoded_again(index, change):
    tokens = CharacterTokens.learn(record.text for record in index)
    open_texts(index, tokens)
    if change == "tokens":
        tokens = CharacterTokens(tokens.characters | {"!"})
    else:
        records = [dataclasses.replace(record, text="ALFA", word_times=record.word_times[:1]) for record in index]
        index = build_index(records, index.folder, "tones")  # from what looks the same
    assert [tokens.decode(open_texts(index, tokens)[row]) for row in range(9)] == [record.text for record in index]


def test_texts_of_which_a_file_is_missing_are_encoded_again(index):
    tokens = CharacterTokens.learn(record.text for record in index)
    open_texts(index, tokens)
    (missing,) = index.folder.parent.glob("*-texts-*/lengths.npy")
    missing.unlink()
    assert open_texts(index, tokens).lengths.tolist() == [len(tokens.encode(record.text)) for record in index]


def test_an_interrupted_encoding_leaves_nothing(index, monkeypatch):
    tokens = CharacterTokens("ABC")

    def stop(*_):
        raise KeyboardInterrupt

    before = set(index.folder.parent.iterdir())
    monkeypatch.setattr(CharacterTokens, "encode", stop)
    with pytest.raises(KeyboardInterrupt):
        open_texts(index, tokens)
    assert not [path for path in set(index.folder.parent.iterdir()) - before if path.is_dir()]


def test_tokens_are_learned_once(index, options_of, monkeypatch):
    options = options_of("--view=utterance", "--position=rotary", "--tokens=bpe", "--token_count=30",
                         "--phone_weight=0")  # fmt: skip
    first = tokens_module.tokens_of_run(options, index)
    assert isinstance(first, SubwordTokens)
    monkeypatch.setattr(tokens_module, "learn_tokens", None)
    assert tokens_module.tokens_of_run(options, index) == first


def test_no_letter_is_lost_where_tokens_are_learned_from_some_of_the_texts(index):
    some = list(tokens_module.texts_to_learn_from(index, most=1))
    assert some[0] == index[0].text
    assert 1 < len(some) < len(index)
    assert set("".join(some)) - {" "} == set().union(*index.vocabulary_counts())
    assert list(tokens_module.texts_to_learn_from(index)) == [record.text for record in index]


def test_damaged_tokens_are_learned_again(index, options_of):
    options = options_of("--view=utterance", "--position=rotary", "--tokens=characters", "--phone_weight=0")
    first = tokens_module.tokens_of_run(options, index)
    (kept,) = index.folder.parent.glob("tokens-*.json")
    kept.write_text("{")
    assert tokens_module.tokens_of_run(options, index) == first


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, 3), (9_000, 9_001), (4_000, 9_900), (9_990, 20_000)])
def test_pieces_of_a_mapped_file_are_its_numbers_and_cannot_be_written(tmp_path, start, stop):
    numbers = np.arange(20_000, dtype=np.float16).reshape(-1, 2)
    (tmp_path / "numbers").write_bytes(numbers.tobytes())
    piece = MappedArray(tmp_path / "numbers", np.float16, 2)[start:stop]
    np.testing.assert_array_equal(piece, numbers[start:stop])
    assert not piece.flags.writeable


def test_a_mapped_file_may_be_empty(tmp_path):
    (tmp_path / "none").write_bytes(b"")
    assert MappedArray(tmp_path / "none", np.float16)[0:0].shape == (0,)
    assert MappedArray(tmp_path / "none", np.float16, 80)[0:0].shape == (0, 80)
