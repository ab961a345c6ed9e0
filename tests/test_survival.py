"""Runs that are killed, interrupted, starved of disk, or led to a loss that is no number."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from tone_manifest import write_tone_manifest

from keras_stt.data.utterances import UtteranceBatches
from keras_stt.errors import FlagError, InputError, RunError
from keras_stt.train import utterance
from keras_stt.train.run import train
from keras_stt.train.run_lock import only_run_in

ROOT = Path(__file__).parent.parent
BACKEND = keras.backend.backend()


@pytest.mark.slow
@pytest.mark.backend
def test_a_run_that_is_killed_ends_as_one_that_is_not(benchmark, tmp_path):
    """At a random moment, and in the middle of writing a checkpoint; `benchmarks/kills.py` does it more often, and in
    both views on each backend."""
    view = "window" if BACKEND == "tensorflow" else "utterance"
    found = benchmark("kills").survive(tmp_path, BACKEND, view, kills=2, seed=5)
    assert found["kills"] == 2


@pytest.fixture
def options(options_of, tmp_path):
    """Four utterances, each a batch of its own."""
    manifest = write_tone_manifest(tmp_path)
    size = ("--model_dim=8", "--audio_blocks=2", "--refiner_blocks=1", "--attention_heads=2", "--batch_seconds=2")
    folders = (f"--data_dir={manifest}", f"--cache_dir={tmp_path}/cache", f"--output_dir={tmp_path}/run")
    course = ("--epochs=2", "--steps_per_epoch=6", "--checkpoint_steps=4", "--nogradient_norms", "--warmup_steps=1")
    given = ("--view=utterance", "--dataset=manifest", "--phone_weight=0", "--position=rotary", "--subsampling=2")
    return options_of(*given, *size, *folders, *course)


def spoil(monkeypatch, step, times):
    """A batch whose features are no numbers, as often as it is read in training up to `times`."""
    left = [times]
    read = UtteranceBatches.__getitem__

    def spoiled(self, at):
        inputs, targets = read(self, at)
        if self.augmentation is not None and at == step and left[0] > 0:
            left[0] -= 1
            inputs = {**inputs, "features": np.full_like(inputs["features"], np.nan)}
        return inputs, targets

    monkeypatch.setattr(UtteranceBatches, "__getitem__", spoiled)


@pytest.fixture
def rates(monkeypatch):
    """The highest learning rate of every model that is trained."""
    seen, compiled = [], utterance.compiled_model

    def noted(setup):
        model = compiled(setup)
        seen.append(model.optimizer._learning_rate.peak)
        return model

    monkeypatch.setattr(utterance, "compiled_model", noted)
    return seen


@pytest.mark.backend
def test_from_a_loss_that_is_no_number_it_goes_back_with_half_the_rate(options, monkeypatch, capsys, tmp_path, rates):
    # Read by the step, and once more to be kept.
    spoil(monkeypatch, step=5, times=2)
    summary = train(options)
    assert rates == [2e-3, 1e-3]
    assert summary["learning_rate_halvings"] == 1
    assert summary["epochs"] == 2
    assert summary["steps"] == 12
    assert np.isfinite(summary["loss"])
    said = capsys.readouterr().out
    assert "step 5: the loss is nan; its batch is in" in said
    assert "back to step 4 with half the learning rate, 0.001 at most (1 of 3)" in said
    with np.load(tmp_path / "run/not_a_number/step-000000005.npz") as kept:
        assert np.isnan(kept["inputs/features"]).all()
        assert kept["targets/draft"].shape[0] == len(kept["utterances"]) == 1
        assert kept["utterances"][0].startswith("train-")


def test_before_the_first_checkpoint_it_begins_again(options, monkeypatch, capsys):
    spoil(monkeypatch, step=1, times=2)
    assert train(options)["learning_rate_halvings"] == 1
    assert "back to step 0 with half the learning rate" in capsys.readouterr().out


def test_it_gives_up_after_so_many_times(options, monkeypatch):
    spoil(monkeypatch, step=5, times=1000)
    with pytest.raises(RunError, match=r"step 5: the loss is nan; its batch is in .*; gone back 2 times: lower"):
        train(dataclasses.replace(options, nan_retries=2))


def test_a_halved_rate_is_remembered_by_a_run_that_goes_on(options, monkeypatch, rates):
    spoil(monkeypatch, step=5, times=2)
    train(dataclasses.replace(options, epochs=1))
    again = train(dataclasses.replace(options, resume=True))
    assert rates == [2e-3, 1e-3, 1e-3]
    assert again["learning_rate_halvings"] == 1


def begin(*flags):
    command = [sys.executable, "train_main.py", "--flagfile=flags/tiny.cfg", "--checkpoint_steps=3", *flags]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def lines_of_ours(stderr):
    return [line for line in stderr.splitlines() if line.startswith(("train_main.py: ", "Traceback"))]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.skipif(BACKEND != "tensorflow", reason="signals are caught alike on every backend")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_run_with_a_checkpoint_from_which_it_goes_on(cache, tmp_path, number, code):
    output = tmp_path / "run"
    flags = (f"--cache_dir={cache}", f"--output_dir={output}", "--steps_per_epoch=150", "--epochs=1")
    process = begin(*flags)
    until = time.monotonic() + 120
    while not list(output.glob("checkpoint/00-0*")):  # it trains
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == code, stderr
    (line,) = lines_of_ours(stderr)
    assert line.startswith(f"train_main.py: stopped by {number.name} after step ")
    step = int(line.split("after step ")[1].split(";")[0])
    assert max(output.glob("checkpoint/*")).name.startswith(f"00-{step:09d}-")
    resumed = begin(*flags, "--resume")
    stdout, stderr = resumed.communicate(timeout=240)
    assert resumed.returncode == 0, stderr
    assert f"going on from step {step}, epoch 1" in stdout
    assert json.loads((output / "summary.json").read_text())["steps"] == 150


@pytest.mark.skipif(BACKEND != "tensorflow", reason="flags are compared alike on every backend")
def test_another_run_is_not_gone_on_with(options):
    train(dataclasses.replace(options, epochs=1))
    with pytest.raises(
        InputError, match="--resume: the checkpoint was made with --seed=1, now it is 2; give the flags"
    ):
        train(dataclasses.replace(options, seed=2, resume=True))


def test_two_runs_in_one_folder_are_refused(tmp_path):
    told = pytest.raises(FlagError, match="--output_dir: another run is at work in")
    with only_run_in(tmp_path), told, only_run_in(tmp_path):
        pass
    with only_run_in(tmp_path):
        pass


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 3 MB; skips where the tests may not mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.skipif(BACKEND != "tensorflow" or os.name == "nt", reason="a disk is full alike on every backend")
def test_a_full_disk_ends_a_run_in_one_line_and_what_was_saved_goes_on(small_disk, cache, tmp_path):
    flags = (f"--cache_dir={cache}", f"--output_dir={small_disk}/run", "--keep_checkpoints=9")
    process = begin(*flags)
    _, stderr = process.communicate(timeout=240)
    assert process.returncode == 1, stderr
    (line,) = lines_of_ours(stderr)
    assert "cannot be written (No space left on device)" in line
    assert "--resume goes on from the last checkpoint" in line
    names = sorted(path.name for path in (small_disk / "run/checkpoint").iterdir())
    assert names
    assert not [name for name in names if name.startswith(".")]
    subprocess.run(["mount", "-o", "remount,size=30m", str(small_disk)], check=True)
    resumed = begin(*flags, "--resume")
    stdout, stderr = resumed.communicate(timeout=240)
    assert resumed.returncode == 0, stderr
    assert f"going on from step {int(names[-1].split('-')[1])}," in stdout


@pytest.mark.skipif(BACKEND != "tensorflow" or os.name == "nt", reason="a disk is read-only alike on every backend")
def test_a_folder_that_is_read_only_is_told_at_once(small_disk, cache):
    (small_disk / "run").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    process = begin(f"--cache_dir={cache}", f"--output_dir={small_disk}/run")
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 1, stderr
    (line,) = lines_of_ours(stderr)
    assert "run: cannot be written (Read-only file system); check its folder" in line
    assert "model:" not in stdout
