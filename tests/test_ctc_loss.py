"""The CTC loss of a batch: that of Keras over its tokens, deaf to padding, and the agreement of two views."""

import keras
import numpy as np
import pytest
from keras import ops
from test_losses import gradient

from keras_stt.layers.ctc_head import NEVER
from keras_stt.losses import TokenCTC
from keras_stt.losses.ctc import view_divergence

pytestmark = pytest.mark.backend

IDS = np.array([[1, 2, 2, 3], [4, 1, 0, 0]], np.int32)


def logits(batch=2, steps=9, size=5, seed=0):
    return np.random.default_rng(seed).standard_normal((batch, steps, size), np.float32)


def padded(values, steps):
    """Sure blanks behind."""
    blanks = np.full((len(values), steps, values.shape[-1]), NEVER, np.float32)
    blanks[..., 0] = 0
    return np.concatenate([values, blanks], axis=1)


def value(loss, ids, outputs) -> float:
    return float(ops.convert_to_numpy(loss(ids, outputs)))


def rows(loss, ids, outputs) -> np.ndarray:
    return ops.convert_to_numpy(loss.call(ids, outputs))


def test_it_is_keras_ctc_over_the_mean_number_of_tokens():
    per_row = ops.convert_to_numpy(keras.losses.CTC(reduction=None)(IDS, logits()))
    assert value(TokenCTC(), IDS, logits()) == pytest.approx(per_row.mean() / 3, rel=1e-5)
    np.testing.assert_allclose(rows(TokenCTC(), IDS, logits()), per_row / 3, rtol=1e-5)


def test_one_token_by_hand():
    """Paths of one token over two steps: the token twice, or once with a blank on either side."""
    outputs = np.log(np.array([[[0.3, 0.7], [0.6, 0.4]]], np.float32))
    assert value(TokenCTC(), np.array([[1]]), outputs) == pytest.approx(-np.log(0.7 * 0.4 + 0.3 * 0.4 + 0.7 * 0.6))


def test_padding_of_texts_and_of_audio_changes_nothing():
    expected = rows(TokenCTC(), IDS, logits())
    wide = np.pad(IDS, [[0, 0], [0, 3]])
    np.testing.assert_allclose(rows(TokenCTC(), wide, logits()), expected, rtol=1e-5)
    np.testing.assert_allclose(rows(TokenCTC(), wide, padded(logits(), 6)), expected, rtol=1e-4)


def test_a_batch_without_a_token_is_finite():
    assert np.isfinite(value(TokenCTC(), np.zeros((2, 3), np.int32), logits()))


def test_a_perfect_answer_costs_nothing_and_a_wrong_one_much():
    path = np.array([[1, 0, 2, 0, 2, 3], [4, 4, 0, 1, 0, 0]])
    sure = 20 * np.eye(5, dtype=np.float32)[path]
    assert value(TokenCTC(), IDS, sure) < 1e-3
    assert 10 < value(TokenCTC(), IDS[::-1], sure) < 1e4


def test_equal_views_agree_and_the_loss_is_then_that_of_one():
    views = np.repeat(logits(), 2, axis=0)
    np.testing.assert_allclose(ops.convert_to_numpy(view_divergence(views)), 0, atol=1e-5)
    ids = np.repeat(IDS, 2, axis=0)
    assert value(TokenCTC(0.2), ids, views) == pytest.approx(value(TokenCTC(), IDS, logits()), rel=1e-5)


def test_the_divergence_is_that_of_kullback_and_leibler_both_ways_round():
    views = logits(batch=4)
    p = np.exp(views - np.log(np.exp(views).sum(axis=-1, keepdims=True)))
    expected = [(p[i ^ 1] * np.log(p[i ^ 1] / p[i])).sum() for i in range(4)]
    apart = ops.convert_to_numpy(view_divergence(views))
    np.testing.assert_allclose(apart, expected, rtol=1e-4)
    swapped = ops.convert_to_numpy(view_divergence(views[[1, 0, 3, 2]]))
    np.testing.assert_allclose(swapped, apart[[1, 0, 3, 2]], rtol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(view_divergence(padded(views, 3))), apart, rtol=1e-5)


def test_the_weight_of_agreement_is_that_of_its_divergence():
    ids, views = np.repeat(IDS, 2, axis=0), logits(batch=4)
    apart = ops.convert_to_numpy(view_divergence(views)).mean() / 3
    assert value(TokenCTC(0.2), ids, views) == pytest.approx(value(TokenCTC(), ids, views) + 0.2 * apart, rel=1e-5)


class OneRowsDivergence(keras.losses.Loss):
    """How far the first view is from the second."""

    def call(self, targets, outputs):
        return view_divergence(outputs)[:1]


def test_a_view_stands_still_for_the_other():
    """Of the divergence of the first view no gradient reaches the second."""
    views = logits()
    moved = gradient_of_the_first(views)
    p = np.exp(views - np.log(np.exp(views).sum(axis=-1, keepdims=True)))
    np.testing.assert_allclose(moved[1], 0, atol=1e-7)
    np.testing.assert_allclose(moved[0], p[0] - p[1], atol=1e-5)


def gradient_of_the_first(views):
    """The gradient of `OneRowsDivergence` by the logits of both views."""
    both = views.transpose(1, 0, 2)[None]  # one sample, so that `gradient` has a weight for each view

    class OfBoth(OneRowsDivergence):
        def call(self, targets, outputs):
            return super().call(targets, ops.transpose(outputs[0], (1, 0, 2)))

    return gradient(OfBoth(), np.zeros((1, 1), np.float32), both)[0].transpose(1, 0, 2)


def test_the_config_makes_the_loss_again():
    loss = TokenCTC(0.2, name="draft")
    twin = keras.losses.deserialize(keras.losses.serialize(loss))
    assert isinstance(twin, TokenCTC)
    assert twin.get_config() == loss.get_config()
