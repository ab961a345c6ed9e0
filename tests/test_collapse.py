"""The collapse monitor: right figures, right words, on any Keras classifier; healthy models are left alone."""

import json

import keras
import numpy as np
import pytest

from keras_stt.diagnosis import ADVICE, advice_for, collapse_figures, find_collapse
from keras_stt.train.callbacks.collapse import CollapseMonitor

pytestmark = pytest.mark.backend

CLASSES = 5


def answers(ids, sure=0.9, classes=CLASSES):
    """Log-probabilities that favour these ids."""
    ids = np.asarray(ids)
    rest = np.full((*ids.shape, classes), (1 - sure) / (classes - 1))
    np.put_along_axis(rest, ids[..., None], sure, axis=-1)
    return np.log(rest)


def found(said, targets, shuffled=None, **options):
    """The finding on answers that stay the same (deaf) unless `shuffled` says otherwise."""
    shuffled = said if shuffled is None else shuffled
    figures = collapse_figures(answers(said), answers(shuffled), np.asarray(targets), **options)
    return find_collapse(figures, ["THE", "CAT", "SAT", "ON", "<sil>"], "the audio")


MIXED = np.tile([0, 1, 2, 3], 5)


def test_figures_by_hand():
    said, targets = np.array([0, 0, 0, 1]), np.array([0, 1, 2, 2])
    figures = collapse_figures(answers(said), answers(np.array([0, 1, 2, 2])), targets)
    assert (figures.commonest, figures.commonest_share, figures.commonest_asked) == (0, 0.75, 0.25)
    assert (figures.asked, figures.distinct, figures.distinct_asked) == (4, 2, 3)
    p, q = np.array([4, 2, 1]) / 7, np.array([2, 2, 3]) / 7
    assert figures.kl == pytest.approx(np.sum(p * np.log(p / q)))
    assert figures.loss == pytest.approx(-(np.log(0.9) + 3 * np.log(0.025)) / 4)
    assert figures.shuffle_gap == pytest.approx(-np.log(0.9) - figures.loss)
    assert figures.unigram_loss == pytest.approx(0.5 * np.log(4) + 0.5 * np.log(2))
    assert figures.unigram_gap == pytest.approx(figures.loss - figures.unigram_loss)


def test_ignored_targets_count_nowhere():
    said = np.array([[0, 1, 4], [1, 0, 4]])
    asked = collapse_figures(answers(said), answers(said), np.array([[0, 1, -1], [1, 0, -1]]))
    assert asked == collapse_figures(answers(said[:, :2]), answers(said[:, :2]), said[:, :2])


def test_targets_may_be_one_hot_or_a_column():
    said, targets = np.array([0, 0, 1]), np.array([0, 2, 1])
    plain = collapse_figures(answers(said), answers(said), targets)
    for form in (np.eye(CLASSES)[targets], targets[:, None]):
        assert collapse_figures(answers(said), answers(said), form) == plain


@pytest.mark.parametrize("targets", [np.zeros(4, int), np.full(3, CLASSES), np.zeros((3, 2), int)])
def test_targets_that_are_no_class_ids_are_refused(targets):
    with pytest.raises(ValueError, match="no class ids"):
        collapse_figures(answers(np.zeros(3, int)), answers(np.zeros(3, int)), targets)
    with pytest.raises(ValueError, match="ask for nothing"):
        collapse_figures(answers(np.zeros(3, int)), answers(np.zeros(3, int)), np.full(3, -1))


def test_one_word_always():
    said = np.where(np.arange(20) < 18, 0, MIXED)
    finding = found(said, MIXED)
    assert finding.sentence == (
        "90 % of predictions are THE (25 % are asked); the loss does not change when the audio is shuffled between "
        "samples: the model does not listen"
    )
    assert finding.kind == "one_token"
    assert finding.collapsed


def test_one_word_mostly_by_a_model_that_listens_is_no_collapse():
    finding = found(np.where(np.arange(20) < 14, 0, MIXED), MIXED, shuffled=np.zeros(20, int))
    assert "the model has begun to listen" in finding.sentence
    assert not finding.collapsed


def test_a_common_class_may_be_common_in_the_answers():
    targets = np.where(np.arange(20) < 14, 0, MIXED)
    assert found(targets, targets, shuffled=np.roll(targets, 10)) is None
    assert found(np.zeros(20, int), targets).kind == "one_token"


