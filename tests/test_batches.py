"""Batches: a pure function of the step, masked as in transcription, and the same through tf.data."""

import functools

import numpy as np
import pytest

from keras_stt.data.augment import Augmentation
from keras_stt.data.batches import RepeatedBatches, WindowBatches
from keras_stt.data.pipeline import tf_dataset
from keras_stt.data.plan import WindowPlan
from keras_stt.data.windows import PAD_SIDES, PAD_TOKENS, WindowShape, cut_window
from keras_stt.masking import IGNORED, TASKS, hide_all, hide_nothing, hide_share
from keras_stt.train.corpus import Split
from keras_stt.train.options import TrainOptions
from keras_stt.train.window.batching import evaluation_batches, overfit_batches, train_batches

SHAPE = WindowShape(text_context=4, audio_context=32, frames_per_step=6)
STRONG = Augmentation(
    tempo=0.1, vocal_tract=0.1, noise=3.0, time_masks=2, time_mask_frames=10, frequency_masks=2, frequency_mask_bands=8
)


def hide_half(token_ids, step, rng):
    return hide_share(token_ids, np.full(len(token_ids), 0.5), rng)


def hide_everything(token_ids, step, rng):
    return hide_all(token_ids)


@pytest.fixture
def make(tone_corpus):
    """Makes the batches of the tone corpus; each call a new instance."""

    def make(seed=1, hide=hide_half, batch_size=5, **options):
        index = tone_corpus.index
        plan = WindowPlan(SHAPE.count(index.word_counts), index.durations, batch_size, seed)
        return WindowBatches(index, tone_corpus.features, SHAPE, tone_corpus.vocabulary, plan, hide, **options)

    return make


def flat(batch):
    inputs, targets = batch
    return [*inputs.items(), *targets.items()]


def assert_same(one, other):
    for (name, value), (other_name, other_value) in zip(flat(one), flat(other), strict=True):
        assert name == other_name
        assert value.dtype == other_value.dtype
        np.testing.assert_array_equal(value, other_value, err_msg=name)


@pytest.mark.parametrize("augmentation", [None, STRONG])
def test_a_batch_is_a_pure_function_of_its_step(make, augmentation):
    one, other = (make(augmentation=augmentation, jitter=1.0) for _ in range(2))
    steps = [0, 3, 12, 9]
    forward = {step: one[step] for step in steps}
    for step in reversed(steps):
        assert_same(other[step], forward[step])
        assert_same(one[step], forward[step])


def test_another_seed_and_another_step_are_other_batches(make):
    first = make()[0][0]["features"]
    for other in (make(seed=2)[0], make()[1]):
        assert other[0]["features"].shape != first.shape or not np.array_equal(other[0]["features"], first)


def test_shapes_and_types_are_those_the_model_takes(make, tiny_recognizer):
    inputs, targets = make()[0]
    assert inputs["features"].dtype == np.float32
    assert inputs["features"].shape[0] == 5
    assert inputs["features"].shape[1] <= SHAPE.frames == tiny_recognizer.audio_frames
    assert inputs["features"].shape[2] == tiny_recognizer.mel_bands
    assert inputs["feature_lengths"].dtype == inputs["token_ids"].dtype == targets["tokens"].dtype == np.int32
    assert (inputs["feature_lengths"] <= inputs["features"].shape[1]).all()
    assert targets["attention"].shape == (5, 4, 2)
    outputs = tiny_recognizer(inputs)
    assert tuple(outputs["tokens"].shape[:2]) == targets["tokens"].shape


def test_targets_are_asked_where_words_are_masked_and_only_there(make, tone_corpus):
    plain = make(hide=lambda token_ids, step, rng: hide_nothing(token_ids))[0]
    inputs, targets = make()[0]
    hidden = inputs["token_ids"] == tone_corpus.vocabulary.mask_id
    assert hidden.sum(axis=1).tolist() == [2] * 5
    words = plain[0]["token_ids"]
    np.testing.assert_array_equal(plain[1]["tokens"], words)
    np.testing.assert_array_equal(inputs["token_ids"][~hidden], words[~hidden])
    np.testing.assert_array_equal(targets["tokens"], np.where(hidden, words, IGNORED))


