"""A budget of CPU-seconds becomes a number of steps, and that number gives the run again."""

import time

import keras
import numpy as np
import pytest

from keras_stt.train.budget import steps_within
from keras_stt.train.callbacks.progress import cpu_seconds
from keras_stt.train.outputs import with_steps_per_epoch

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the pipeline is tf.data")


class Batches:
    """Batches that take some time to make, so that a step's cost is known."""

    seconds = 0.004

    def __len__(self):
        return 1000

    def __getitem__(self, step):
        _work(self.seconds)
        inputs = np.zeros((2, 3), np.float32)
        return {"x": inputs}, {"y": inputs[:, :1]}


class Slow(keras.callbacks.Callback):
    """What is measured after each epoch."""

    seconds = 0.1

    def on_epoch_end(self, epoch, logs=None):
        _work(self.seconds)


def _work(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def steps(budget, epochs=2):
    x = keras.Input((3,), name="x")
    model = keras.Model({"x": x}, {"y": keras.layers.Dense(1, name="y")(x)})
    model.compile("sgd", loss={"y": "mse"})
    started = cpu_seconds()
    found = steps_within(budget, model, Batches(), [Slow()], epochs)
    return found, cpu_seconds() - started


def test_more_seconds_are_more_steps_at_about_their_cost():
    small, spent = steps(10.0)
    large, _ = steps(20.0)
    assert spent < 8, "the probe costs seconds, not minutes"
    # Ten seconds more, two epochs, at least 4 ms a step and not ten times that.
    assert 10.0 / 2 / 0.04 < large - small < 10.0 / 2 / 0.004


def test_one_step_is_left_where_the_budget_is_too_small():
    assert steps(0.01)[0] == 1


def test_the_flagfile_has_the_steps_in_place_of_the_budget():
    flags = "--batch_size=8\n--budget_cpu_s=30.0\n--epochs=2\n--steps_per_epoch=0\n"
    assert with_steps_per_epoch(flags, 17) == "--batch_size=8\n--epochs=2\n--steps_per_epoch=17\n"
