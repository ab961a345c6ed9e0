"""Batches: a pure function of the step, masked as in transcription, and the same through tf.data."""

import functools

import numpy as np
import pytest

from keras_stt.data.augment import Augmentation
from keras_stt.data.batches import WindowBatches
from keras_stt.data.pipeline import tf_dataset
from keras_stt.data.plan import WindowPlan
from keras_stt.data.windows import WindowShape, cut_window
from keras_stt.masking import IGNORED, hide_all, hide_share

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
    plain = make(hide=lambda token_ids, step, rng: np.zeros(token_ids.shape, bool))[0]
    inputs, targets = make()[0]
    hidden = inputs["token_ids"] == tone_corpus.vocabulary.mask_id
    assert hidden.sum(axis=1).tolist() == [2] * 5
    words = plain[0]["token_ids"]
    assert (plain[1]["tokens"] == IGNORED).all()
    np.testing.assert_array_equal(inputs["token_ids"][~hidden], words[~hidden])
    np.testing.assert_array_equal(targets["tokens"], np.where(hidden, words, IGNORED))


def test_the_transcribe_task_shows_what_transcription_shows(make, tone_corpus, monkeypatch, tiny_recognizer):
    from keras_stt import transcribe

    inputs, targets = make(hide=hide_everything)[0]
    assert (targets["tokens"] != IGNORED).all()
    asked, refine = [], transcribe.refine

    def listen(predict, given, *rest):
        asked.append(given)
        return refine(predict, given, *rest)

    monkeypatch.setattr(transcribe, "refine", listen)
    samples = tone_corpus.index[0].read()
    transcribe.transcribe_samples(tiny_recognizer, samples)
    (given,) = asked
    np.testing.assert_array_equal(given["token_ids"][:5], inputs["token_ids"])
    assert given["token_ids"].dtype == inputs["token_ids"].dtype
    assert given.keys() == inputs.keys()
    # And the same frames: of the window that begins with the recording.
    stored = tone_corpus.features[0]
    length = given["feature_lengths"][0]
    assert length == min(len(stored), SHAPE.frames)
    np.testing.assert_allclose(given["features"][0, :length], stored[:length], atol=0.01)


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
    for step in range(27):
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
