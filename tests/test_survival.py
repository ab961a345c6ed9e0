"""Runs that are killed, interrupted, starved of disk, or led to a loss that is no number."""

import contextlib
import dataclasses
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from tone_manifest import write_tone_manifest

from keras_stt.cli.endings import ending
from keras_stt.data.utterances import UtteranceBatches
from keras_stt.errors import FlagError, InputError, OutputError, RunError
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
    short = ("--epochs=2", "--steps_per_epoch=20", "--test_utterances=1", "--nogradient_norms")
    found = benchmark("kills").survive(tmp_path, BACKEND, view, kills=2, seed=1, more=short)
    assert found["kills"] == 2


def read_options(read, folder, *more):
    """Of four utterances, each a batch of its own."""
    manifest = write_tone_manifest(folder)
    size = ("--model_dim=8", "--audio_blocks=2", "--middle_weight=0", "--refiner_blocks=0", "--attention_heads=2")
    folders = (f"--data_dir={manifest}", f"--cache_dir={folder}/cache", f"--output_dir={folder}/run")
    course = ("--steps_per_epoch=6", "--checkpoint_steps=4", "--nogradient_norms", "--warmup_steps=1")
    given = ("--view=utterance", "--dataset=manifest", "--phone_weight=0", "--position=rotary", "--subsampling=2")
    batches = ("--batch_seconds=2", "--test_utterances=1")
    return read(*given, *size, *folders, *course, *batches, *more)


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


def note_rates(monkeypatch) -> list[float]:
    """The highest learning rate of every model that is trained from now on."""
    seen, compiled = [], utterance.compiled_model

    def noted(setup):
        model = compiled(setup)
        seen.append(model.optimizer._learning_rate.peak)
        return model

    monkeypatch.setattr(utterance, "compiled_model", noted)
    return seen


@pytest.fixture(scope="module")
def gone_back(read_options_of, tmp_path_factory) -> SimpleNamespace:
    """A run of two epochs whose step 5 had a loss that is no number, once; and what it said."""
    folder = tmp_path_factory.mktemp("gone_back")
    options, said = read_options(read_options_of, folder, "--epochs=2"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        spoil(patch, step=5, times=2)  # read by the step, and once more to be kept
        rates = note_rates(patch)
        summary = train(options)
    return SimpleNamespace(options=options, folder=folder, summary=summary, rates=rates, said=said.getvalue())


@pytest.mark.backend
def test_from_a_loss_that_is_no_number_it_goes_back_with_half_the_rate(gone_back):
    assert gone_back.rates == [2e-3, 1e-3]
    assert gone_back.summary["learning_rate_halvings"] == 1
    assert gone_back.summary["epochs"] == 2
    assert gone_back.summary["steps"] == 12
    assert np.isfinite(gone_back.summary["loss"])
    assert "step 5: the loss is nan; its batch is in" in gone_back.said
    assert "back to step 4 with half the learning rate, 0.001 at most (1 of 3)" in gone_back.said
    with np.load(gone_back.folder / "run/not_a_number/step-000000005.npz") as kept:
        assert np.isnan(kept["inputs/features"]).all()
        assert kept["targets/draft"].shape[0] == len(kept["utterances"]) == 1
        assert kept["utterances"][0].startswith("train-")


def test_before_the_first_checkpoint_it_begins_again(options_of, monkeypatch, capsys, tmp_path):
    spoil(monkeypatch, step=1, times=2)
    assert train(read_options(options_of, tmp_path, "--epochs=1"))["learning_rate_halvings"] == 1
    assert "back to step 0 with half the learning rate" in capsys.readouterr().out


def test_it_gives_up_after_so_many_times(options_of, monkeypatch, tmp_path):
    spoil(monkeypatch, step=5, times=1000)
    with pytest.raises(RunError, match=r"step 5: the loss is nan; its batch is in .*; gone back 2 times: lower"):
        train(read_options(options_of, tmp_path, "--epochs=1", "--nan_retries=2"))


@pytest.mark.skipif(BACKEND != "tensorflow", reason="flags are compared alike on every backend")
def test_another_run_is_not_gone_on_with(gone_back):
    told = "--resume: the checkpoint was made with --seed=1, now it is 2; give the flags"
    with pytest.raises(InputError, match=told):
        train(dataclasses.replace(gone_back.options, seed=2, resume=True))


def test_a_halved_rate_is_remembered_by_a_run_that_goes_on(gone_back, monkeypatch):
    rates = note_rates(monkeypatch)
    again = train(dataclasses.replace(gone_back.options, epochs=3, resume=True))
    assert rates == [1e-3]
    assert again["learning_rate_halvings"] == 1
    assert again["steps"] == 18


TINY = ("--flagfile=flags/tiny.cfg", "--checkpoint_steps=3", "--nogradient_norms", "--test_utterances=1", "--epochs=1")


def begin(*flags):
    command = [sys.executable, "train_main.py", *TINY, *flags]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def lines_of_ours(stderr):
    return [line for line in stderr.splitlines() if line.startswith(("train_main.py: ", "Traceback"))]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def stop(number, code, output, *flags):
    """Stops a run by a signal when it has trained. Returns the step after which it was, and what it printed."""
    before = newest(output)
    process = begin(f"--output_dir={output}", *flags)
    until = time.monotonic() + 120
    while newest(output) == before:
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == code, stderr
    (line,) = lines_of_ours(stderr)
    assert line.startswith(f"train_main.py: stopped by {number.name} after step ")
    return int(line.split("after step ")[1].split(";")[0]), stdout


def newest(output):
    return max((path.name for path in output.glob("checkpoint/00-0*")), default="")


@pytest.mark.skipif(BACKEND != "tensorflow", reason="signals are caught alike on every backend")
def test_signals_stop_a_run_with_a_checkpoint_from_which_it_goes_on(cache, options_of, tmp_path, capsys):
    output = tmp_path / "run"
    flags = (f"--cache_dir={cache}", "--steps_per_epoch=90")
    step, _ = stop(signal.SIGINT, 130, output, *flags)
    assert newest(output).startswith(f"00-{step:09d}-")
    later, said = stop(signal.SIGTERM, 143, output, *flags, "--resume")
    assert f"going on from step {step}, epoch 1" in said
    assert later > step
    assert newest(output).startswith(f"00-{later:09d}-")
    summary = train(options_of(*TINY, *flags, f"--output_dir={output}", "--resume"))
    assert f"going on from step {later}, epoch 1" in capsys.readouterr().out
    assert summary["steps"] == 90


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
def test_a_full_disk_ends_a_run_in_one_line_and_what_was_saved_goes_on(small_disk, cache, options_of, capsys):
    flags = (f"--cache_dir={cache}", f"--output_dir={small_disk}/run", "--keep_checkpoints=9", "--steps_per_epoch=12")
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
    assert train(options_of(*TINY, *flags, "--resume"))["steps"] == 12
    assert f"going on from step {int(names[-1].split('-')[1])}," in capsys.readouterr().out


@pytest.mark.skipif(BACKEND != "tensorflow" or os.name == "nt", reason="a disk is read-only alike on every backend")
def test_a_folder_that_is_read_only_is_told_at_once(small_disk, cache, options_of, capsys):
    output = small_disk / "run"
    output.mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OutputError, match="Read-only file system") as found:
        train(options_of(*TINY, f"--cache_dir={cache}", f"--output_dir={output}"))
    line, code = ending(found.value, str(output), 0, 1)
    assert code == 1
    assert "run: cannot be written (Read-only file system); check its folder" in line
    assert "model:" not in capsys.readouterr().out
