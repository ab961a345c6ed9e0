"""The objectives: what they ask, what they leave alone, and that a perfect answer is the best one."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from keras_stt.errors import InputError
from keras_stt.losses import (
    CLASS_WEIGHTINGS,
    TOKEN_LOSSES,
    AttentionGuide,
    MaskedTokenCrossentropy,
    class_weights,
    token_loss,
)
from keras_stt.masking import IGNORED
from keras_stt.objective_check import check_objective
from keras_stt.unigram import guess_logits, guess_loss

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


def test_attention_guide_is_serialisable():
    loss = AttentionGuide(name="some_name")
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(twin) is AttentionGuide
    assert twin.get_config() == loss.get_config()
    assert np.isfinite(value(AttentionGuide(), SPANS, np.zeros((1, 3, 5), np.float32)))


SMOOTHING = (0.0, 0.1)
WEIGHTS = (None, [0.5, 3.0, 0.1, 1.0, 2.0])
LOSSES = {
    f"{kind}-{smoothing}-{'weighted' if weights else 'plain'}{'-focal' if focal else ''}": token_loss(
        kind, smoothing, weights, focal
    )
    for kind, smoothing, weights, focal in itertools.product(TOKEN_LOSSES, SMOOTHING, WEIGHTS, (False, True))
}
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())


@every_loss
def test_identity_a_perfect_answer_scores_least_and_every_single_mistake_more(loss):
    check = check_objective(loss, [TARGETS], vocabulary_size=5, tries=1000)
    assert check.sound, check.verdict
    assert check.perfect_loss < check.one_wrong_loss < check.commonest_loss
    if not loss.label_smoothing:
        assert check.perfect_loss == pytest.approx(0.0, abs=1e-6)


def gradient(loss, targets, outputs):
    """Of the loss by its logits: what one step of gradient descent at rate one moves them by."""
    model = keras.Sequential([keras.Input(outputs.shape[1:]), Shifted()])
    model.compile(keras.optimizers.SGD(1.0), loss=loss, run_eagerly=True)
    model.train_on_batch(outputs, targets)
    return -ops.convert_to_numpy(model.layers[-1].shift)[None]


class Shifted(keras.layers.Layer):
    def build(self, shape):
        self.shift = self.add_weight(shape=shape[1:], initializer="zeros")

    def call(self, outputs):
        return outputs + self.shift


@every_loss
def test_nothing_pulls_at_a_perfect_answer_and_much_at_a_wrong_one(loss):
    ids = np.array([[2, 1, 0, 4]], np.int32)
    perfect = loss.logits_of(loss.smooth(np.eye(5)[ids]))
    assert np.abs(gradient(loss, ids, perfect)).max() < 1e-6
    unsure = gradient(loss, ids, np.zeros((1, 4, 5), np.float32))
    assert np.all(np.isfinite(unsure))
    assert np.all(np.take_along_axis(unsure, ids[..., None], -1) < -1e-4)  # every target is pulled up
    assert np.all(np.isfinite(gradient(loss, ids, sure_logits((ids + 1) % 5, sureness=1e4))))


@every_loss
def test_token_losses_are_serialisable(loss):
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(twin) is type(loss)
    assert twin.get_config() == loss.get_config()
    assert value(twin, TARGETS, logits()) == value(loss, TARGETS, logits())


def softmax(outputs):
    odds = np.exp(outputs.astype(np.float64))
    return odds / odds.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("loss", "reference"),
    [
        (token_loss("mse"), keras.losses.MeanSquaredError()),
        (token_loss("crossentropy", 0.2), keras.losses.CategoricalCrossentropy(label_smoothing=0.2)),
        (token_loss("focal"), keras.losses.CategoricalFocalCrossentropy(alpha=1.0)),
    ],
    ids=["mse", "smoothed", "focal"],
)
def test_losses_are_those_of_keras_on_a_softmax(loss, reference):
    ids = np.maximum(TARGETS, 0)
    expected = value(reference, np.eye(5, dtype=np.float32)[ids], softmax(logits()).astype(np.float32))
    assert value(loss, ids, logits()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("focal", [False, True])
def test_binary_crossentropy_is_that_of_keras_on_a_sigmoid(focal):
    ids = np.maximum(TARGETS, 0)
    reference = keras.losses.BinaryFocalCrossentropy if focal else keras.losses.BinaryCrossentropy
    expected = value(reference(from_logits=True), np.eye(5, dtype=np.float32)[ids], logits())
    assert value(token_loss("binary_crossentropy", focal=focal), ids, logits()) == pytest.approx(expected, rel=1e-5)


def test_class_weights_multiply_even_where_one_token_is_asked():
    weights = [1.0, 3.0, 1.0, 1.0, 0.0]
    for kind in TOKEN_LOSSES:
        one = np.array([[1, IGNORED, IGNORED, IGNORED]], np.int32)
        plain, weighted = token_loss(kind), token_loss(kind, class_weights=weights)
        assert value(weighted, one, logits()[:1]) == pytest.approx(3 * value(plain, one, logits()[:1]), rel=1e-5)
        assert value(weighted, np.full((2, 4), 4, np.int32), logits()) == 0


def test_a_mean_squared_error_barely_pulls_at_rare_words():
    """The diary's collapse: at the frequencies of the words, cross entropy still pulls hard at a rare one, mse not."""
    unigram = 1 / np.arange(1, 101)
    guess = np.log(unigram / unigram.sum())[None, None].astype(np.float32)
    rare = np.array([[99]], np.int32)
    pull = {kind: -gradient(token_loss(kind), rare, guess)[0, 0, 99] for kind in TOKEN_LOSSES}
    assert pull["crossentropy"] > 0.9
    assert pull["focal"] > 0.9
    assert 0 < pull["mse"] < 1e-3
    assert 0 < pull["binary_crossentropy"] < 0.02