@pytest.fixture(scope="module")
def options():
    """Options of a run with windows as small as the tiny model's; each call gives others."""
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parent.parent))
    import train_main

    defaults = {flag.name: flag.default for flag in train_main.flags.FLAGS.get_flags_for_module("train_main")}
    size = {"text_context": 4, "audio_context": 32, "model_dim": 16, "batch_size": 5, "epochs": 2}
    return lambda **chosen: TrainOptions(**{**defaults, **size, **chosen})


@pytest.fixture
def split(tone_corpus):
    return Split(tone_corpus.index, tone_corpus.features)


@pytest.mark.parametrize("side", PAD_SIDES)
@pytest.mark.parametrize("token", PAD_TOKENS)
def test_transcription_shows_the_model_what_training_showed_it(
    options, split, tone_corpus, monkeypatch, tiny_recognizer, side, token
):
    """The diary's D29: the same inputs, types and masks, however the windows' slots were filled in training."""
    from keras_stt.transcribe import windows as transcribe

    chosen = options(task="transcribe", pad_side=side, pad_token=token, window_jitter=0.0)
    trained = [train_batches(chosen, split, tone_corpus.vocabulary)[step] for step in range(9)]
    (given,) = shown_in_transcription(transcribe, tiny_recognizer, tone_corpus.index[0].read(), monkeypatch)
    for inputs, targets in trained:
        assert (targets["tokens"] != IGNORED).all()
        assert inputs.keys() == given.keys()
        for name, value in inputs.items():
            assert value.dtype == given[name].dtype
            assert value.ndim == given[name].ndim
        np.testing.assert_array_equal(inputs["token_ids"], given["token_ids"][:5])
        assert inputs["features"].shape[2] == given["features"].shape[2]
    assert max(inputs["features"].shape[1] for inputs, _ in trained) == given["features"].shape[1]
    for inputs in (*(inputs for inputs, _ in trained), given):
        for row, length in zip(inputs["features"], inputs["feature_lengths"], strict=True):
            assert not row[length:].any()
    # And the same frames: of the window that begins with the recording.
    stored = tone_corpus.features[0]
    length = given["feature_lengths"][0]
    assert length == min(len(stored), SHAPE.frames)
    np.testing.assert_allclose(given["features"][0, :length], stored[:length], atol=0.01)


def shown_in_transcription(transcribe, model, samples, monkeypatch) -> list[dict]:
    """The inputs of every batch that transcribing the samples asks the model about."""
    asked, refine = [], transcribe.refine

    def listen(predict, given, *rest):
        asked.append(given)
        return refine(predict, given, *rest)

    monkeypatch.setattr(transcribe, "refine", listen)
    list(transcribe.stream(model, [samples]))
    return asked


@pytest.mark.parametrize("task", TASKS)
def test_evaluation_masks_as_training_does(options, split, tone_corpus, task):
    """Per row as many are hidden and asked for, in windows that hold as many words."""
    chosen = options(task=task, mask_from=0.5, window_jitter=0.0)
    vocabulary = tone_corpus.vocabulary
    kinds = []
    for batches in (train_batches(chosen, split, vocabulary), evaluation_batches(chosen, split, vocabulary)):
        found = set()
        for inputs, targets in (batches[step] for step in range(len(batches))):
            hidden, asked = inputs["token_ids"] == vocabulary.mask_id, targets["tokens"] != IGNORED
            assert not (hidden & ~asked).any()
            found |= set(zip(hidden.sum(axis=1).tolist(), asked.sum(axis=1).tolist(), strict=True))
        kinds.append(found)
    expected = {
        "transcribe": {(4, 4)},
        "infill": {(2, 2)},
        "last_word": {(1, 1)},
        "autoencode": {(0, 4)},
        "identity": {(0, 4)},
    }
    assert kinds == [expected[task]] * 2


