"""Batches shared by devices and processes: the same run as on one, and an end that is told when a process dies."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from tone_manifest import TEXTS, spelt, write_tone_manifest

from keras_stt.cli.launch import launch
from keras_stt.data.share import Share
from keras_stt.errors import FlagError
from keras_stt.losses import TokenCTC
from keras_stt.train.distribution.job import Job, job_of
from keras_stt.train.distribution.open import open_distribution, require_equal_shares
from keras_stt.train.utterance.setup import prepare

ROOT = Path(__file__).parent.parent
BACKEND = keras.backend.backend()


SHORT = ("--test_utterances=1", "--nogradient_norms")


@pytest.mark.slow
@pytest.mark.backend
@pytest.mark.skipif(BACKEND == "torch", reason="Keras has no distribution on torch")
def test_shared_by_processes_of_which_one_is_killed_a_run_ends_as_on_one_device(benchmark, tmp_path):
    """Two processes, one killed in the second epoch, then four; `benchmarks/processes.py` tries more ways.

    Of utterances where replicas take losses apart; JAX knows of one batch alone, and compiles windows sooner.
    """
    view = "utterances" if BACKEND == "tensorflow" else "windows"
    found = benchmark("processes").one_killed(tmp_path, BACKEND, view, 2, 4, SHORT)
    assert found["largest_difference_of_a_weight"] < 1e-5
    assert found["difference_of_the_loss"] < 1e-5


@pytest.mark.slow
@pytest.mark.backend
@pytest.mark.skipif(BACKEND != "jax", reason="models are cut on JAX alone")
def test_a_model_that_lies_on_several_devices_learns_the_same(benchmark, tmp_path):
    found = benchmark("processes").shared(tmp_path, "jax", "windows", "4 devices, 2 to a model", SHORT)
    assert found["largest_difference_of_a_weight"] < 1e-5


@pytest.mark.backend
@pytest.mark.skipif(BACKEND != "torch", reason="others have it")
def test_on_torch_there_is_none(options_of):
    with pytest.raises(FlagError, match="--distribution: Keras has none on torch; set KERAS_BACKEND=jax"):
        open_distribution(options_of("--distribution=data"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Of the corpus that both views read."""
    return tmp_path_factory.mktemp("cache")


def test_parts_of_a_batch_are_the_batch(options_of, cache):
    """Whatever is drawn at random: every row has its own numbers. Nobody reads the rows of another."""
    flags = ("--view=utterance", "--dataset=synthetic_tiny", "--phone_weight=0", "--position=rotary", "--speed=0.1")
    drawn = ("--noise=1", "--gain=0.5", "--time_masks=2", "--consistency=0.2", "--batch_multiple=4")
    setup = prepare(options_of(*flags, *drawn, f"--cache_dir={cache}", "--batch_seconds=80"))
    for step in (0, 3):
        whole = setup.batches[step]
        parts = [setup.batches.shared(Share(i, 4))[step] for i in range(4)]
        for i, side in enumerate(whole):
            for name, values in side.items():
                np.testing.assert_array_equal(np.concatenate([part[i][name] for part in parts]), values, name)


def test_parts_of_a_batch_of_windows_are_the_batch_but_for_its_padding(options_of, cache):
    from keras_stt.train.window.setup import prepare

    drawn = ("--task=infill", "--tempo=0.1", "--noise=1", "--batch_multiple=4")
    setup = prepare(options_of("--flagfile=flags/tiny.cfg", f"--cache_dir={cache}", *drawn))
    inputs, targets = setup.batches[2]
    parts = [setup.batches.shared(Share(i, 4))[2] for i in range(4)]
    frames = inputs["features"].shape[1]
    assert len({part["features"].shape for part, _ in parts}) == 1
    features = np.concatenate([part["features"] for part, _ in parts])
    np.testing.assert_array_equal(features[:, :frames], inputs["features"])
    assert not features[:, frames:].any()
    for name in ("feature_lengths", "token_ids"):
        np.testing.assert_array_equal(np.concatenate([part[name] for part, _ in parts]), inputs[name])
    for name, values in targets.items():
        np.testing.assert_array_equal(np.concatenate([part[name] for _, part in parts]), values)


def test_the_mean_loss_of_weighted_parts_is_that_of_the_batch(options_of, tmp_path):
    """Of texts of unequal length, and phones that are known of one utterance in four."""
    manifest = write_tone_manifest(tmp_path)
    manifest.write_text(manifest.read_text().replace(spelt(TEXTS[0]), spelt(TEXTS[0][:1])))
    for i in range(1, 4):
        (tmp_path / f"train-{i}.TextGrid").unlink()
    given = ("--view=utterance", "--dataset=manifest", f"--data_dir={manifest}", f"--cache_dir={tmp_path}/cache")
    asked = (f"--alignment_dir={tmp_path}", "--phone_weight=1", "--consistency=0.2", "--subsampling=2")
    batches = prepare(options_of(*given, *asked, "--batch_multiple=4", "--position=rotary")).batches
    inputs, targets = batches[0]
    rng = np.random.default_rng(0)
    steps = inputs["features"].shape[1] // 2 + 1
    said = {head: rng.standard_normal((*target.shape[:1], steps, 20)) for head, target in targets.items()}
    said["phones"] = said["phones"][:, : targets["phones"].shape[1]]
    losses = dict.fromkeys(targets, TokenCTC(0.2))
    losses["phones"] = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    parts = [batches.shared(Share(i, 4)) for i in range(4)]
    assert len({float(part.share_weights(0)["draft"][0]) for part in parts}) == 2
    for head, loss in losses.items():
        apart = []
        for part, logits in zip(parts, np.split(said[head], 4), strict=True):
            apart.append(float(loss(part[0][1][head], logits, part.share_weights(0)[head])))
        np.testing.assert_allclose(np.mean(apart), float(loss(targets[head], said[head])), rtol=1e-5, err_msg=head)


