"""Tokens: text to ids and back without loss, the same after saving, and what no text had does no harm."""

import json
import sys

import numpy as np
import pytest

from keras_stt.errors import InputError
from keras_stt.text import normalize
from keras_stt.tokens import KINDS, learn_tokens, tokens_from_config

TEXTS = [
    "THE CAT SAT ON THE MAT",
    "A DOG'S LIFE IS THE CAT'S DREAM",
    "'TIS THE QUICK BROWN FOX THAT JUMPS OVER THE LAZY DOG",
    "DÉJÀ VU",
    "THE DOGS THE CATS AND THE MATS",
] * 3
SUBWORDS = ("bpe", "unigram")


def learnt(kind, size=60, texts=TEXTS):
    if kind != "characters":
        pytest.importorskip("sentencepiece", reason="pip install sentencepiece")
    return learn_tokens(kind, size, texts)


@pytest.fixture(scope="module", params=KINDS)
def tokens(request):
    return learnt(request.param)


def test_text_to_ids_and_back(tokens):
    for text in [*TEXTS, "", "A", "FOX ON A MAT", "ZYX WVU", "' S"]:
        ids = tokens.encode(text)
        assert ids.dtype == np.int32
        assert ids.ndim == 1
        assert tokens.decode(ids) == text
        assert not len(ids) or 1 <= ids.min() <= ids.max() < tokens.size


def test_ids_are_the_blank_the_pieces_and_the_mask(tokens):
    assert tokens.blank_id == 0
    assert tokens.size == tokens.mask_id == len(tokens.pieces) + 1
    assert len(tokens.word_starts) == len(tokens.letters) == len(tokens.pieces) + 2
    for index, piece in enumerate(tokens.pieces, start=1):
        assert tokens.decode([index]) == piece.replace("▁", "")
        assert tokens.word_starts[index] == ("▁" in piece)
    assert not tokens.word_starts[[tokens.blank_id, tokens.mask_id]].any()


def test_no_piece_is_a_control_token(tokens):
    assert set("".join(tokens.pieces)) - {"▁"} == set("".join(TEXTS)) - {" "}


def test_decode_skips_blanks_and_masks(tokens):
    ids = tokens.encode("THE CAT")
    apart = np.stack([ids, np.full_like(ids, tokens.blank_id), np.full_like(ids, tokens.mask_id)], axis=1).ravel()
    assert tokens.decode(apart) == "THE CAT"
    assert tokens.decode(np.full(3, tokens.mask_id)) == ""


def test_ids_outside_are_refused(tokens):
    with pytest.raises(IndexError, match="ids end at"):
        tokens.decode([1, tokens.mask_id + 1])
    with pytest.raises(IndexError, match="ids end at"):
        tokens.decode([-1])


def test_characters_never_seen_are_left_out(tokens):
    assert tokens.decode(tokens.encode("THE ÇAT ÑÑÑ DÖG 42")) == "THE AT DG"
    assert not len(tokens.encode("ÑÑ ▁ 7"))
    assert "Ñ" not in tokens.characters
    assert {"É", "'"} <= tokens.characters


def test_the_same_after_json(tokens):
    again = tokens_from_config(json.loads(json.dumps(tokens.to_config())))
    assert again == tokens
    assert hash(again) == hash(tokens)
    assert again.pieces == tokens.pieces
    for text in TEXTS:
        np.testing.assert_array_equal(again.encode(text), tokens.encode(text))


def test_learning_twice_gives_the_same(tokens):
    assert learnt(tokens.kind, texts=iter(TEXTS)) == tokens
    assert learnt(tokens.kind, texts=["SOMETHING ELSE"], size=30) != tokens


def test_characters_are_separated_by_one_token_and_not_at_the_ends():
    tokens = learn_tokens("characters", None, ["THE CAT"])
    assert tokens.pieces == ["▁", "A", "C", "E", "H", "T"]
    assert [tokens.pieces[index - 1] for index in tokens.encode("THE CAT")] == [*"THE▁CAT"]


