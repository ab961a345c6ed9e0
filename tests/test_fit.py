"""Compilation of a run's model."""

import keras
import numpy as np
import pytest

from keras_stt.losses import AttentionGuide, MaskedTokenCrossentropy
from keras_stt.recognizer import Recognizer
from keras_stt.text import Vocabulary
from keras_stt.train.callbacks.progress import Stopwatch
from keras_stt.train.fit import build_training

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts traces of TensorFlow")


class CountedLoss(MaskedTokenCrossentropy):
    """Counts how often it is called from Python, which in a graph is once for each trace."""

    calls = 0

    def call(self, y_true, y_pred):
        CountedLoss.calls += 1
        return super().call(y_true, y_pred)


def test_the_training_step_is_traced_once():
    model = Recognizer(
        Vocabulary(["A", "B"]).to_list(), text_context=3, audio_context=16, model_dim=8, attention_heads=2
    )
    model.compile("adam", loss={"tokens": CountedLoss(), "attention": AttentionGuide()})
    frames = np.random.default_rng(0).standard_normal((4, 96, 80)).astype(np.float32)
    inputs = {"features": frames, "feature_lengths": np.full(4, 96, np.int32), "token_ids": np.ones((4, 3), np.int32)}
    targets = {"tokens": np.full((4, 3), 5, np.int32), "attention": np.zeros((4, 3, 2), np.float32)}
    before = [weight.copy() for weight in model.get_weights()]
    build_training(model, inputs, targets)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    built = CountedLoss.calls
    losses = model.fit(inputs, targets, batch_size=4, epochs=3, verbose=0).history["loss"]
    assert CountedLoss.calls == built + 1
    assert losses[-1] < losses[0]


def test_times_of_a_resumed_run_count_on():
    before = {"train_seconds": 50.0, "train_cpu_seconds": 100.0, "steps": 7}
    stopwatch = Stopwatch()
    stopwatch.restore(before)
    assert stopwatch.train_seconds == 50.0
    stopwatch.on_train_begin()
    stopwatch.on_epoch_begin(1)
    for step in range(3):
        stopwatch.on_train_batch_end(step)
    logs = {}
    stopwatch.on_epoch_end(1, logs)
    stopwatch.on_train_end()
    assert logs["steps"] == stopwatch.steps == 10
    for name in ("train_seconds", "train_cpu_seconds"):
        assert before[name] < logs[name] <= getattr(stopwatch, name) < before[name] + 30
    assert 0 < stopwatch.first_step_seconds < 30