def test_shares_are_equal_or_refused(options_of):
    assert [list(Share(i, 3).rows(6)) for i in range(3)] == [[0, 1], [2, 3], [4, 5]]
    with pytest.raises(ValueError, match="a batch of 7 cannot be shared by 3"):
        Share(0, 3).rows(7)
    four = open_distribution(options_of())
    four.replicas = 4
    with pytest.raises(FlagError, match="--batch_multiple: 4 replicas share a batch, whose size is a multiple of 2"):
        require_equal_shares(2, four)
    require_equal_shares(8, four)
    with pytest.raises(FlagError, match="--batch_size: 6 is no multiple of --batch_multiple=4"):
        options_of("--batch_size=6", "--batch_multiple=4")


@pytest.fixture
def environment(monkeypatch):
    for name in ("NUM_PROCESSES", "PROCESS_ID", "JOB_ADDRESSES"):
        monkeypatch.delenv(f"KERAS_DISTRIBUTION_{name}", raising=False)
    return lambda name, value: monkeypatch.setenv(f"KERAS_DISTRIBUTION_{name}", value)


def test_flags_or_the_environment_say_which_process_this_is(environment):
    assert job_of(0, -1, "") == Job(1, 0, "")
    assert job_of(3, -1, "") == Job(3, None, "")
    assert job_of(2, 1, "a:1,b:2") == Job(2, 1, "a:1,b:2")
    for name, value in (("NUM_PROCESSES", "4"), ("PROCESS_ID", "2"), ("JOB_ADDRESSES", "a:1")):
        environment(name, value)
    assert job_of(0, -1, "") == Job(4, 2, "a:1")
    assert job_of(8, 7, "b:1") == Job(8, 7, "b:1")
    with pytest.raises(FlagError, match="--process_id: 4 of 4 processes; they are numbered from 0"):
        job_of(0, 4, "")


def test_processes_that_do_not_know_where_to_meet_are_told(environment):
    with pytest.raises(FlagError, match="--job_addresses: where do 2 processes meet"):
        job_of(2, 0, "")
    environment("NUM_PROCESSES", "two")
    with pytest.raises(FlagError, match="the environment variable KERAS_DISTRIBUTION_NUM_PROCESSES is 'two'"):
        job_of(0, -1, "")


LAUNCHER = (
    "import sys; from keras_stt.cli.launch import launch; from keras_stt.train.distribution.job import Job\n"
    "sys.exit(launch(Job(2, None), sys.argv[1:]))"
)


def program(text):
    return ["python", "-c", f"import os, signal, time\nme = os.environ['KERAS_DISTRIBUTION_PROCESS_ID']\n{text}"]


def test_all_that_were_launched_end_when_one_dies(environment, capfd):
    dies = "time.sleep(0.2)\nif me == '1': os.kill(os.getpid(), signal.SIGKILL)\ntime.sleep(60)"
    assert launch(Job(3, None), program(dies)) == 1
    assert "process 1 of 3 was killed by SIGKILL; the others were stopped; --resume" in capfd.readouterr().err


def test_a_signal_comes_to_all_once_and_all_stop_in_good_order(environment, capfd):
    """As Ctrl-C in a terminal does, it comes to the whole group of the one that has launched them."""
    stops = (
        "asked = []\nsignal.signal(signal.SIGINT, lambda *_: asked.append(1))\nopen(f'{here}/{me}', 'w').close()\n"
        "while not asked: time.sleep(0.01)\ntime.sleep(0.5 + int(me))\nprint('asked', len(asked), flush=True)\n"
        "exit(130)"
    )
    with tempfile.TemporaryDirectory() as here:
        command = [sys.executable, "-c", LAUNCHER, *program(f"here = {here!r}\n{stops}")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True, cwd=ROOT)
        while len(os.listdir(here)) < 2:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "asked 1\n")


def test_launched_processes_end_with_the_one_that_launched_them(environment, tmp_path):
    if sys.platform != "linux":
        pytest.skip("Linux alone tells children that their parent is gone")
    waits = f"open(f'{tmp_path}/' + str(os.getpid()), 'w').close()\ntime.sleep(300)"
    process = subprocess.Popen([sys.executable, "-c", LAUNCHER, *program(waits)], cwd=ROOT)
    while len(list(tmp_path.iterdir())) < 2:
        time.sleep(0.05)
    children = [int(path.name) for path in tmp_path.iterdir()]
    process.kill()
    process.wait()
    until = time.monotonic() + 20
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_an_error_that_all_have_is_not_explained_again(environment, capfd):
    assert launch(Job(2, None), program("exit(2)")) == 2
    assert capfd.readouterr().err == ""


def test_launched_processes_know_their_place(environment, capfd):
    place = "print(me, os.environ['KERAS_DISTRIBUTION_NUM_PROCESSES'], os.environ['KERAS_DISTRIBUTION_JOB_ADDRESSES'])"
    assert launch(Job(2, None), program(place)) == 0
    said = capfd.readouterr().out.split()
    assert said[:2] == ["0", "2"]
    assert len(set(said[2].split(","))) == 2
    assert os.environ.get("KERAS_DISTRIBUTION_PROCESS_ID") is None
