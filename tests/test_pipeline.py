"""Batches on their way to `model.fit`: on every backend the steps come in their order, each once."""

import importlib.util
import json
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from keras_stt.data.pipeline import PREFETCH_STEPS, StepDataset, tf_dataset, training_data

# Trains three epochs of four steps from step 5 on, and prints which steps the model saw: the mean of the features of
# step s is s, and so is the loss. Shapes differ from step to step as those of buckets do.
PROGRAM = """
import json, sys, warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
import keras, numpy as np
from keras_stt.data.pipeline import training_data

class Steps:
    def __getitem__(self, step):
        shape = (2, 3 + step % 3, 1)
        return {"features": np.full(shape, step, np.float32)}, {"ctc": np.zeros((2, 1), np.int32)}

seen, total = [], 0.0
class Watch(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs):
        global total
        # Keras shows the mean of the epoch so far.
        total, before = logs["loss"] * (batch + 1), total if batch else 0.0
        seen.append(round(total - before, 3))

inputs = keras.Input((None, 1), name="features")
outputs = keras.layers.Dense(2, use_bias=False, kernel_initializer="ones")(inputs)
model = keras.Model({"features": inputs}, {"ctc": outputs})
model.compile(keras.optimizers.SGD(0.0), loss={"ctc": lambda y, p: keras.ops.mean(p, axis=(1, 2))})
data = training_data(Steps(), 5, 12)
model.fit(data, initial_epoch=2, epochs=5, steps_per_epoch=4, shuffle=False, verbose=0, callbacks=[Watch()])
print(json.dumps({"seen": seen, "kind": type(data).__name__, "tensorflow": "tensorflow" in sys.modules}))
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_fit_sees_every_step_once_in_its_order_over_all_epochs(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: pip install keras_stt[{backend}]")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        timeout=300,  # seconds
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["seen"] == list(range(5, 17))
    assert (result["kind"] == "StepDataset") == (not result["tensorflow"]) == (backend != "tensorflow")


class Recorded:
    """Batches that say their step, and note when they were asked for it."""

    def __init__(self, one_shape=False):
        self.asked, self.threads, self.has_one_shape = [], set(), one_shape

    def __getitem__(self, step):
        self.asked.append(step)
        self.threads.add(threading.current_thread())
        length = 6 if self.has_one_shape else 3 + step % 2
        return {"features": np.full((4, length, 2), step, np.float32)}, {"ctc": np.full((4, 3), step, np.int32)}


def steps_of(elements) -> list[int]:
    return [int(np.asarray(targets["ctc"])[0, 0]) for _, targets in elements]


@pytest.mark.backend
def test_each_backend_gets_its_kind_of_data():
    import keras

    data = training_data(Recorded(), 3, 4)
    assert isinstance(data, StepDataset) == (keras.backend.backend() != "tensorflow")
    assert steps_of(data) == [3, 4, 5, 6]


def test_a_step_dataset_reads_ahead_in_one_thread_and_not_beyond_the_end():
    batches = Recorded()
    data = StepDataset(batches, 10, 9)
    assert len(data) == data.num_batches == 9
    assert steps_of([data[0]]) == [10]
    for _ in range(1000):
        if len(batches.asked) == 1 + PREFETCH_STEPS:
            break
        time.sleep(0.01)
    time.sleep(0.05)
    assert batches.asked == list(range(10, 11 + PREFETCH_STEPS))
    assert steps_of(data[i] for i in range(1, 9)) == list(range(11, 19))
    assert batches.asked == list(range(10, 19))  # each made once
    assert len(batches.threads) == 1
    assert threading.main_thread() not in batches.threads


@pytest.mark.backend
def test_a_step_dataset_can_begin_again():
    """Keras looks at the first item to build the model, and then begins."""
    data = StepDataset(Recorded(), 10, 6)
    assert steps_of(data[i] for i in (0, 0, 1, 2, 0, 1, 2, 3, 4, 5)) == [10, 10, 11, 12, 10, 11, 12, 13, 14, 15]
    assert steps_of(data) == [10, 11, 12, 13, 14, 15]


def test_steps_out_of_order_are_refused():
    data = StepDataset(Recorded(), 0, 9)
    with pytest.raises(ValueError, match="shuffle=False"):
        data[4]
    with pytest.raises(IndexError, match="item 9 of 9"):
        data[9]


def test_an_error_in_a_batch_reaches_the_one_who_asks():
    class Broken:
        def __getitem__(self, step):
            if step == 2:
                raise OSError("the disk is gone")
            return step

    data = StepDataset(Broken(), 0, 5)
    assert [data[0], data[1]] == [0, 1]
    with pytest.raises(OSError, match="the disk is gone"):
        data[2]


def test_tf_data_knows_all_of_a_shape_that_never_changes():
    assert steps_of(tf_dataset(Recorded(one_shape=True), 2, 3).as_numpy_iterator()) == [2, 3, 4]
    inputs, targets = tf_dataset(Recorded(one_shape=True), 0, 3).element_spec
    assert inputs["features"].shape.as_list() == [4, 6, 2]
    assert targets["ctc"].shape.as_list() == [4, 3]
    assert tf_dataset(Recorded(), 0, 3).element_spec[0]["features"].shape.as_list() == [None, None, 2]
