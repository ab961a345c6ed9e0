"""What is hidden and asked for: exact counts, without replacement, every task, and the ends of every schedule."""

import numpy as np
import pytest

from keras_stt.masking import IGNORED, MASK_SCHEDULES, TASKS, hide_share, mask_share, task_masking
from keras_stt.text import Vocabulary


def rng():
    return np.random.default_rng(0)


TOKENS = np.zeros((400, 8), np.int32)


@pytest.mark.parametrize(("share", "count"), [(0.0, 1), (0.01, 1), (0.25, 2), (0.5, 4), (0.8, 6), (1.0, 8)])
def test_every_row_hides_its_share_exactly_and_at_least_one(share, count):
    masking = hide_share(TOKENS, np.full(400, share), rng())
    hidden = masking.hidden
    np.testing.assert_array_equal(masking.asked, hidden)
    assert hidden.dtype == bool
    assert hidden.shape == TOKENS.shape
    assert set(hidden.sum(axis=1).tolist()) == {count}


def test_rows_have_shares_of_their_own():
    hidden = hide_share(TOKENS[:3], np.array([0.0, 0.5, 1.0]), rng()).hidden
    assert hidden.sum(axis=1).tolist() == [1, 4, 8]


def test_every_place_is_hidden_equally_often():
    hidden = hide_share(np.zeros((8000, 8), np.int32), np.full(8000, 0.25), rng()).hidden
    np.testing.assert_allclose(hidden.mean(axis=0), 0.25, atol=0.03)


PAD, MASK, UNK, SIL, A, B = range(6)
WORDS = np.array([[A, B, A, SIL], [B, SIL, A, SIL], [PAD, PAD, A, UNK], [SIL, B, A, A], [PAD, B, PAD, PAD]], np.int32)


def masked(task, tokens=WORDS, shares=1.0):
    """The model's token ids and targets."""
    masking = task_masking(task, tokens, np.full(len(tokens), shares), rng())
    inputs, targets = masking.inputs(tokens), masking.targets(tokens)
    assert inputs.dtype == targets.dtype == np.int32
    return inputs, targets


def test_transcribing_hides_all_and_asks_for_all():
    inputs, targets = masked("transcribe")
    np.testing.assert_array_equal(inputs, np.full(WORDS.shape, Vocabulary.mask_id))
    np.testing.assert_array_equal(targets, WORDS)


def test_infilling_asks_for_what_it_hides():
    inputs, targets = masked("infill", shares=0.5)
    hidden = inputs == MASK
    assert hidden.sum(axis=1).tolist() == [2] * 5
    np.testing.assert_array_equal(inputs[~hidden], WORDS[~hidden])
    np.testing.assert_array_equal(targets, np.where(hidden, WORDS, IGNORED))


def test_the_last_word_alone_is_hidden_and_asked_for_on_whatever_side_the_filling_is():
    inputs, targets = masked("last_word")
    last = [2, 2, 3, 3, 1]
    assert inputs.tolist() == [
        [A, B, MASK, SIL], [B, SIL, MASK, SIL], [PAD, PAD, A, MASK], [SIL, B, A, MASK], [PAD, MASK, PAD, PAD],
    ]  # fmt: skip
    assert targets[range(5), last].tolist() == WORDS[range(5), last].tolist()
    assert (targets == IGNORED).sum() == WORDS.size - 5


@pytest.mark.parametrize("fill", [SIL, PAD])
def test_without_a_word_there_is_no_last_one(fill):
    silence = np.full((2, 4), fill, np.int32)
    inputs, targets = masked("last_word", silence)
    np.testing.assert_array_equal(inputs, silence)
    assert (targets == IGNORED).all()


@pytest.mark.parametrize("task", ["autoencode", "identity"])
def test_autoencoding_shows_all_and_asks_for_all(task):
    inputs, targets = masked(task)
    np.testing.assert_array_equal(inputs, WORDS)
    np.testing.assert_array_equal(targets, WORDS)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_that_is_named_exists_and_asks_for_all_it_hides(task):
    masking = task_masking(task, WORDS, np.full(5, 0.5), rng())
    assert masking.hidden.shape == masking.asked.shape == WORDS.shape
    assert masking.asked.any()
    assert not (masking.hidden & ~masking.asked).any()


@pytest.mark.parametrize(
    ("schedule", "start", "middle", "end"),
    [("constant", 0.2, 0.2, 0.2), ("linear", 0.2, 0.6, 1.0), ("cosine", 0.2, 0.6, 1.0)],
)
def test_schedules_go_from_one_share_to_the_other(schedule, start, middle, end):
    for progress, expected in ((0.0, start), (0.5, middle), (1.0, end)):
        shares = mask_share(schedule, progress, 0.2, 1.0, rng(), 5)
        np.testing.assert_allclose(shares, np.full(5, expected))


def test_cosine_begins_and_ends_slowly():
    early, late = (mask_share("cosine", at, 0.0, 1.0, rng(), 1)[0] for at in (0.1, 0.9))
    assert early < 0.1
    assert late > 0.9


@pytest.mark.parametrize("ends", [(0.3, 0.9), (0.9, 0.3)])
def test_uniform_draws_between_the_ends_for_every_sample(ends):
    shares = mask_share("uniform", 0.5, *ends, rng(), 1000)
    assert 0.3 <= shares.min() < 0.35
    assert 0.85 < shares.max() <= 0.9
    assert len(np.unique(shares)) > 900


def test_every_schedule_that_is_named_exists():
    assert all(len(mask_share(schedule, 0.5, 0.1, 0.9, rng(), 3)) == 3 for schedule in MASK_SCHEDULES)
