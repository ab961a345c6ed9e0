"""The identity check finds broken losses, says what is wrong with them, and passes sound ones of Keras."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_stt.losses import MaskedTokenCrossentropy
from keras_stt.masking import IGNORED
from keras_stt.objective_check import check_objective

TARGETS = np.array([[2, 2, 0, 4], [1, 2, 3, 1]], np.int32)
PADDED = np.array([[2, IGNORED, 0, 4], [IGNORED, 1, 3, IGNORED]], np.int32)


class TimeAxisCrossentropy(keras.losses.Loss):
    """The diary's D19: Keras's cross entropy, its softmax over the slots in place of the vocabulary."""

    def call(self, y_true, y_pred):
        target = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1])
        return keras.losses.categorical_crossentropy(target, y_pred, from_logits=True, axis=1)


class BlindToPadding(MaskedTokenCrossentropy):
    """Asks for token 0 wherever nothing is asked."""

    def call(self, y_true, y_pred):
        return super().call(ops.maximum(y_true, 0), y_pred)


class UpsideDown(MaskedTokenCrossentropy):
    def call(self, y_true, y_pred):
        return -super().call(y_true, y_pred)


class LogOfNothing(keras.losses.Loss):
    """Cross entropy by hand, on probabilities that underflow."""

    def call(self, y_true, y_pred):
        target = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1])
        return -ops.sum(target * ops.log(ops.softmax(5 * y_pred)), axis=-1)


@pytest.mark.parametrize("targets", [TARGETS, PADDED], ids=["full", "padded"])
def test_the_cross_entropy_over_the_wrong_axis_is_caught(targets):
    check = check_objective(TimeAxisCrossentropy(), [targets], vocabulary_size=5, tries=1000)
    assert not check.sound
    assert check.verdict.startswith("the loss is broken: ")
    if targets is TARGETS:
        assert check.perfect_loss > 0.1
        assert "a perfect answer scores badly" in check.verdict
        assert "is its axis that of the vocabulary?" in check.verdict


@pytest.mark.parametrize(
    ("loss", "targets", "fault"),
    [
        (BlindToPadding(), PADDED, "slots that ask nothing"),
        (UpsideDown(), TARGETS, "a wrong token scores no worse"),
        (UpsideDown(), TARGETS, "the commonest token everywhere scores better"),
        (LogOfNothing(), TARGETS, "no number"),
        (MaskedTokenCrossentropy(), np.full((2, 4), IGNORED, np.int32), "ask nothing"),
    ],
)
def test_faults_are_named(loss, targets, fault):
    check = check_objective(loss, [targets], vocabulary_size=5, tries=1000)
    assert any(fault in found for found in check.faults), check.faults
    assert not check.sound


@pytest.mark.parametrize("targets", [TARGETS, PADDED], ids=["full", "padded"])
def test_faults_of_a_loss_of_small_values_are_seen_too(targets):
    small = TimeAxisCrossentropy()
    small.call = lambda y_true, y_pred: 1e-6 * TimeAxisCrossentropy.call(small, y_true, y_pred)
    assert not check_objective(small, [targets], vocabulary_size=5, tries=1000).sound


@pytest.mark.backend
@pytest.mark.parametrize("targets", [TARGETS, PADDED], ids=["full", "padded"])
def test_a_sound_loss_of_keras_passes(targets):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=IGNORED)
    check = check_objective(loss, [targets[:1], targets[1:]], vocabulary_size=5, tries=1000)
    assert check.sound, check.verdict
    assert check.perfect_loss == pytest.approx(0, abs=1e-6)
    assert check.one_wrong_loss == pytest.approx(10, abs=4)  # 40 nats in three or four slots
    assert check.commonest_loss > check.one_wrong_loss
    assert "\n" not in check.verdict
    assert check.verdict.startswith("the loss is sound: a perfect answer scores 0")


def test_the_check_is_quick_with_a_large_vocabulary_and_says_the_same_twice():
    targets = np.random.default_rng(0).integers(0, 3000, (4, 8)).astype(np.int32)
    first, second = (check_objective(MaskedTokenCrossentropy(), [targets], 3000, tries=5) for _ in range(2))
    assert first == second
    assert first.sound
    assert first.one_wrong_loss > 3


def test_a_text_of_one_word_alone_is_no_fault():
    check = check_objective(MaskedTokenCrossentropy(), [np.full((1, 4), 3, np.int32)], vocabulary_size=5)
    assert check.sound, check.verdict
    assert check.commonest_loss == check.perfect_loss
