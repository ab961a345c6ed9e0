"""Greedy CTC decoding: the tokens Keras decodes, whatever the padding, and word times that make sense."""

import dataclasses

import numpy as np
import pytest

from keras_stt.decoding.ctc import greedy
from keras_stt.decoding.ctc_alignment import LETTER_SECONDS, PAUSE_SECONDS
from keras_stt.decoding.ctc_alignment import word_times as words
from keras_stt.decoding.spoken_tokens import SpokenTokens
from keras_stt.tokens import Tokens, learn_tokens

STEP = 0.04  # seconds


def said(path, size, sure=6.0):
    """Logits `(1, T, size)` whose likeliest tokens are `path`."""
    logits = np.zeros((1, len(path), size), np.float32)
    logits[0, np.arange(len(path)), path] = sure
    return logits


def heard(path, size):
    return greedy(said(path, size), np.array([len(path)]))[0]


def characters(text):
    tokens = learn_tokens("characters", None, [text])
    return tokens, {piece: index for index, piece in enumerate(tokens.pieces, start=1)} | {"-": 0}


def spell(path, text):
    """The draft and the tokens of a path written out, `-` for blanks: `T-H-E--▁`."""
    tokens, ids = characters(text)
    return heard([ids[letter] for letter in path], tokens.size), tokens


def random_batch(seed=0, batch=5, steps=40, size=7):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (batch, steps, size)).astype(np.float32)
    logits[..., 0] += 1.5
    return logits, np.array([steps, 1, 17, 0, 33])[:batch].astype(np.int32)


@pytest.mark.backend
def test_equal_to_keras():
    from keras import ops

    logits, lengths = random_batch()
    decoded = ops.convert_to_numpy(ops.ctc_decode(logits, lengths, strategy="greedy", mask_index=0)[0])[0]
    drafts = greedy(logits, lengths)
    assert [list(draft.token_ids) for draft in drafts] == [list(row[row > 0]) for row in decoded]
    assert sum(len(draft.token_ids) for draft in drafts) > 20


@pytest.mark.parametrize("fill", [0.0, 1e4, np.nan])
def test_padding_changes_nothing(fill):
    logits, lengths = random_batch()
    for row, length in enumerate(lengths):
        logits[row, length:] = fill
    together = greedy(logits, lengths)
    for row, length in enumerate(lengths):
        alone = greedy(logits[row : row + 1, :length], lengths[row : row + 1])[0]
        for name in ("token_ids", "starts", "ends", "confidences"):
            np.testing.assert_array_equal(getattr(together[row], name), getattr(alone, name))
        assert (together[row].score, together[row].steps) == (alone.score, length)


def test_score_and_confidences_are_those_of_a_softmax():
    logits, lengths = random_batch()
    for row, draft in enumerate(greedy(logits, lengths)):
        exponentials = np.exp(logits[row, : lengths[row]].astype(np.float64))
        probabilities = exponentials / exponentials.sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(draft.score, np.log(probabilities.max(axis=-1)).sum(), rtol=1e-5)
        for token, start, end, confidence in zip(
            draft.token_ids, draft.starts, draft.ends, draft.confidences, strict=True
        ):
            np.testing.assert_allclose(confidence, probabilities[start:end, token].max(), rtol=1e-5)
            assert (probabilities[start:end].argmax(axis=-1) == token).all()


def test_repeats_merge_and_a_blank_keeps_them_apart():
    draft = heard([0, 2, 2, 0, 2, 0, 0, 3, 1, 1], 4)
    assert list(draft.token_ids) == [2, 2, 3, 1]
    assert list(draft.starts) == [1, 4, 7, 8]
    assert list(draft.ends) == [3, 5, 8, 10]
    assert draft.token_ids.dtype == draft.starts.dtype == draft.ends.dtype == np.int32


@pytest.mark.parametrize("path", [[], [0], [0, 0, 0]])
def test_nothing_heard(path):
    draft = heard(path, 5)
    for value in (draft.token_ids, draft.starts, draft.ends, draft.confidences):
        assert value.shape == (0,)
    assert draft.score <= 0
    assert words(draft, characters("ABCD")[0], STEP) == []


def test_sure_blanks_of_padded_steps_cost_nothing():
    logits = said([1, 0, 2, 0, 0, 0], 4)
    logits[:, 3:, 0], logits[:, 3:, 1:] = 0.0, -1e4
    whole, cut = (greedy(logits, np.array([length]))[0] for length in (6, 3))
    assert list(whole.token_ids) == list(cut.token_ids) == [1, 2]
    assert whole.score == pytest.approx(cut.score)


def test_no_utterances():
    assert greedy(np.zeros((0, 4, 3), np.float32), np.zeros(0, np.int32)) == []


