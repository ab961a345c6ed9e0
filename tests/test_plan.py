"""The plan: a pure function of seed and step that covers every window once in an epoch."""

import time
import tracemalloc

import numpy as np
import pytest

from keras_stt.data.plan import Permutation, WindowPlan

COUNTS = np.array([4, 1, 0, 7, 3, 2])
SECONDS = np.array([2.0, 0.5, 1.0, 3.0, 1.5, 1.0])


@pytest.mark.parametrize("size", [1, 2, 3, 10, 1000, 4097])
def test_a_permutation_has_every_item_once(size):
    assert sorted(Permutation(size, (1, 2))(np.arange(size)).tolist()) == list(range(size))


def test_permutations_differ_by_key_and_are_well_mixed():
    places = np.arange(1000)
    orders = [Permutation(1000, key)(places) for key in ((0, 0), (0, 1), (1, 0))]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.mean(orders[one] == orders[other]) < 0.02
    for order in orders:
        assert abs(np.corrcoef(places, order)[0, 1]) < 0.15
        assert np.mean(np.abs(np.diff(order)) < 10) < 0.06  # neighbours are parted


def test_any_place_can_be_asked_alone():
    permutation = Permutation(100, (3, 1))
    assert [int(permutation(np.array([i]))[0]) for i in range(100)] == permutation(np.arange(100)).tolist()


def windows(plan, step):
    return list(zip(*(one.tolist() for one in plan.rows(step)), strict=True))


ALL = [(utterance, window) for utterance, count in enumerate(COUNTS) for window in range(count)]


def test_rows_are_a_pure_function_of_seed_and_step():
    one, other = WindowPlan(COUNTS, SECONDS, 4, seed=5), WindowPlan(COUNTS, SECONDS, 4, seed=5)
    expected = [windows(one, step) for step in range(20)]
    assert [windows(other, step) for step in reversed(range(20))] == expected[::-1]
    assert [windows(WindowPlan(COUNTS, SECONDS, 4, seed=6), step) for step in range(20)] != expected


@pytest.mark.parametrize("epoch", [0, 1, 7])
def test_every_epoch_sees_each_window_once_but_for_the_remainder(epoch):
    plan = WindowPlan(COUNTS, SECONDS, 4, seed=5)
    assert plan.steps_per_epoch == 17 // 4
    seen = [row for step in range(4 * epoch, 4 * epoch + 4) for row in windows(plan, step)]
    assert len(seen) == len(set(seen)) == 16
    assert set(seen) <= set(ALL)


def test_epochs_have_orders_of_their_own():
    plan = WindowPlan(COUNTS, SECONDS, 4, seed=5)
    epochs = [[row for step in range(first, first + 4) for row in windows(plan, step)] for first in (0, 4, 8)]
    assert epochs[0] != epochs[1] != epochs[2]


def test_other_windows_share_a_batch_in_every_epoch():
    plan = WindowPlan(np.full(400, 5), np.full(400, 4.0), 4, seed=5)
    epochs = [{frozenset(windows(plan, 500 * epoch + step)) for step in range(500)} for epoch in range(2)]
    assert len(epochs[0]) == 500
    assert len(epochs[0] & epochs[1]) < 5


def test_without_a_seed_the_corpus_is_read_once_in_its_own_order():
    plan = WindowPlan(COUNTS, SECONDS, 4, seed=None)
    assert plan.steps_per_epoch == 5
    assert [row for step in range(5) for row in windows(plan, step)] == ALL
    assert len(windows(plan, 4)) == 1


def test_a_corpus_smaller_than_a_batch_fills_it_by_repeating():
    plan = WindowPlan(np.array([2, 1]), np.array([1.0, 1.0]), 8, seed=0)
    assert plan.steps_per_epoch == 1
    rows = windows(plan, 0)
    assert len(rows) == 8
    assert set(rows) == {(0, 0), (0, 1), (1, 0)}


def test_batches_hold_windows_of_like_length_in_random_order():
    lengths = np.random.default_rng(0).uniform(1, 16, 4000)
    plan = WindowPlan(np.ones(4000, int), lengths, 16, seed=3)
    seconds = np.array([lengths[plan.rows(step)[0]] for step in range(plan.steps_per_epoch)])
    assert np.ptp(seconds, axis=1).mean() < 3  # of 15; some 13 if they were drawn at random
    assert abs(np.corrcoef(np.arange(len(seconds)), seconds.mean(axis=1))[0, 1]) < 0.2
    assert np.mean(np.diff(seconds.mean(axis=1)) > 0) == pytest.approx(0.5, abs=0.1)


def test_random_numbers_of_a_step_are_its_own():
    plan = WindowPlan(COUNTS, SECONDS, 4, seed=5)
    assert plan.generator(3).random() == WindowPlan(COUNTS, SECONDS, 4, seed=5).generator(3).random()
    assert len({plan.generator(step).random() for step in range(50)}) == 50
    assert WindowPlan(COUNTS, SECONDS, 4, seed=6).generator(3).random() != plan.generator(3).random()


def test_two_million_utterances_start_at_once_and_take_little_memory():
    counts, seconds = np.full(2_000_000, 20, np.int32), np.full(2_000_000, 8.0, np.float32)
    tracemalloc.start()
    began = time.process_time()
    plan = WindowPlan(counts, seconds, 256, seed=0)
    utterances, places = plan.rows(123_456)
    assert time.process_time() - began < 1.0
    assert tracemalloc.get_traced_memory()[1] < 40e6
    tracemalloc.stop()
    assert plan.size == 40_000_000
    assert len(set(zip(utterances.tolist(), places.tolist(), strict=True))) == 256
    assert utterances.max() > 1_900_000
    assert utterances.min() < 100_000
