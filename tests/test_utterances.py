"""Batches of whole utterances: a pure function of the step, padded with zeros, their texts beside them."""

import dataclasses

import numpy as np
import pytest

from keras_stt.data.augment import Augmentation
from keras_stt.data.encoded_texts import encode_texts
from keras_stt.data.feature_store import ComputedFeatures
from keras_stt.data.utterance_plan import UtterancePlan
from keras_stt.data.utterances import UtteranceBatches, frame_counts, usable_rows
from keras_stt.speed import change_speed

STRONG = Augmentation(
    vocal_tract=0.1, noise=3.0, gain=1.0, time_masks=3, time_mask_ratio=0.1, frequency_masks=2, speed=0.1
)


class Letters:
    """Ids of characters; 1 is the space."""

    size = 28

    def __init__(self):
        self.encoded = 0

    def encode(self, text):
        self.encoded += 1
        return np.array([1 if letter == " " else ord(letter) - ord("A") + 2 for letter in text], np.int32)


@dataclasses.dataclass
class Text:
    """As much of a record as is encoded."""

    text: str


@pytest.fixture
def make(tone_corpus):
    """Makes the batches of the tone corpus; each call a new instance."""

    def make(seed=1, max_batch_seconds=6, speeds=(1.0,), buckets=3, **options):
        counts = frame_counts(tone_corpus.index, tone_corpus.features)
        plan = UtterancePlan(counts / 100, max_batch_seconds, seed, buckets, speeds=speeds)
        return UtteranceBatches(tone_corpus.index, tone_corpus.features, Letters(), plan, **options)

    return make


def assert_same(one, other):
    for some, others in zip(one, other, strict=True):
        assert some.keys() == others.keys()
        for name in some:
            assert some[name].dtype == others[name].dtype
            np.testing.assert_array_equal(some[name], others[name], err_msg=name)


def test_features_and_texts_stand_side_by_side_padded_with_zeros(make, tone_corpus):
    batches = make()
    assert len(batches) == batches.plan.steps_per_epoch > 2
    for step in range(len(batches)):
        inputs, targets = batches[step]
        assert inputs["features"].shape == (*batches.plan.shape(step), 80)
        assert inputs["features"].dtype == np.float32
        assert inputs["feature_lengths"].dtype == targets["ctc"].dtype == np.int32
        for i, row in enumerate(batches.plan.rows(step)):
            stored, length = tone_corpus.features[row], inputs["feature_lengths"][i]
            assert length == len(stored)
            np.testing.assert_array_equal(inputs["features"][i, :length], stored.astype(np.float32))
            assert not inputs["features"][i, length:].any()
            expected = Letters().encode(tone_corpus.index[int(row)].text)
            np.testing.assert_array_equal(targets["ctc"][i, : len(expected)], expected)
            assert not targets["ctc"][i, len(expected) :].any()


@pytest.mark.parametrize("views", [1, 2])
def test_a_batch_is_a_pure_function_of_its_step(make, views):
    one, other = (make(speeds=STRONG.speeds, augmentation=STRONG, views=views) for _ in range(2))
    steps = [0, 3, 12, 9]
    forward = {step: one[step] for step in steps}
    for step in reversed(steps):
        assert_same(other[step], forward[step])
        assert_same(one[step], forward[step])
    another = make(seed=2, speeds=STRONG.speeds, augmentation=STRONG)
    assert any(another[step][0]["features"].tobytes() != forward[step][0]["features"].tobytes() for step in steps)


def test_shapes_are_those_of_the_bucket_in_every_epoch(make):
    batches = make(speeds=STRONG.speeds, augmentation=STRONG)
    shapes = {}
    for step in range(6 * len(batches)):
        inputs, targets = batches[step]
        shapes.setdefault(batches.plan.bucket(step), set()).add((inputs["features"].shape, targets["ctc"].shape))
    assert len(shapes) == len(batches.plan.shapes) > 1
    assert all(len(seen) == 1 for seen in shapes.values())
    assert not batches.has_one_shape
    assert make(buckets=1).has_one_shape


def test_speeds_are_those_of_the_plan_and_nothing_is_cut(make, tone_corpus):
    batches = make(speeds=(1.0, 0.9, 1.1))
    heard = set()
    for step in range(3 * len(batches)):
        inputs, _ = batches[step]
        for i, (row, speed) in enumerate(zip(batches.plan.rows(step), batches.plan.speeds(step), strict=True)):
            expected = change_speed(tone_corpus.features[row].astype(np.float32), speed)
            assert inputs["feature_lengths"][i] == len(expected)
            np.testing.assert_array_equal(inputs["features"][i, : len(expected)], expected)
            heard.add(speed)
    assert heard == {1.0, 0.9, 1.1}