@pytest.mark.parametrize("kind", TOKEN_LOSSES)
def test_numbers_stay_finite_for_sure_and_wrong_answers(kind):
    wrong = sure_logits((TARGETS + 1) % 5, sureness=1e4)
    assert np.isfinite(value(token_loss(kind), TARGETS, wrong))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: token_loss("hinge"), "'hinge' is not one of crossentropy"),
        (lambda: token_loss("mse", 1.0), "label smoothing: 1.0"),
        (lambda: token_loss("mse", class_weights=[-1.0]), "class weights"),
        (lambda: MaskedTokenCrossentropy(focal_gamma=0.5), "focal gamma: 0.5"),
        (lambda: value(token_loss("mse", class_weights=[1.0, 2.0]), TARGETS, logits()), "2 for 5 tokens"),
        (lambda: class_weights([1, 2], "square"), "'square' is not one of none"),
        (lambda: class_weights([0.2, 0.8], "inverse_frequency"), "not frequencies"),
        (lambda: class_weights([1, 2], "none", 0, -1.0), "-1.0 of padding"),
        (lambda: class_weights([3, 0], "none", 0, 0.0), "weighs 0"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(wrong, message):
    with pytest.raises(InputError, match=message) as caught:
        wrong()
    assert "\n" not in str(caught.value)


COUNTS = np.array([0, 0, 1000, 100, 10, 1])


@pytest.mark.parametrize("method", ["inverse_frequency", "effective_number"])
@pytest.mark.parametrize("pad_weight", [0.0, 0.2, 1.0])
def test_weights_have_mean_one_over_what_is_asked(method, pad_weight):
    weights = np.array(class_weights(COUNTS, method, 3, pad_weight))
    assert np.all(np.isfinite(weights))
    assert np.sum(COUNTS * weights) / np.sum(COUNTS) == pytest.approx(1.0)
    unpadded = np.array(class_weights(COUNTS, method))
    assert weights[3] / weights[2] == pytest.approx(pad_weight * unpadded[3] / unpadded[2])
    assert unpadded[0] == unpadded[5] > unpadded[4] > unpadded[3] > unpadded[2] > 0


def test_weights_follow_their_formulas():
    inverse = np.array(class_weights(COUNTS, "inverse_frequency"))
    assert inverse[4] / inverse[2] == pytest.approx(100)
    number = np.array(class_weights(COUNTS, "effective_number"))
    assert number[5] / number[3] == pytest.approx(sum(0.999**seen for seen in range(100)))  # Cui et al., equation 2


def test_no_weighting_gives_no_weights_but_those_of_padding():
    assert class_weights(COUNTS, "none") is None
    assert class_weights(COUNTS, "focal", 3, 1.0) is None
    weights = class_weights(COUNTS, "none", 3, 0.5)
    assert weights[3] == pytest.approx(weights[2] / 2)
    assert set(CLASS_WEIGHTINGS) == {"none", "inverse_frequency", "effective_number", "focal"}


@every_loss
def test_a_slot_of_no_weight_asks_nothing(loss):
    loss = type(loss)(loss.label_smoothing, [0.0, 1.0, 1.0, 1.0, 1.0], loss.focal_gamma)
    check = check_objective(loss, [TARGETS], vocabulary_size=5, tries=1000)
    assert check.sound, check.verdict


UNIGRAM = np.array([0.05, 0.4, 0.3, 0.05, 0.2])


def test_the_guess_of_cross_entropy_is_the_mean_logarithm_over_samples():
    first, second = -np.log(UNIGRAM[[2, 0, 4]]).mean(), -np.log(UNIGRAM[1])
    batches = [TARGETS, TARGETS[1:]]  # the last one short
    assert guess_loss(token_loss("crossentropy"), batches, UNIGRAM) == pytest.approx((first + 2 * second) / 3, rel=1e-5)


@every_loss
def test_no_other_constant_answer_is_better_than_the_guess(loss):
    rng = np.random.default_rng(0)
    targets = rng.permutation(np.repeat(np.arange(5), (100 * UNIGRAM).astype(int)))[None].astype(np.int32)
    best = guess_loss(loss, [targets], UNIGRAM)
    guess = guess_logits(loss, UNIGRAM)
    others = [guess + rng.normal(0, 0.3, 5).astype(np.float32) for _ in range(12)]
    for other in others:
        least = 0.9 * best if loss.focal_gamma else best
        assert value(loss, targets, np.broadcast_to(other, (1, 100, 5))) > least


@every_loss
def test_the_guess_lies_between_a_perfect_answer_and_one_word_always(loss):
    check = check_objective(loss, [TARGETS], vocabulary_size=5, tries=1)
    assert check.perfect_loss < guess_loss(loss, [TARGETS], UNIGRAM) < check.commonest_loss
