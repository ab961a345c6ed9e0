"""The collapse monitor: the right words at the right time, on any Keras classifier; healthy models are left alone."""

import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_stt.diagnosis import ADVICE
from keras_stt.train.callbacks.collapse import CollapseMonitor

CLASSES = 5
MIXED = np.tile([0, 1, 2, 3], 5)


def silent(line: str) -> None:
    """Prints nothing."""


def points(says_something: bool, samples=256):
    """Points around the corners of a simplex and the corner they belong to, or points that say nothing."""
    rng = np.random.default_rng(0)
    labels = rng.choice(CLASSES, samples, p=[0.4, 0.15, 0.15, 0.15, 0.15])
    points = 0.2 * rng.normal(size=(samples, CLASSES))
    return (points + (np.eye(CLASSES)[labels] if says_something else 0)).astype("float32"), labels


def classifier():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((CLASSES,)), keras.layers.Dense(CLASSES)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss=loss, jit_compile=False)
    return model


def test_a_healthy_classifier_is_left_alone():
    lines = []
    x, y = points(True)
    monitor = CollapseMonitor(x, y, stop=True, patience=1, report=lines.append)
    history = classifier().fit(x, y, epochs=8, verbose=0, callbacks=[monitor]).history
    assert lines == []
    assert len(history["loss"]) == 8
    assert history["collapse/shuffle_gap"][-1] > 0.5
    assert history["collapse/unigram_gap"][-1] < -0.5
    assert history["collapse/distinct"][-1] == CLASSES
    assert monitor.summary()["warning"] is None
    assert not monitor.summary()["collapsed"]


@pytest.mark.backend
def test_a_classifier_whose_inputs_say_nothing_is_warned_about_and_stopped():
    lines = []
    x, y = points(False)
    monitor = CollapseMonitor(0 * x, y, names=list("abcde"), stop=True, patience=2, report=lines.append)
    history = classifier().fit(0 * x, y, epochs=12, verbose=0, callbacks=[monitor]).history
    assert len(history["loss"]) == 3  # the first does not count
    assert history["collapse/commonest_share"][-1] == 1
    assert history["collapse/distinct"][-1] == 1
    assert history["collapse/shuffle_gap"] == pytest.approx([0, 0, 0], abs=1e-6)
    assert lines[0].startswith("collapse monitor, so far, after epoch 2: 100 % of predictions are a (")
    assert lines[1].startswith("collapse monitor, for 2 epochs: 100 % of predictions are a (")
    assert "is that of guessing by frequency. " in lines[2]
    assert lines[2].endswith(ADVICE["one_token"])
    assert lines[3].startswith("stopped after 2 epochs of collapse: 100 % of predictions are a (")
    assert monitor.stopped_because in lines[3]

    summary = json.loads(json.dumps(monitor.summary()))
    assert summary["commonest"] == "a"
    assert summary["collapsed"]
    assert "does not listen. " in summary["warning"]
    assert summary["stopped_because"] == monitor.stopped_because


def test_without_stop_training_goes_on_and_the_line_is_not_said_every_epoch():
    lines = []
    x, y = points(False)
    monitor = CollapseMonitor(0 * x, y, patience=2, advice={"one_token": "Think."}, report=lines.append)
    history = classifier().fit(0 * x, y, epochs=6, verbose=0, callbacks=[monitor]).history
    assert len(history["loss"]) == 6
    assert len(lines) == 3
    assert lines[2].endswith("guessing by frequency. Think.")
    assert monitor.stopped_because is None


class Canned:
    """A model that always says the first of these, and the second when the input is shuffled."""

    stop_training = False

    def __init__(self, said, shuffled):
        self.said, self.shuffled = (8 * np.eye(CLASSES)[ids] for ids in (said, shuffled))

    def predict_on_batch(self, inputs):
        return self.shuffled if inputs[0, 0] else self.said


