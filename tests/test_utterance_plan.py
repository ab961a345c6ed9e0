"""The plan of whole utterances: few shapes, little padding, every utterance once in an epoch, nothing remembered."""

import collections
import time

import numpy as np
import pytest

from keras_stt.data.utterance_plan import UtterancePlan
from keras_stt.errors import InputError

SPEEDS = (1.0, 0.9, 1.1)


def like_librispeech(size: int) -> np.ndarray:
    """Seconds: most utterances last 12 to 16, the others from 1.5 on, and a few up to 25."""
    rng = np.random.default_rng(0)
    most, others = rng.normal(14.5, 1.2, size * 7 // 10), rng.uniform(1.5, 17, size - size * 7 // 10)
    seconds = np.concatenate([most, others, [25.0]])[:size]
    seconds[-max(1, size // 200) :] = rng.uniform(16, 25, max(1, size // 200))
    return np.clip(rng.permutation(seconds), 1.5, 25)


SECONDS = like_librispeech(3000)


def epoch_of(plan, epoch: int) -> list[tuple[np.ndarray, np.ndarray, tuple[int, int]]]:
    """Rows, speeds and shape of each step."""
    steps = range(epoch * plan.steps_per_epoch, (epoch + 1) * plan.steps_per_epoch)
    return [(plan.rows(step), plan.speeds(step), plan.shape(step)) for step in steps]


def frames_of(rows, speeds):
    return np.round(np.round(SECONDS[rows] * 100) / speeds)


@pytest.mark.parametrize("speeds", [(1.0,), SPEEDS])
@pytest.mark.parametrize("epoch", [0, 5])
def test_every_utterance_is_read_in_every_epoch_and_few_twice(speeds, epoch):
    plan = UtterancePlan(SECONDS, 120, seed=1, speeds=speeds)
    seen = np.concatenate([rows for rows, _, _ in epoch_of(plan, epoch)])
    assert set(seen.tolist()) == set(range(3000))
    assert len(seen) < 1.02 * 3000
    assert np.bincount(seen).max() <= 2


@pytest.mark.parametrize("speeds", [(1.0,), SPEEDS])
@pytest.mark.parametrize("max_batch_seconds", [60, 120, 480])
def test_every_utterance_fits_its_bucket_and_little_is_padded(speeds, max_batch_seconds):
    plan = UtterancePlan(SECONDS, max_batch_seconds, seed=1, speeds=speeds)
    said = computed = 0
    for rows, spoken, (size, frames) in epoch_of(plan, 1):
        needed = frames_of(rows, spoken)
        assert len(rows) == size
        assert needed.max() <= frames
        said, computed = said + needed.sum(), computed + size * frames
    assert 1 - said / computed < 0.08
    assert plan.padding == pytest.approx(1 - said / computed, abs=0.01)


def test_shapes_are_few_and_within_the_bound():
    plan = UtterancePlan(SECONDS, 120, seed=1, speeds=SPEEDS, buckets=7, frame_multiple=48)
    assert {shape for _, _, shape in epoch_of(plan, 0)} == set(plan.shapes)
    assert len(plan.shapes) == 7
    assert plan.shapes == sorted(plan.shapes, key=lambda shape: shape[1])
    for size, frames in plan.shapes:
        assert frames % 48 == 0
        assert size * frames <= 120 * 100
        assert (size + 2) * frames >= 120 * 100  # and the bound is made use of


def test_the_lengths_pad_less_than_equal_shares_of_the_utterances_would():
    plan = UtterancePlan(SECONDS, 120, seed=1, buckets=6)
    frames = np.round(SECONDS * 100)
    equal = np.ceil(np.quantile(frames, np.arange(1, 7) / 6) / 32) * 32
    padded = equal[np.searchsorted(equal, frames)].sum()
    assert plan.padding < 1 - frames.sum() / padded


def test_a_step_is_a_pure_function_of_the_seed():
    one, other = (UtterancePlan(SECONDS, 120, seed=3, speeds=SPEEDS) for _ in range(2))
    steps = [0, 700, 5, 2000, 701]
    expected = {step: one.rows(step).tolist() for step in steps}
    for step in reversed(steps):
        assert other.rows(step).tolist() == expected[step]
        assert other.speeds(step).tolist() == one.speeds(step).tolist()
        assert other.shape(step) == one.shape(step)
        assert other.generator(step).random() == one.generator(step).random()
    different = UtterancePlan(SECONDS, 120, seed=4, speeds=SPEEDS)
    assert any(different.rows(step).tolist() != expected[step] for step in steps)
    assert one.generator(1).random() != one.generator(2).random()


def test_batches_come_in_random_order_and_are_drawn_anew_in_every_epoch():
    plan = UtterancePlan(SECONDS, 120, seed=3)
    epochs = [epoch_of(plan, epoch) for epoch in (0, 1)]
    lengths = np.array([shape[1] for _, _, shape in epochs[0]])
    assert abs(np.corrcoef(np.arange(len(lengths)), lengths)[0, 1]) < 0.2
    batches = [{frozenset(rows.tolist()) for rows, _, _ in epoch} for epoch in epochs]
    assert len(batches[0] & batches[1]) < 0.02 * len(batches[0])


def test_every_utterance_has_every_speed_once_in_as_many_epochs():
    plan = UtterancePlan(SECONDS, 120, seed=3, speeds=SPEEDS)
    heard = collections.defaultdict(set)
    for epoch in range(3, 6):
        spoken = np.concatenate([speeds for _, speeds, _ in epoch_of(plan, epoch)])
        for speed in SPEEDS:
            assert np.mean(spoken == speed) == pytest.approx(1 / 3, abs=0.02)
        for rows, speeds, _ in epoch_of(plan, epoch):
            for row, speed in zip(rows.tolist(), speeds.tolist(), strict=True):
                heard[row].add(speed)
    assert all(heard[row] == set(SPEEDS) for row in range(3000))
    # The order of the speeds is an utterance's own.
    first = {int(row): speed for rows, speeds, _ in epoch_of(plan, 0) for row, speed in zip(rows, speeds, strict=True)}
    assert 0.2 < np.mean([first[row] == 1.1 for row in range(0, 3000, 2)]) < 0.47


def test_short_utterances_come_first_while_asked_for():
    plan = UtterancePlan(SECONDS, 120, seed=3, speeds=SPEEDS, short_first_epochs=2)
    lengths = [[shape[1] for _, _, shape in epoch_of(plan, epoch)] for epoch in range(4)]
    assert lengths[0] == sorted(lengths[0])
    assert lengths[1] == sorted(lengths[1])
    assert lengths[2] != sorted(lengths[2])
    assert lengths[2] != lengths[3]
    assert sorted(lengths[2]) == lengths[0]
    # The batches are drawn anew all the same.
    assert plan.rows(0).tolist() != plan.rows(plan.steps_per_epoch).tolist()


def test_evaluation_reads_every_utterance_exactly_once_at_its_own_speed():
    plan = UtterancePlan(SECONDS, 200, seed=None, speeds=SPEEDS)
    steps = epoch_of(plan, 0)
    assert sorted(np.concatenate([rows for rows, _, _ in steps]).tolist()) == list(range(3000))
    assert all((speeds == 1.0).all() for _, speeds, _ in steps)
    assert all(0 < len(rows) <= shape[0] for rows, _, shape in steps)
    assert plan.rows(1).tolist() == plan.rows(1 + plan.steps_per_epoch).tolist()
    spread = np.mean([np.ptp(SECONDS[rows]) for rows, _, _ in steps])
    assert spread < 0.5  # seconds: batches of like length


def test_what_is_not_usable_is_never_read_and_counted():
    usable = np.ones(3000, bool)
    usable[::7] = False
    plan = UtterancePlan(SECONDS, 120, seed=3, usable=usable, speeds=SPEEDS)
    seen = {row for rows, _, _ in epoch_of(plan, 0) for row in rows.tolist()}
    assert seen == set(np.flatnonzero(usable).tolist())
    assert (plan.size, plan.left_out) == (usable.sum(), 3000 - usable.sum())


def test_no_usable_utterance_is_said_so():
    with pytest.raises(InputError, match="none of 3000 utterances"):
        UtterancePlan(SECONDS, 120, seed=3, usable=np.zeros(3000, bool))


@pytest.mark.parametrize("seed", [0, None])
@pytest.mark.parametrize("size", [1, 2, 4, 11, 30])
def test_small_corpora_make_small_batches_and_repeat_little(size, seed):
    plan = UtterancePlan(SECONDS[:size], 120, seed, speeds=SPEEDS)
    for epoch in range(2):
        seen = np.concatenate([rows for rows, _, _ in epoch_of(plan, epoch)])
        assert set(seen.tolist()) == set(range(size))
        assert len(seen) < size + plan.steps_per_epoch


def test_utterances_longer_than_a_batch_go_alone():
    seconds = np.concatenate([SECONDS[:200], [300.0, 310.0]])
    plan = UtterancePlan(seconds, 60, seed=0)
    steps = [step for step in range(plan.steps_per_epoch) if plan.shape(step)[1] >= 30_000]
    assert [plan.shape(step)[0] for step in steps] == [1, 1]
    assert {int(plan.rows(step)[0]) for step in steps} == {200, 201}


def test_processes_can_share_every_batch():
    plan = UtterancePlan(SECONDS[:500], 120, seed=0, size_multiple=4, speeds=SPEEDS)
    assert all(size % 4 == 0 for size, _ in plan.shapes)
    seen = {row for rows, _, _ in epoch_of(plan, 0) for row in rows.tolist()}
    assert seen == set(range(500))


def test_a_bucket_knows_all_it_may_ever_read():
    plan = UtterancePlan(SECONDS, 120, seed=0, speeds=SPEEDS)
    may = [set(plan.bucket_rows(bucket).tolist()) for bucket in range(len(plan.shapes))]
    for step in range(4 * plan.steps_per_epoch):
        assert set(plan.rows(step).tolist()) <= may[plan.bucket(step)]
    # And little more: those that share the speeds with one of its own.
    assert sum(map(len, may)) < 3 * 3000 + 6 * len(may)


def test_single_precision_seconds_take_no_frame_more():
    frames = np.arange(1, 3000)
    seconds = (frames / 100).astype(np.float32)
    plan = UtterancePlan(seconds, 1, seed=None, buckets=3000, frame_multiple=1)
    needed = {int(plan.rows(step)[0]): plan.shape(step)[1] for step in range(plan.steps_per_epoch)}
    exact = [needed[row] == frames[row] for row in range(99, 2999) if row in needed]
    assert len(exact) > 2000
    assert all(exact)


def test_many_utterances_start_at_once():
    seconds = np.random.default_rng(0).uniform(1, 3600, 300_000).astype(np.float32)
    began = time.process_time()
    plan = UtterancePlan(seconds, 7200, seed=0, speeds=SPEEDS)
    plan.rows(123_456)
    assert time.process_time() - began < 2
    began = time.process_time()
    plan.rows(123_457)
    assert time.process_time() - began < 0.1