def test_half_precision_logits_are_taken():
    assert list(greedy(said([1, 0, 2], 4).astype(np.float16), [3])[0].token_ids) == [1, 2]


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="give"):
        greedy(np.zeros((4, 3), np.float32), np.array([4]))
    with pytest.raises(ValueError, match="give"):
        greedy(np.zeros((2, 4, 3), np.float32), np.array([4]))
    for length in (5, -1):
        with pytest.raises(ValueError, match="steps in logits of 4"):
            greedy(np.zeros((1, 4, 3), np.float32), np.array([length]))


def test_words_of_characters():
    draft, tokens = spell("--T--H-E---▁---C-A-TT--------", "THE CAT")
    the, cat = words(draft, tokens, STEP)
    assert (the.text, cat.text) == ("THE", "CAT")
    assert the.start == pytest.approx(2 * STEP)
    assert the.end == pytest.approx(7 * STEP + PAUSE_SECONDS + LETTER_SECONDS)
    assert cat.start == pytest.approx(15 * STEP)  # of its letter, not of the separator
    assert cat.end == pytest.approx(19 * STEP + PAUSE_SECONDS + LETTER_SECONDS)
    assert tokens.decode(draft.token_ids) == "THE CAT"


def test_words_end_before_the_next_begins_and_within_the_utterance():
    draft, tokens = spell("A▁CA", "A CA")
    first, second = words(draft, tokens, 0.02)
    assert (first.start, first.end) == pytest.approx((0, 0.04))
    assert (second.start, second.end) == pytest.approx((0.04, 0.08))


def test_separators_without_a_word_between_them_make_none():
    draft, tokens = spell("▁-▁A-▁-▁C▁", "A C")
    assert [word.text for word in words(draft, tokens, STEP)] == ["A", "C"]
    assert tokens.decode(draft.token_ids) == "A C"


def test_a_word_is_as_sure_as_its_least_sure_token():
    tokens, ids = characters("CAT")
    logits = said([ids[letter] for letter in "C-A-T"], tokens.size, sure=9.0)
    logits[0, 2] /= 3
    draft = greedy(logits, np.array([5]))[0]
    (word,) = words(draft, tokens, STEP)
    assert word.confidence == pytest.approx(draft.confidences[1])
    assert 0.5 < word.confidence < draft.confidences[0] <= 1


class _Pieces(Tokens):
    """Subwords that nobody had to learn."""

    def __init__(self):
        super().__init__("bpe", ["▁THE", "▁", "QUI", "CK", "▁FOX", "ES"])


def test_words_of_subwords():
    tokens = _Pieces()
    draft = heard([0, 1, 0, 0, 0, 2, 3, 0, 4, 4, 0, 0, 0, 0, 5, 0, 6, 0, 0], tokens.size)
    the, quick, foxes = words(draft, tokens, 0.08)
    assert [the.text, quick.text, foxes.text] == ["THE", "QUICK", "FOXES"]
    assert the.start == pytest.approx(0.08)
    assert the.end == pytest.approx(0.08 + PAUSE_SECONDS + 3 * LETTER_SECONDS)
    assert quick.start == pytest.approx(6 * 0.08)  # where it is spoken of, not at the "▁" alone
    assert quick.end == pytest.approx(8 * 0.08 + PAUSE_SECONDS + 2 * LETTER_SECONDS)
    assert foxes.end == pytest.approx(16 * 0.08 + PAUSE_SECONDS + 2 * LETTER_SECONDS)


def test_words_of_a_draft_that_begins_within_a_word():
    tokens = _Pieces()
    assert [word.text for word in words(heard([4, 0, 6, 1], tokens.size), tokens, STEP)] == ["CKES", "THE"]


def test_words_skip_masks_and_blanks_and_need_no_exact_spans():
    tokens = _Pieces()
    draft = dataclasses.replace(
        heard([1, 5, 6, 3], tokens.size),
        token_ids=np.array([1, tokens.mask_id, 0, 5]),
        starts=np.array([3, 3, 3, 3]),
        ends=np.array([3, 3, 3, 3]),
    )
    the, fox = words(draft, tokens, STEP)
    assert (the.text, fox.text) == ("THE", "FOX")
    assert 0 <= the.start <= the.end <= fox.start <= fox.end <= 4 * STEP


@pytest.mark.parametrize("seed", range(5))
def test_word_times_are_in_order_whatever_is_heard(seed):
    logits, lengths = random_batch(seed)
    tokens = _Pieces()
    for draft in greedy(logits, lengths):
        heard_words = words(draft, tokens, 0.08)
        times = [time for word in heard_words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert all(word.start < word.end and 0 <= word.confidence <= 1 for word in heard_words)
        assert not times or times[-1] <= draft.steps * 0.08 + 1e-9
        assert " ".join(word.text for word in heard_words) == tokens.decode(draft.token_ids)


def test_drafts_can_be_made_by_hand():
    draft = SpokenTokens(np.array([1]), np.array([2]), np.array([3]), np.array([0.5]), -1.0, 10)
    assert words(draft, _Pieces(), STEP)[0].confidence == 0.5
