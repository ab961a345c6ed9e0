"""The objectives: what they ask, what they leave alone, and that a perfect answer is the best one."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_stt.losses import AttentionGuide, MaskedTokenCrossentropy
from keras_stt.masking import IGNORED

pytestmark = pytest.mark.backend

TARGETS = np.array([[2, IGNORED, 0, 4], [IGNORED, 1, IGNORED, IGNORED]], np.int32)


def value(loss, targets, outputs) -> float:
    return float(ops.convert_to_numpy(loss(targets, outputs)))


def logits(seed=0, shape=(2, 4, 5)):
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def sure_logits(ids, sureness=20.0):
    return (np.eye(5, dtype=np.float32)[np.maximum(ids, 0)] * sureness).astype(np.float32)


def test_cross_entropy_is_that_of_numpy_over_asked_tokens_of_each_sample():
    outputs = logits()
    logs = outputs - np.log(np.exp(outputs).sum(axis=-1, keepdims=True))
    samples = []
    for row, targets in enumerate(TARGETS):
        samples.append(np.mean([-logs[row, slot, token] for slot, token in enumerate(targets) if token != IGNORED]))
    assert value(MaskedTokenCrossentropy(), TARGETS, outputs) == pytest.approx(np.mean(samples), rel=1e-5)


def test_visible_tokens_ask_nothing():
    outputs, changed = logits(), logits()
    changed[TARGETS == IGNORED] = logits(1)[TARGETS == IGNORED]
    loss = MaskedTokenCrossentropy()
    assert value(loss, TARGETS, changed) == value(loss, TARGETS, outputs)
    assert value(loss, np.full_like(TARGETS, IGNORED), outputs) == 0


def test_a_perfect_answer_scores_least_and_every_single_mistake_more():
    loss = MaskedTokenCrossentropy()
    perfect = value(loss, TARGETS, sure_logits(TARGETS))
    assert perfect == pytest.approx(0.0, abs=1e-6)
    for row, slot in np.argwhere(TARGETS != IGNORED):
        for wrong in set(range(5)) - {TARGETS[row, slot]}:
            said = TARGETS.copy()
            said[row, slot] = wrong
            assert value(loss, TARGETS, sure_logits(said)) > perfect + 1


def test_more_visible_slots_change_nothing():
    loss = MaskedTokenCrossentropy()
    longer = np.concatenate([TARGETS, np.full((2, 3), IGNORED, np.int32)], axis=1)
    outputs = np.concatenate([logits(), logits(1, (2, 3, 5))], axis=1)
    assert value(loss, longer, outputs) == pytest.approx(value(loss, TARGETS, logits()), rel=1e-6)


def attention(*rows):
    return np.array([rows], np.float32)


SPANS = np.array([[[0, 2], [3, 5], [0, 0]]], np.float32)


def test_attention_inside_the_words_costs_nothing_however_it_spreads():
    inside = attention([1, 0, 0, 0, 0], [0, 0, 0, 0.5, 0.5], [0.2] * 5)
    assert value(AttentionGuide(), SPANS, inside) == pytest.approx(0.0, abs=1e-3)
    spread = attention([0.3, 0.7, 0, 0, 0], [0, 0, 0, 1, 0], [0.2] * 5)
    assert value(AttentionGuide(), SPANS, spread) == pytest.approx(0.0, abs=1e-3)


def test_attention_outside_costs_the_logarithm_of_what_is_inside():
    half = attention([0.25, 0.25, 0.5, 0, 0], [0, 0, 0, 0.5, 0.5], [0.2] * 5)
    assert value(AttentionGuide(), SPANS, half) == pytest.approx(np.log(2) / 2, abs=1e-3)
    nowhere = attention([0, 0, 1, 0, 0], [1, 0, 0, 0, 0], [0.2] * 5)
    assert 5 < value(AttentionGuide(), SPANS, nowhere) < 20


def test_words_of_unknown_times_ask_nothing():
    one, other = attention([1, 0, 0, 0, 0], [0, 0, 0, 1, 0], [1, 0, 0, 0, 0]), None
    other = one.copy()
    other[0, 2] = 0.2
    assert value(AttentionGuide(), SPANS, one) == value(AttentionGuide(), SPANS, other)
    assert value(AttentionGuide(), np.zeros_like(SPANS), one) == 0


@pytest.mark.parametrize("loss_class", [MaskedTokenCrossentropy, AttentionGuide])
def test_losses_are_serialisable(loss_class):
    loss = loss_class(name="some_name")
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(twin) is loss_class
    assert twin.name == "some_name"
    assert twin.get_config() == loss.get_config()


def test_numbers_stay_finite_for_sure_and_wrong_answers():
    wrong = sure_logits((TARGETS + 1) % 5, sureness=1e4)
    assert np.isfinite(value(MaskedTokenCrossentropy(), TARGETS, wrong))
    assert np.isfinite(value(AttentionGuide(), SPANS, np.zeros((1, 3, 5), np.float32)))