@pytest.mark.parametrize(
    ("schedule", "first", "last"), [("constant", {1}, {1}), ("linear", {1}, {4}), ("cosine", {1}, {4})]
)
def test_evaluation_hides_the_share_at_which_training_ends(options, split, tone_corpus, schedule, first, last):
    chosen = options(task="infill", mask_schedule=schedule, mask_from=0.25, mask_to=1.0)
    train, dev = (make(chosen, split, tone_corpus.vocabulary) for make in (train_batches, evaluation_batches))

    def hidden(batches, step):
        return set((batches[step][1]["tokens"] != IGNORED).sum(axis=1).tolist())

    assert hidden(train, 0) == first
    assert hidden(train, 2 * len(train)) == hidden(dev, 0) == last


def test_evaluation_of_a_drawn_share_draws_the_same_each_time(options, split, tone_corpus):
    chosen = options(task="infill", mask_schedule="uniform", mask_from=0.25)
    one, other = (evaluation_batches(chosen, split, tone_corpus.vocabulary)[0] for _ in range(2))
    assert_same(one, other)
    assert len(set((one[1]["tokens"] != IGNORED).sum(axis=1).tolist())) > 1


@pytest.mark.parametrize("most", [1, 2, 5, 8, 14, 15, 100])
def test_evaluation_of_some_windows_takes_them_from_all_over_the_split(options, split, tone_corpus, most):
    """The tone corpus has 15 windows side by side, in utterances of one to three."""
    chosen = options()
    everything = evaluation_batches(chosen, split, tone_corpus.vocabulary)
    some = evaluation_batches(chosen, split, tone_corpus.vocabulary, most)
    assert everything.window_count == 15
    assert min(most, 15) / 2 <= some.window_count <= min(most, 15)
    rows = some.plan.rows(0)[0]
    assert len(some[0][0]["token_ids"]) == some.window_count
    if most >= 3:
        assert rows[0] == 0
        assert rows[-1] == 8
    if most >= 15:
        assert_same(some[0], everything[0])


def test_overfitting_sees_the_same_batches_over_and_over(options, split, tone_corpus):
    chosen = options(task="infill", mask_schedule="linear", overfit_batches=2, tempo=0.1, noise=3.0, time_masks=2)
    batches = overfit_batches(chosen, split, tone_corpus.vocabulary)
    assert len(batches) == 2
    assert batches.window_count == 10
    for step in range(2):
        assert_same(batches[step + 2], batches[step])
        assert_same(batches[step + 40], batches[step])
    assert not np.array_equal(batches[0][1]["attention"], batches[1][1]["attention"])
    # Plain cuts: every window begins on its first word, and sounds as it was recorded.
    inputs, targets = batches[0]
    assert not targets["attention"][:, 0, 0].any()
    stored = {bytes(frames.astype(np.float32)) for row in range(9) for frames in tone_corpus.features[row]}
    for frames, length in zip(inputs["features"], inputs["feature_lengths"], strict=True):
        assert {bytes(frame) for frame in frames[:length]} <= stored


def test_no_more_batches_are_overfitted_than_there_are(options, split, tone_corpus):
    batches = overfit_batches(options(overfit_batches=1000), split, tone_corpus.vocabulary)
    assert len(batches) == 9
    assert batches.window_count == 45


def test_repeated_batches_go_through_tf_data(make):
    repeated = RepeatedBatches(make(augmentation=STRONG), 2)
    for step, element in enumerate(tf_dataset(repeated, 0, 5).as_numpy_iterator()):
        assert_same(element, repeated.batches[step % 2])