def test_of_a_model_that_listens_nothing_is_said_before_it_lasts():
    lines = []
    x = np.ones((20, 1))
    x[0] = 0  # shuffled, it begins with one
    mostly = np.where(np.arange(20) < 14, 0, MIXED)
    monitor = CollapseMonitor(x, MIXED, stop=True, patience=3, report=lines.append)
    monitor.set_model(Canned(mostly, 0 * MIXED))
    for epoch in range(1, 3):
        monitor.on_epoch_end(epoch, {})
        assert monitor.summary()["warning"] is None
    assert lines == []
    monitor.on_epoch_end(3, {})
    assert lines[0].startswith("collapse monitor, for 3 epochs: 75 % of predictions are class 0")
    assert "has begun to listen. " in monitor.summary()["warning"]
    for epoch in range(4, 8):
        monitor.on_epoch_end(epoch, {})
    assert len(lines) == 2  # the line and its advice
    assert not monitor.model.stop_training

    monitor.set_model(Canned(0 * MIXED, 0 * MIXED))
    monitor.on_epoch_end(8, {})
    assert lines[2].startswith("collapse monitor, so far, after epoch 9: 100 % of predictions are class 0")


def two_inputs():
    """A model of two inputs that looks at `heard` alone, and its two outputs."""
    heard, seen = keras.Input((CLASSES,), name="heard"), keras.Input((CLASSES,), name="seen")
    classes = keras.layers.Dense(CLASSES, kernel_initializer="identity", activation="softmax")(heard)
    model = keras.Model({"heard": heard, "seen": seen}, {"classes": classes, "other": keras.layers.Dense(2)(seen)})
    model.compile("sgd", loss={"classes": "sparse_categorical_crossentropy"}, jit_compile=False)
    return model


def after_an_epoch(model, monitor):
    logs = {}
    monitor.set_model(model)
    monitor.on_epoch_end(1, logs)
    return logs


@pytest.mark.backend
def test_only_the_named_input_is_shuffled():
    labels = np.arange(40) % CLASSES
    x = {"heard": 3 * np.eye(CLASSES, dtype="float32")[labels], "seen": np.zeros((40, CLASSES), "float32")}
    y = {"classes": labels}
    options = {"output": "classes", "report": silent}
    gap = {
        name: after_an_epoch(two_inputs(), CollapseMonitor(x, y, shuffle=[name], **options))["collapse/shuffle_gap"]
        for name in x
    }
    assert gap["heard"] > 1
    assert gap["seen"] == pytest.approx(0, abs=1e-6)


def test_a_tf_data_set_is_taken_and_one_without_end_refused():
    tf = pytest.importorskip("tensorflow")
    x, y = points(True)
    batches = tf.data.Dataset.from_tensor_slices(({"x": x}, y)).batch(16)
    monitor = CollapseMonitor(batches, samples=256)
    np.testing.assert_array_equal(monitor.inputs["x"], x)
    np.testing.assert_array_equal(monitor.targets, y)
    with pytest.raises(ValueError, match="no end"):
        CollapseMonitor(batches.repeat())
    with pytest.raises(ValueError, match="inputs hold .*Dataset where an array"):
        CollapseMonitor(batches, y)
    with pytest.raises(ValueError, match="where an array of samples belongs"):
        CollapseMonitor(batches.unbatch())


def test_samples_in_the_order_of_their_classes_are_looked_at_evenly():
    x, y = points(True)
    order = np.argsort(y)
    monitor = CollapseMonitor(x[order], y[order], samples=64, report=silent)
    assert np.unique(monitor.targets).tolist() == list(range(CLASSES))
    model = classifier()
    model.fit(x, y, epochs=8, verbose=0, callbacks=[monitor])
    assert monitor.summary()["warning"] is None


@pytest.mark.parametrize("form", ["softmax", "one-hot", "column"])
def test_a_softmax_and_any_form_of_targets_give_the_figures_of_the_logits(form):
    x, y = points(True)
    model = classifier()
    expected = after_an_epoch(model, CollapseMonitor(x, y, report=silent))
    targets = {"softmax": y, "one-hot": np.eye(CLASSES)[y], "column": y[:, None]}[form]
    if form == "softmax":
        model = keras.Sequential([model, keras.layers.Softmax()])
    assert after_an_epoch(model, CollapseMonitor(x, targets, report=silent)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("activation", ["sigmoid", "linear"])
@pytest.mark.parametrize("column", [False, True])
def test_one_output_is_two_classes(activation, column):
    x, y = points(True)
    two = (y > 0).astype(int)
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((CLASSES,)), keras.layers.Dense(1, activation)])
    loss = keras.losses.BinaryCrossentropy(from_logits=activation == "linear")
    model.compile(keras.optimizers.SGD(1.0), loss=loss, jit_compile=False)
    lines = []
    monitor = CollapseMonitor(x, two[:, None] if column else two, samples=256, names=["no", "yes"], report=lines.append)
    history = model.fit(x, two, epochs=4, verbose=0, callbacks=[monitor]).history
    assert lines == []
    assert history["collapse/distinct"][-1] == 2
    assert monitor.figures.loss == pytest.approx(model.evaluate(x, two, verbose=0), rel=1e-3)


