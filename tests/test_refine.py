"""Refinement: visible words stay, the surest masked ones go first, and nothing is left masked."""

import numpy as np
import pytest

from keras_stt.decoding.refine import refine, softmax
from keras_stt.text import Vocabulary

VOCABULARY = Vocabulary(["A", "B", "C"])
PAD, MASK, UNK, SIL, A, B, C = range(7)


class FakeModel:
    """Says `tokens` with the sureness of each slot, whatever it is shown; keeps what it was shown."""

    def __init__(self, tokens, sureness):
        self.logits = np.zeros((*np.shape(tokens), len(VOCABULARY)), np.float32)
        np.put_along_axis(self.logits, np.array(tokens)[..., None], np.array(sureness, np.float32)[..., None], axis=-1)
        self.shown = []

    def __call__(self, inputs):
        self.shown.append(inputs["token_ids"].tolist())
        batch, slots, _ = self.logits.shape
        return {"tokens": self.logits.copy(), "attention": np.full((batch, slots, 3), 1 / 3, np.float32)}


def given(*rows):
    return {"token_ids": np.array(rows, np.int32), "features": np.zeros((len(rows), 5, 2))}


def test_one_pass_says_every_masked_word_and_keeps_the_visible():
    model = FakeModel([[A, B, C, A]], [[5, 5, 5, 5]])
    inputs = given([C, MASK, MASK, B])
    decoded = refine(model, inputs, VOCABULARY)
    assert decoded.token_ids.tolist() == [[C, B, C, B]]
    assert decoded.token_ids.dtype == np.int32
    assert decoded.confidences[0, [0, 3]].tolist() == [1, 1]
    assert (decoded.confidences[0, [1, 2]] < 1).all()
    assert decoded.attention.shape == (1, 4, 3)
    assert inputs["token_ids"].tolist() == [[C, MASK, MASK, B]]
    assert len(model.shown) == 1


def test_the_surest_stay_first():
    model = FakeModel([[A, B, C, A]], [[2, 8, 1, 5]])
    decoded = refine(model, given([MASK] * 4), VOCABULARY, passes=4)
    assert model.shown == [[[MASK] * 4], [[MASK, B, MASK, MASK]], [[MASK, B, MASK, A]], [[A, B, MASK, A]]]
    assert decoded.token_ids.tolist() == [[A, B, C, A]]
    assert np.argsort(decoded.confidences[0]).tolist() == [2, 0, 3, 1]


def test_two_passes_say_half_and_half_beside_what_was_visible():
    model = FakeModel([[A, B, C, A], [A, B, C, A]], [[2, 8, 1, 5]] * 2)
    refine(model, given([B, MASK, MASK, MASK], [C, C, C, MASK]), VOCABULARY, passes=2)
    assert model.shown[1] == [[B, B, MASK, A], [C, C, C, A]]


def test_rows_have_their_own_number_of_masks():
    model = FakeModel([[A] * 4] * 3, [[4, 3, 2, 1]] * 3)
    inputs = given([MASK] * 4, [B] * 4, [B, MASK, B, MASK])
    decoded = refine(model, inputs, VOCABULARY, passes=3)
    assert decoded.token_ids.tolist() == [[A] * 4, [B] * 4, [B, A, B, A]]
    assert (decoded.confidences[1] == 1).all()


@pytest.mark.parametrize("passes", [1, 2, 3, 7])
def test_nothing_is_left_masked_and_neither_mask_nor_unknown_is_said(passes):
    """A model that is surest of those two, and sees what it said before."""
    rng = np.random.default_rng(passes)

    def predict(inputs):
        assert inputs["features"].shape == (6, 5, 2)
        logits = rng.standard_normal((6, 8, len(VOCABULARY))).astype(np.float32)
        logits[..., [MASK, UNK]] += 20
        return {"tokens": logits, "attention": np.ones((6, 8, 1), np.float32)}

    rows = rng.choice([MASK, A, B], (6, 8))
    decoded = refine(predict, given(*rows), VOCABULARY, passes)
    assert set(np.unique(decoded.token_ids)) <= {PAD, SIL, A, B, C}
    np.testing.assert_array_equal(decoded.token_ids[rows != MASK], rows[rows != MASK])
    assert ((decoded.confidences > 0) & (decoded.confidences <= 1)).all()