def test_without_augmentation_windows_are_plain_cuts(make, tone_corpus):
    batches = make(seed=None, hide=hide_everything, jitter=1.0)
    assert len(batches) == -(-45 // 5)
    for step in range(len(batches)):
        inputs, targets = batches[step]
        for i, (row, window) in enumerate(zip(*batches.plan.rows(step), strict=True)):
            cut = cut_window(tone_corpus.index[row], window, SHAPE, tone_corpus.vocabulary)
            first = round(cut.start * 100)
            expected = tone_corpus.features[row][first : first + SHAPE.frames].astype(np.float32)
            length = inputs["feature_lengths"][i]
            assert length == len(expected)
            np.testing.assert_array_equal(inputs["features"][i, :length], expected)
            assert not inputs["features"][i, length:].any()
            np.testing.assert_array_equal(targets["tokens"][i], cut.token_ids)
            np.testing.assert_array_equal(targets["attention"][i], cut.word_steps)


def test_word_steps_are_where_the_tones_are_heard(make):
    """Also when speech is faster or slower and the window begins a little off: sound and times move together."""
    shown = functools.partial(make, hide=hide_everything, jitter=1.0, augmentation=Augmentation(tempo=0.2))()
    inside, outside = [], []
    for step in range(60):
        inputs, targets = shown[step]
        for i, length in enumerate(inputs["feature_lengths"]):
            steps = inputs["features"][i, : length // 6 * 6].max(axis=1).reshape(-1, 6).mean(axis=1)
            spoken = np.zeros(len(steps), bool)
            for first, stop in targets["attention"][i].astype(int):
                spoken[first:stop] = True
                inside += steps[first + 1 : max(stop - 1, 0)].tolist()
            if targets["tokens"][i, -1] == 3:  # all words of the utterance's end are in the window
                last = int(targets["attention"][i].max())
                outside += steps[last + 1 :].tolist()
    assert len(inside) > 100
    assert len(outside) > 5
    assert min(inside) > max(outside)


def test_augmentation_changes_the_sound_and_not_the_words(make):
    calm = make(hide=hide_everything)[0]
    for augmentation in (Augmentation(vocal_tract=0.1), Augmentation(noise=3.0), Augmentation(time_masks=2)):
        moved = make(hide=hide_everything, augmentation=augmentation)[0]
        np.testing.assert_array_equal(moved[1]["tokens"], calm[1]["tokens"])
        np.testing.assert_array_equal(moved[0]["feature_lengths"], calm[0]["feature_lengths"])
        assert not np.array_equal(moved[0]["features"], calm[0]["features"])
        assert np.isfinite(moved[0]["features"]).all()
    nothing = make(hide=hide_everything, augmentation=Augmentation())[0]
    np.testing.assert_array_equal(nothing[0]["features"], calm[0]["features"])


def test_augmentation_leaves_the_stored_features_alone(make, tone_corpus):
    before = np.array(tone_corpus.features[2])
    batches = make(augmentation=STRONG)
    for step in range(3):
        batches[step]
    np.testing.assert_array_equal(tone_corpus.features[2], before)


@pytest.mark.parametrize("first_step", [0, 11])
def test_tf_data_gives_the_same_batches_in_order(make, first_step):
    batches = make(augmentation=STRONG, jitter=0.5)
    dataset = tf_dataset(batches, first_step, 6)
    count = 0
    for step, element in enumerate(dataset.as_numpy_iterator(), start=first_step):
        assert_same(element, batches[step])
        count += 1
    assert count == 6


def test_tf_data_keeps_the_shapes_that_are_known(make):
    inputs, targets = tf_dataset(make(), 0, 1).element_spec
    assert inputs["token_ids"].shape.rank == targets["tokens"].shape.rank == 2
    assert inputs["feature_lengths"].shape.rank == 1
    assert inputs["features"].shape.as_list() == [None, None, 80]
    assert targets["attention"].shape.as_list() == [None, None, 2]


def test_tf_data_takes_batches_of_different_lengths(make):
    """A last, smaller batch, and batches cut to their longest window."""
    batches = make(seed=None, batch_size=4)
    elements = list(tf_dataset(batches, 0, len(batches)).as_numpy_iterator())
    assert [len(inputs["token_ids"]) for inputs, _ in elements] == [4] * 11 + [1]
    for step, element in enumerate(elements):
        assert_same(element, batches[step])
