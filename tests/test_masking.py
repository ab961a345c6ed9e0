"""Which tokens are hidden: exact counts, without replacement, and the ends of every schedule."""

import numpy as np
import pytest

from keras_stt.masking import MASK_SCHEDULES, hide_all, hide_share, mask_share


def rng():
    return np.random.default_rng(0)


TOKENS = np.zeros((400, 8), np.int32)


@pytest.mark.parametrize(("share", "count"), [(0.0, 1), (0.01, 1), (0.25, 2), (0.5, 4), (0.8, 6), (1.0, 8)])
def test_every_row_hides_its_share_exactly_and_at_least_one(share, count):
    hidden = hide_share(TOKENS, np.full(400, share), rng())
    assert hidden.dtype == bool
    assert hidden.shape == TOKENS.shape
    assert set(hidden.sum(axis=1).tolist()) == {count}


def test_rows_have_shares_of_their_own():
    hidden = hide_share(TOKENS[:3], np.array([0.0, 0.5, 1.0]), rng())
    assert hidden.sum(axis=1).tolist() == [1, 4, 8]


def test_every_place_is_hidden_equally_often():
    hidden = hide_share(np.zeros((8000, 8), np.int32), np.full(8000, 0.25), rng())
    np.testing.assert_allclose(hidden.mean(axis=0), 0.25, atol=0.03)


def test_transcribing_hides_all():
    assert hide_all(TOKENS).all()
    assert hide_all(TOKENS).shape == TOKENS.shape


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