def test_both_tokens_for_nothing_here_may_be_said():
    decoded = refine(FakeModel([[SIL, A, PAD]], [[5, 5, 5]]), given([MASK] * 3), VOCABULARY, passes=2)
    assert decoded.token_ids.tolist() == [[SIL, A, PAD]]


@pytest.mark.parametrize("passes", [1, 2])
def test_visible_words_that_are_asked_for_are_those_the_model_says(passes):
    """An autoencoder is judged by what it says; what it reads stays what it was given."""
    model = FakeModel([[A, B, C, UNK]], [[5, 5, 5, 5]])
    inputs = given([A, C, C, B])
    decoded = refine(model, inputs, VOCABULARY, passes, asked=np.array([[True, True, False, True]]))
    assert decoded.token_ids[0, :3].tolist() == [A, B, C]
    assert decoded.token_ids[0, 3] not in (UNK, B)
    assert (decoded.confidences[0, [0, 1, 3]] < 1).all()
    assert decoded.confidences[0, 2] == 1
    assert model.shown == [inputs["token_ids"].tolist()] * passes


def test_masked_words_beside_visible_ones_that_are_asked_for():
    """The masked ones are refined as ever; of the visible one, what the last pass says counts."""
    model = FakeModel([[A, B, C, A]], [[9, 8, 1, 5]])
    inputs = given([B, MASK, MASK, MASK])
    plain = refine(model, inputs, VOCABULARY, passes=3)
    asked = refine(model, inputs, VOCABULARY, passes=3, asked=np.ones((1, 4), bool))
    assert model.shown[:3] == model.shown[3:]
    assert plain.token_ids.tolist() == [[B, B, C, A]]
    assert asked.token_ids.tolist() == [[A, B, C, A]]


def test_the_first_logits_are_the_models_own():
    """With all tokens in them, and of the pass that knew least."""

    def predict(inputs):
        masked = (inputs["token_ids"] == MASK).sum()
        outputs.append(np.full((1, 2, len(VOCABULARY)), float(masked), np.float32))
        return {"tokens": outputs[-1], "attention": np.ones((1, 2, 1), np.float32)}

    outputs = []
    decoded = refine(predict, given([MASK, MASK]), VOCABULARY, passes=2)
    np.testing.assert_array_equal(decoded.first_logits, np.full((1, 2, len(VOCABULARY)), 2.0))
    assert all(np.isfinite(given).all() for given in outputs)


def test_confidences_are_probabilities_among_what_can_be_said():
    decoded = refine(FakeModel([[A]], [[np.log(3.0)]]), given([MASK]), VOCABULARY)
    assert decoded.confidences[0, 0] == pytest.approx(3 / (3 + 4))  # <pad>, <sil>, B and C have one each


def test_later_passes_see_the_words_of_earlier_ones():
    """A model that can tell the second word only when it sees the first."""

    def predict(inputs):
        seen = inputs["token_ids"][0, 0] == A
        logits = np.zeros((1, 2, len(VOCABULARY)), np.float32)
        logits[0, 0, A], logits[0, 1, B if seen else C] = 9, 4
        return {"tokens": logits, "attention": np.ones((1, 2, 1), np.float32)}

    assert refine(predict, given([MASK, MASK]), VOCABULARY, passes=1).token_ids.tolist() == [[A, C]]
    assert refine(predict, given([MASK, MASK]), VOCABULARY, passes=2).token_ids.tolist() == [[A, B]]


def test_softmax_of_large_and_impossible_logits():
    np.testing.assert_allclose(softmax(np.array([1e4, 1e4, -np.inf])), [0.5, 0.5, 0.0])