def test_blanks():
    finding = found(np.full(20, 4), np.where(np.arange(20) < 5, 4, MIXED), blanks=[4])
    assert finding.kind == "blanks"
    assert finding.sentence.startswith("all predictions are blanks (<sil>); the loss does not change")
    padded = np.where(np.arange(20) < 16, 4, MIXED)  # a set that is mostly padding
    assert found(padded, padded, shuffled=np.roll(padded, 7), blanks=[4]) is None


def test_the_same_word_again():
    targets = np.array([[0, 1, 2, 3], [3, 2, 1, 0]] * 4)
    said = np.array([[0, 0, 2, 2], [3, 3, 1, 1]] * 4)
    finding = found(said, targets, shuffled=said[:, ::-1])
    assert finding.kind == "repeats"
    assert "67 % of the time, where 0 % is asked" in finding.sentence
    assert not finding.collapsed
    silent = np.array([[0, 4, 4, 4], [3, 4, 4, 4]] * 4)
    assert found(silent, np.array([[0, 1, 4, 4], [3, 1, 4, 4]] * 4), shuffled=targets, blanks=[4]) is None


def test_the_advice_begins_with_how_far_a_guess_by_frequency_is():
    by_frequency = np.tile(np.log([0.26, 0.25, 0.24, 0.24, 0.01]), (20, 1))
    figures = collapse_figures(by_frequency, by_frequency, MIXED)
    assert "is that of guessing by frequency. " in advice_for(find_collapse(figures), figures)
    figures = collapse_figures(answers(0 * MIXED), answers(0 * MIXED), MIXED)
    assert "above that of guessing by frequency: it has" in advice_for(find_collapse(figures), figures)
    listening = collapse_figures(answers(MIXED, 0.6), answers(MIXED, 0.6), MIXED)
    finding = found(np.roll(MIXED, 1), MIXED)
    assert advice_for(finding, listening) == ADVICE["deaf"]


def test_many_words_without_listening():
    finding = found(np.roll(MIXED, 1), MIXED)
    assert finding.kind == "deaf"
    assert not finding.collapsed
    assert "the loss even falls when the audio" in found(np.roll(MIXED, 1), MIXED, shuffled=MIXED).sentence
    assert found(MIXED, MIXED) is None  # the answer is known from elsewhere: nothing to listen to


def test_one_class_alone_and_answers_that_are_no_numbers():
    assert found(np.zeros(8, int), np.zeros(8, int)) is None
    broken = np.full((8, CLASSES), np.nan)
    assert find_collapse(collapse_figures(broken, broken, MIXED[:8])).kind == "not_finite"


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
        self.said, self.shuffled = answers(said), answers(shuffled)

    def predict_on_batch(self, inputs):
        return self.shuffled if inputs[0, 0] else self.said


def test_of_a_model_that_listens_nothing_is_said_before_it_lasts():
    lines = []
    x = np.repeat([[0], [1]], 10, axis=0)  # shuffled, it begins with one
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


def test_only_the_named_input_is_shuffled():
    labels = np.arange(40) % CLASSES
    x = {"heard": 3 * np.eye(CLASSES, dtype="float32")[labels], "seen": np.zeros((40, CLASSES), "float32")}
    x["heard"][20:] = x["heard"][20:][:, ::-1]  # so that the sample half the set away is another's
    y = {"classes": x["heard"].argmax(axis=1)}
    options = {"output": "classes", "from_logits": False, "report": lambda line: None}
    gap = {
        name: after_an_epoch(two_inputs(), CollapseMonitor(x, y, shuffle=[name], **options))["collapse/shuffle_gap"]
        for name in x
    }
    assert gap["heard"] > 1
    assert gap["seen"] == pytest.approx(0, abs=1e-6)


class Batches:
    """Ten batches of four samples; inputs and targets differ in length from batch to batch."""

    def __len__(self):
        return 10

    def __getitem__(self, step):
        steps = 2 + step % 3
        return np.full((4, steps, 3), step, "float32"), np.full((4, steps), step % CLASSES)


def test_batches_are_looked_at_evenly_and_padded():
    monitor = CollapseMonitor(Batches(), samples=12)
    assert monitor.inputs.shape == (12, 3, 3)
    assert monitor.inputs[:, 0, 0].tolist() == [0] * 4 + [4] * 4 + [9] * 4
    assert not monitor.inputs[0, 2:].any()
    assert monitor.targets[0].tolist() == [0, 0, -1]


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