def test_two_views_differ_in_sound_and_in_nothing_else(make):
    single = make(speeds=STRONG.speeds)
    twice = make(speeds=STRONG.speeds, augmentation=STRONG, views=2)
    for step in range(len(twice)):
        inputs, targets = twice[step]
        plain, texts = single[step]
        features, lengths = inputs["features"], inputs["feature_lengths"]
        assert len(features) == 2 * len(plain["features"])
        np.testing.assert_array_equal(lengths, np.repeat(plain["feature_lengths"], 2))
        np.testing.assert_array_equal(targets["ctc"], np.repeat(texts["ctc"], 2, axis=0))
        for i in range(0, len(features), 2):
            assert (features[i] != features[i + 1]).mean() > 0.1
            for view in (i, i + 1):
                assert (features[view] != plain["features"][i // 2]).any()
    assert_same(make(views=2)[0], [{name: np.repeat(v, 2, axis=0) for name, v in half.items()} for half in make()[0]])


def test_evaluation_fills_the_last_batch_by_repeating(make):
    batches = make(seed=None, max_batch_seconds=8, buckets=2)
    repeated = 0
    for step in range(len(batches)):
        inputs, targets = batches[step]
        rows = batches.plan.rows(step)
        for i in range(len(rows), len(inputs["features"])):
            np.testing.assert_array_equal(inputs["features"][i], inputs["features"][i - len(rows)])
            np.testing.assert_array_equal(targets["ctc"][i], targets["ctc"][i - len(rows)])
            repeated += 1
    assert repeated == 1


def test_texts_are_encoded_once_or_taken_as_given(make, tone_corpus):
    batches = make()
    assert batches.tokens.encoded == 0  # not before they are asked for
    for step in range(len(batches)):
        batches[step]
    assert batches.tokens.encoded == len(tone_corpus.index)
    texts = encode_texts(tone_corpus.index, Letters())
    given = make(texts=texts)
    assert_same(given[1], batches[1])
    assert given.tokens.encoded == 0


def test_the_stored_features_are_left_alone(make, tone_corpus):
    before = [np.array(tone_corpus.features[row]) for row in range(9)]
    batches = make(speeds=STRONG.speeds, augmentation=STRONG, views=2)
    for step in range(2 * len(batches)):
        batches[step]
    for row in range(9):
        np.testing.assert_array_equal(tone_corpus.features[row], before[row])


@pytest.mark.parametrize("size", [28, 100_000])
def test_ctc_needs_a_step_for_every_token_and_between_like_ones(size):
    tokens = Letters()
    tokens.size = size
    spoken = ["ABC", "AABBC", "C", "", "CCCC", "A"]
    texts = encode_texts([Text(text) for text in spoken], tokens)
    assert texts.lengths.tolist() == [3, 5, 1, 0, 4, 1]
    assert texts.ctc_lengths.tolist() == [3, 7, 1, 0, 7, 1]
    assert [texts[row].tolist() for row in range(6)] == [tokens.encode(text).tolist() for text in spoken]


def test_what_cannot_be_trained_on_is_left_out_and_named():
    texts = encode_texts([Text(text) for text in ["ABCDEFGHIJ", "ABCDEFGHIJ", "AAAAAABBBB", "", "A", "A"]], Letters())
    frames = np.array([40, 39, 40, 400, 0, 4000])
    usable, left_out = usable_rows(frames, texts, 4, max_seconds=30)
    assert usable.tolist() == [True, False, False, False, False, False]
    assert {reason: rows.tolist() for reason, rows in left_out.items()} == {
        "unreadable audio": [4],
        "no tokens in the text": [3],
        "longer than 30 s": [5],
        "too short for its text at 0.04 s a step": [1, 2],
    }
    # Heard faster there are fewer steps; with no bound the long one stays.
    assert usable_rows(frames, texts, 4, speeds=(1.0, 0.9, 1.1))[0].tolist() == [False] * 5 + [True]
    assert usable_rows(np.full(6, 100), texts, 4)[0].tolist() == [True, True, True, False, True, True]
    ((reason, rows),) = usable_rows(np.full(6, 4000), texts, 1)[1].items()
    assert (reason, rows.tolist()) == ("no tokens in the text", [3])


def test_frames_are_counted_without_decoding(tone_corpus):
    stored = frame_counts(tone_corpus.index, tone_corpus.features)
    assert stored.tolist() == [len(tone_corpus.features[row]) for row in range(9)]
    guessed = frame_counts(tone_corpus.index, ComputedFeatures(tone_corpus.index))
    np.testing.assert_array_equal(guessed, stored)
