"""The samples a callback keeps: evenly from all there are, and never shuffled onto themselves."""

import numpy as np
import pytest
from keras import ops

from keras_stt.train.callbacks.samples import gather, shuffled, spread


def test_rows_are_taken_evenly_from_the_first_to_the_last():
    values = {"array": np.arange(10), "tensor": ops.arange(10, dtype="float32")}
    found = spread(values, 4)
    assert found["array"].tolist() == found["tensor"].tolist() == [0, 3, 6, 9]
    assert spread(values, 99)["array"].tolist() == list(range(10))


class Batches:
    """Ten batches of four samples; inputs and targets differ in length from batch to batch. Not an array."""

    shape = (4, 3, 3)

    def __len__(self):
        return 10

    def __getitem__(self, step):
        steps = 2 + step % 2
        return np.full((4, steps, 3), step, "float32"), np.full((4, steps), step % 5)


def test_batches_are_looked_at_evenly_and_padded():
    inputs, targets, size = gather("test", Batches(), 16, ignored=-1)
    assert inputs[:, 0, 0].tolist() == [0] * 4 + [3] * 4 + [6] * 4 + [9] * 4
    assert inputs.shape == (16, 3, 3)
    assert not inputs[0, 2:].any()
    assert targets[0].tolist() == [0, 0, -1]
    assert size == 4


class Stream:
    """Batches that can be read one after the other alone; their number is known to nobody."""

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        return ((np.full((8, 2), step, "float32"), np.full(8, step % 5)) for step in range(self.count))


@pytest.mark.parametrize("count", [1, 5, 100])
def test_a_stream_of_batches_is_read_through_and_looked_at_evenly(count):
    steps = spread(gather("test", Stream(count), 32, ignored=-1)[0], 32)[:, 0]
    assert len(steps) == min(32, 8 * count)
    assert steps[0] == 0
    assert steps[-1] >= 0.8 * (count - 1)
    assert np.diff(steps).max(initial=0) <= max(1, count / 4)


@pytest.mark.parametrize("count", [2, 3, 128])
def test_nobody_keeps_its_own_input(count):
    order = shuffled("test", np.arange(count))
    assert sorted(order) == list(range(count))
    assert not np.any(order == np.arange(count))


def test_inputs_that_belong_together_stay_together_and_the_rest_stays():
    rows = np.arange(16)
    found = shuffled("test", {"a": rows, "b": rows, "c": rows}, ["a", "b"])
    assert found["a"].tolist() == found["b"].tolist() != rows.tolist()
    assert found["c"].tolist() == rows.tolist()


def test_where_classes_take_turns_the_other_class_is_met_too():
    turns = np.arange(128) % 2
    assert 0.3 < np.mean(shuffled("test", turns) == turns) < 0.7
