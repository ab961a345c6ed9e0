"""Checkpoints on disk: whole or passed over, the last and the best kept; and what a model goes on from."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_stt.errors import InputError
from keras_stt.train.checkpoints import CheckpointFolder, Progress, load_weights, model_state, restore_state
from keras_stt.train.checkpoints.progress import THIS

ARRAYS = {"trainable_variables/a": np.arange(600, dtype=np.float32), "optimizer_variables/b": np.ones((3, 4))}


@pytest.fixture
def told():
    return []


@pytest.fixture
def folder(tmp_path, told):
    return CheckpointFolder(tmp_path / "checkpoint", last=2, report=told.append)


def written(folder, step, **progress):
    return folder.write({**ARRAYS, "step": np.array(step)}, Progress(epoch=step, **progress), step)


def damage(path, how):
    content = path.read_bytes()
    path.write_bytes(how(content))


def test_what_was_written_is_read(folder, told):
    written(folder, 10, history=[{"loss": 1.5}], watchers={"Stopwatch": {"steps": 3}}, halvings=1)
    arrays, progress = folder.newest()
    assert {name: value.tolist() for name, value in arrays.items() if name in ARRAYS} == {
        name: value.tolist() for name, value in ARRAYS.items()
    }
    assert progress == Progress(10, history=[{"loss": 1.5}], halvings=1, watchers={"Stopwatch": {"steps": 3}})
    assert not told
    assert CheckpointFolder(folder.folder / "none").newest() is None


def cut(content):
    return content[: len(content) // 2]


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("how", [cut, flip, lambda content: b"", lambda content: b"no checkpoint"])
def test_a_damaged_one_is_passed_over_with_a_line(folder, told, how):
    written(folder, 10)
    newest = written(folder, 20)
    damage(folder.folder / newest, how)
    arrays, progress = folder.newest()
    assert (int(arrays["step"]), progress.epoch) == (10, 10)
    assert len(told) == 1
    assert newest in told[0]
    assert "damaged, its checksum is" in told[0]
    assert "the checkpoint before it is used" in told[0]


def test_without_any_whole_one_there_is_none(folder, told):
    damage(folder.folder / written(folder, 10), cut)
    assert folder.newest() is None
    assert len(told) == 1


def test_the_last_and_the_best_are_kept(folder):
    best = written(folder, 10, best=THIS, best_epoch=10)
    for step in range(20, 60, 10):
        written(folder, step, best=best, best_epoch=10)
    assert [int(name.split("-")[1]) for name in folder.names()] == [50, 40, 10]
    assert folder.newest()[1].best == best
    assert folder.read(best)[1].best == best


def test_the_best_before_is_kept_for_when_the_newest_that_is_the_best_is_damaged(folder, told):
    before = written(folder, 10, best=THIS, best_epoch=10)
    for step in (20, 30):
        written(folder, step, best=before, best_epoch=10)
    newest = written(folder, 40, best=THIS, best_epoch=40, best_before=before)
    damage(folder.folder / newest, flip)
    _, progress = folder.newest()
    assert (progress.epoch, progress.best, progress.best_epoch) == (30, before, 10)
    assert len(told) == 1


def test_where_the_best_is_damaged_it_is_found_anew(folder, told):
    best = written(folder, 10, best=THIS, best_epoch=1)
    written(folder, 20, best=best, best_epoch=1)
    damage(folder.folder / best, flip)
    _, progress = folder.newest()
    assert (progress.epoch, progress.best, progress.best_epoch) == (20, None, 0)
    assert "it was the best" in told[0]


def test_after_a_halved_rate_the_same_step_is_newer(folder):
    written(folder, 30)
    written(folder, 20, halvings=1)
    assert folder.newest()[1].halvings == 1


def test_what_a_killed_process_left_is_swept_and_never_read(folder):
    written(folder, 10)
    (folder.folder / ".writing.abc").write_bytes(b"half")
    assert folder.newest()[1].epoch == 10
    folder.sweep()
    assert len(list(folder.folder.iterdir())) == 1
    folder.clear()
    assert not list(folder.folder.iterdir())


def test_a_full_disk_leaves_the_checkpoints_that_were_there(folder):
    """A limit on the size of files stands for the disk: writing fails in the middle."""
    written(folder, 10)
    script = (
        "import resource, signal, sys\n"
        "import numpy as np\n"
        "from keras_stt.errors import OutputError\n"
        "from keras_stt.train.checkpoints.folder import CheckpointFolder\n"
        "from keras_stt.train.checkpoints.progress import Progress\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n"
        "    CheckpointFolder(sys.argv[1]).write({'a': np.ones(100_000)}, Progress(), 20)\n"
        "except OutputError as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-c", script, str(folder.folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent, timeout=120)
    assert "cannot be written (File too large); check its folder" in done.stdout, done.stderr
    assert len(list(folder.folder.iterdir())) == 1
    assert folder.newest()[1].epoch == 10


def test_others_may_read_what_the_umask_lets_them(folder):
    before = os.umask(0o022)
    try:
        path = folder.folder / written(folder, 10)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644


def model(seed, units=3):
    keras.utils.set_random_seed(seed)
    made = keras.Sequential([keras.Input((4,), name="input"), keras.layers.Dense(units, name="dense")], name="model")
    made.compile(keras.optimizers.AdamW(0.1), loss="mse")
    made.optimizer.build(made.trainable_variables)
    return made


@pytest.mark.backend
def test_a_model_goes_on_from_its_state_as_if_it_had_not_stopped(folder):
    inputs, targets = np.random.default_rng(0).standard_normal((2, 8, 4)).astype(np.float32)
    one = model(1)
    one.fit(inputs, targets[:, :3], epochs=2, verbose=0, shuffle=False)
    folder.write(model_state(one), Progress(), 2)
    one.fit(inputs, targets[:, :3], epochs=1, verbose=0, shuffle=False)
    other = model(2)
    restore_state(other, folder.newest()[0])
    other.fit(inputs, targets[:, :3], epochs=1, verbose=0, shuffle=False)
    for weight, again in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, again)


@pytest.mark.backend
def test_the_state_of_another_model_is_refused():
    with pytest.raises(InputError, match="--resume: the checkpoint is of another model"):
        restore_state(model(1), model_state(model(1, units=2)))


@pytest.mark.backend
def test_weights_alone_can_be_loaded():
    one, other = model(1), model(2)
    load_weights(other, model_state(one))
    for weight, again in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, again)