def test_small_logits_of_two_classes_are_what_the_loss_takes_them_for():
    model = keras.Sequential([keras.Input((CLASSES,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.layers[0].bias.assign([0.3])
    x, y = points(False)
    monitor = CollapseMonitor(x, y > 0, report=silent)
    for loss, yes in ((keras.losses.BinaryCrossentropy(from_logits=True), True), ("binary_crossentropy", False)):
        model.compile(loss=loss)
        after_an_epoch(model, monitor)
        assert monitor.figures.commonest == yes


def test_one_epoch_is_judged_and_its_collapse_told_at_the_end():
    lines = []
    x, y = points(False)
    monitor = CollapseMonitor(0 * x, y, stop=True, patience=1, report=lines.append)
    for _ in range(2):
        classifier().fit(0 * x, y, epochs=1, verbose=0, callbacks=[monitor])
        assert len(lines) == 1
        assert lines.pop().startswith("collapse monitor, after one epoch: 100 % of predictions are class 0")
        assert monitor.summary()["collapsed"]
        assert "does not listen. " in monitor.summary()["warning"]
        assert monitor.stopped_because is None
    x, y = points(True)
    healthy = CollapseMonitor(x, y, report=lines.append)
    model = classifier()
    model.fit(x, y, epochs=8, verbose=0)
    model.fit(x, y, epochs=1, verbose=0, callbacks=[healthy])
    assert lines == []
    assert healthy.summary()["warning"] is None


def test_the_example_of_the_readme_runs():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    section = readme.split("## When it does not learn")[1].split("\n## ")[0]
    (example,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    names = {}
    exec(example, names)
    history = names["model"].history.history
    assert history["collapse/distinct"][-1] > 1
    assert len([name for name in history if name.startswith("gradient_norm/")]) > 1


def test_arguments_that_do_not_fit_the_model_are_refused():
    x, y = points(True, 8)
    with pytest.raises(ValueError, match=r"shuffle=\['audio'\], but the inputs are \['x'\]"):
        CollapseMonitor({"x": x}, y, shuffle=["audio"])
    with pytest.raises(ValueError, match="two or more"):
        CollapseMonitor(x[:1], y[:1])
    with pytest.raises(ValueError, match=r"the targets are \['a', 'b'\]"):
        CollapseMonitor(x, {"a": y, "b": y})
    with pytest.raises(ValueError, match=r"the outputs are \['classes', 'other'\]"):
        after_an_epoch(two_inputs(), CollapseMonitor({"heard": x, "seen": x}, y))
    with pytest.raises(ValueError, match="8 of inputs and 7 of targets"):
        CollapseMonitor(x, y[:7])
    for wrong in ((x.tolist(), y), (x, y.tolist()), (x, {"a": y.tolist()})):
        with pytest.raises(ValueError, match="where an array of samples belongs"):
            CollapseMonitor(*wrong)
    for fractions in (x[:, 0], x, np.full((8, 1), 0.5), np.full(8, np.nan)):
        with pytest.raises(ValueError, match="no regression"):
            CollapseMonitor(x, fractions)
    for no_batches in (x, {"x": x}, 5, (x, y), [x]):
        with pytest.raises(ValueError, match="give both, or"):
            CollapseMonitor(no_batches)
    with pytest.raises(ValueError, match="no batches"):
        CollapseMonitor(iter([]))
    with pytest.raises(ValueError, match="4 names for 5 classes"):
        after_an_epoch(classifier(), CollapseMonitor(x, y, names=list("abcd")))
    with pytest.raises(ValueError, match="0 to 7, are no class ids for outputs"):
        after_an_epoch(classifier(), CollapseMonitor(x, np.arange(8)))