@pytest.mark.parametrize("kind", SUBWORDS)
def test_subwords_are_fewer_than_characters(kind):
    tokens = learnt(kind)
    assert tokens.size <= 60
    assert any(len(piece) > 2 for piece in tokens.pieces)
    assert all("▁" not in piece[1:] for piece in tokens.pieces)  # none spans two words
    assert sum(map(len, map(tokens.encode, TEXTS))) < 0.8 * sum(map(len, TEXTS))


@pytest.mark.parametrize("kind", SUBWORDS)
def test_every_word_of_subwords_begins_at_a_word_start(kind):
    tokens = learnt(kind)
    for text in TEXTS:
        assert tokens.word_starts[tokens.encode(text)].sum() == len(text.split())


@pytest.mark.parametrize("kind", SUBWORDS)
def test_of_few_texts_come_fewer_subwords_than_asked(kind):
    tokens = learnt(kind, 1000, ["A", "B"])
    assert tokens.size < 10
    assert tokens.decode(tokens.encode("AB BA")) == "AB BA"


@pytest.mark.parametrize("kind", SUBWORDS)
def test_long_texts_are_learnt_from_too(kind):
    tokens = learnt(kind, 60, ["NOBODY READS " * 1000 + "ZEBRA", "A WORD"])
    assert tokens.decode(tokens.encode("ZEBRA")) == "ZEBRA"


@pytest.mark.parametrize("kind", SUBWORDS)
def test_the_least_size_is_named_and_enough(kind):
    with pytest.raises(InputError, match="give at least 6") as error:
        learnt(kind, 5, ["AB CD"])
    assert "\n" not in str(error.value)
    assert learnt(kind, 6, ["AB CD"]).size == 6


@pytest.mark.parametrize("kind", SUBWORDS)
def test_decoding_needs_no_sentencepiece_and_encoding_names_it(kind, monkeypatch):
    tokens = learnt(kind)
    ids, config = tokens.encode(TEXTS[0]), tokens.to_config()
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    again = tokens_from_config(config)
    assert again.decode(ids) == TEXTS[0]
    with pytest.raises(InputError, match="pip install sentencepiece"):
        again.encode(TEXTS[0])
    with pytest.raises(InputError, match="pip install sentencepiece"):
        learn_tokens(kind, 60, TEXTS)


def test_bad_requests_are_one_line_with_the_fix():
    for kind, size, texts, message in (
        ("words", 60, TEXTS, "characters, bpe, unigram"),
        ("bpe", None, TEXTS, "give a size"),
        ("bpe", 60, [], "give transcripts"),
        ("characters", None, ["", " "], "give transcripts"),
    ):
        with pytest.raises(InputError, match=message):
            learn_tokens(kind, size, texts)


@pytest.mark.parametrize("kind", SUBWORDS)
def test_a_damaged_config_is_refused(kind):
    config = learnt(kind).to_config()
    for part, message in (
        ({"kind": "words"}, "characters, bpe, unigram"),
        ({"model": "?"}, "no base64"),
        ({"pieces": ["A", "A"]}, "twice"),
    ):
        with pytest.raises(InputError, match=message):
            tokens_from_config(config | part)
    with pytest.raises(InputError, match="'model' is missing"):
        tokens_from_config({name: config[name] for name in ("kind", "pieces")})
    for part in ({"model": config["model"][:40]}, {"pieces": config["pieces"][::-1]}):
        with pytest.raises(InputError, match="damaged"):
            tokens_from_config(config | part).encode("THE CAT")


def test_normalised_texts_of_any_script_survive():
    texts = [normalize(text) for text in ("Ёлки-палки, друг!", "नमस्ते दुनिया", "straße 42", "ﬁn d’été")]
    for kind in KINDS:
        tokens = learnt(kind, 80, texts)
        assert [tokens.decode(tokens.encode(text)) for text in texts] == texts
