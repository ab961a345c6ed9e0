"""A run from flags to everything it leaves behind, and the errors a user meets before it."""

import csv
import importlib
import json
import os
import subprocess
import sys
import types
from pathlib import Path

import keras
import numpy as np
import pytest
from absl import logging
from absl.testing import flagsaver

import keras_stt
from keras_stt.evidence.folder import read_examples
from keras_stt.report import write_run_report
from keras_stt.report.results import read_results
from keras_stt.train.checkpoints import Checkpoint

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the pipeline is tf.data")


SHORT = ("--epochs=1", "--steps_per_epoch=2", "--test_utterances=1")
TINY = f"--flagfile={ROOT}/flags/tiny.cfg"


def run_process(*flags, timeout=240):
    """train_main.py as a user starts it: `returncode`, `stdout` and `stderr`."""
    command = [sys.executable, str(ROOT / "train_main.py"), TINY, *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=ROOT)


@pytest.fixture
def run(train_flags, monkeypatch, capfd):
    """Runs the main of train_main.py in this process, which has Keras already, and returns what a process does."""
    import train_main

    # It defines flags of its own, which would be gone again with what is changed below.
    importlib.import_module("array_record.python.array_record_data_source")

    monkeypatch.chdir(ROOT)
    verbosity = logging.get_verbosity()

    def run(*flags):
        capfd.readouterr()
        with flagsaver.flagsaver():
            code = train_main.main(train_flags(["train_main.py", TINY, "--nogradient_norms", *flags]))
        told = capfd.readouterr()
        return types.SimpleNamespace(returncode=code, stdout=told.out, stderr=told.err)

    yield run
    logging.set_verbosity(verbosity)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def finished(cache, tmp_path_factory):
    """The folder of a run of two epochs, with its export."""
    output = tmp_path_factory.mktemp("run")
    result = run_process(f"--cache_dir={cache}", f"--output_dir={output}", "--export")
    assert result.returncode == 0, result.stderr
    assert "on whole utterances; " in result.stdout.splitlines()[-1]
    assert "Warning" not in result.stderr, result.stderr
    return output


def test_a_run_leaves_what_the_readme_promises(finished):
    names = {"model.keras", "flags.cfg", "history.csv", "summary.json", "report.html", "checkpoint", "export"}
    names |= {"results.jsonl", "train_words.csv", "utterances"}
    assert names <= {path.name for path in finished.iterdir()}
    summary = json.loads((finished / "summary.json").read_text())
    promised = (
        "task dataset backend parameters seed epochs steps train_seconds train_cpu_seconds first_step_seconds "
        "audio_hours_per_hour peak_memory_mb dev_wer test_wer test_wer_interval test_cer loss unigram_loss "
        "skipped_records versions"
    )
    assert set(promised.split()) <= set(summary)
    assert summary["steps"] == 12
    low, high = summary["test_wer_interval"]
    assert low <= summary["test_wer"] <= high
    with (finished / "history.csv").open() as file:
        history = list(csv.DictReader(file))
    assert [row["epoch"] for row in history] == ["1", "2"]
    assert float(history[1]["tokens_loss"]) < float(history[0]["tokens_loss"])
    assert summary["export"]["largest_logit_difference"] < 1e-4


def test_a_run_keeps_utterances_to_look_at(finished):
    examples = [example for example, _ in read_examples(finished / "utterances")]
    assert len(examples) == 4
    for example in examples:
        assert len(example.reference_times) == len(example.reference.split())
        truth = [word for masked in example.masked for word in masked.truth if word != "<sil>"]
        assert truth == example.reference.split()  # windows side by side, in order
        spans = [span for picture in example.pictures for span in picture.spans if span]
        assert spans == list(example.reference_times)
        for masked in example.masked:
            assert all(slot.hidden for slot in masked.passes[0])  # the task is to transcribe
    report = (finished / "report.html").read_text()
    assert report.count("data:audio/flac;base64,") == 4


def test_the_report_is_made_again_of_what_the_run_left(finished, tmp_path):
    page = finished / "report.html"
    assert write_run_report(finished, tmp_path / "again.html").read_bytes() == page.read_bytes()
    results = read_results(finished / "results.jsonl")
    summary = json.loads((finished / "summary.json").read_text())
    assert len(results) == summary["test_utterances"] == 4
    assert sum(result.counts.edits for result in results) / summary["test_words"] == pytest.approx(summary["test_wer"])
    source = page.read_text()
    for part in ("The run left no", "svg"):
        assert (part in source) == (part == "svg")
    for part in ("WER by speaker", "WER by frequency", "Most frequent errors", "gradient norm", "entropy of pred"):
        assert part in source


def test_the_model_transcribes_files_and_arrays_alike(finished, tmp_path):
    import soundfile

    model = keras_stt.load_model(finished)
    samples = (0.1 * np.random.default_rng(0).standard_normal(40_000)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    assert model.transcribe(tmp_path / "a.wav").text == model.transcribe(samples, 16_000).text
    assert "--text_context=4" in model.training_record["flags"]
    assert model.training_record["test_wer"] == json.loads((finished / "summary.json").read_text())["test_wer"]


def test_the_flags_it_left_give_the_same_model_again_if_stopped_and_resumed(finished, run, tmp_path, monkeypatch):
    """Stopped after one of two epochs and resumed, a run ends where an unbroken one of the same flags does."""
    write = Checkpoint.on_epoch_end

    def stop(self, epoch, logs=None):
        write(self, epoch, logs)
        raise KeyboardInterrupt

    flags = (f"--flagfile={finished}/flags.cfg", f"--output_dir={tmp_path}", "--noexport", "--test_utterances=1")
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "on_epoch_end", stop)
        assert run(*flags).returncode == 130
    assert not (tmp_path / "model.keras").exists()
    result = run(*flags, "--resume")
    assert result.returncode == 0, result.stderr
    first, again = (keras_stt.load_model(folder).get_weights() for folder in (finished, tmp_path))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_infill_reports_what_it_heard(run, cache, tmp_path):
    flags = ("--task=infill", "--mask_from=0.5", "--mask_schedule=linear", "--passes=2", *SHORT)
    result = run(*flags, f"--cache_dir={cache}", f"--output_dir={tmp_path}")
    assert result.returncode == 0, result.stderr
    heard = json.loads((tmp_path / "summary.json").read_text())["dev_masked_words"]
    assert {"masked_error", "unigram_error", "shuffled_audio_error", "masked_words"} == set(heard)
    assert heard["masked_words"] > 0


def test_the_identity_test_of_the_diary_passes_and_trains_nothing(run, cache, tmp_path):
    result = run("--task=identity", "--loss=mse", f"--cache_dir={cache}", f"--output_dir={tmp_path}")
    assert result.returncode == 0, result.stderr
    assert "healthy: the loss is sound: a perfect answer scores" in result.stdout
    summary = json.loads((tmp_path / "check.json").read_text())
    assert summary["perfect_loss"] < summary["one_wrong_loss"] < summary["commonest_loss"]
    assert not (tmp_path / "model.keras").exists()


def test_a_single_utterance_of_dev_is_told_before_training(run, cache, tmp_path):
    import soundfile

    from keras_stt.data.espeak import speak

    said = speak("turn the light on")
    rows = ["audio,text,speaker,split"]
    for name, split in (("a", "train"), ("b", "train"), ("c", "dev"), ("d", "test")):
        soundfile.write(tmp_path / f"{name}.wav", said.samples, said.sample_rate)
        rows.append(f"{name}.wav,turn the light on,{split},{split}")
    (tmp_path / "all.csv").write_text("\n".join(rows))
    corpus = ("--dataset=manifest", f"--data_dir={tmp_path}/all.csv", "--audio_context=16")
    result = run(*corpus, f"--cache_dir={cache}", f"--output_dir={tmp_path}/run")
    assert result.returncode == 2
    assert "manifest: dev has a single utterance; give dev two or more" in result.stderr.splitlines()[-1]


def test_a_healthy_set_up_learns_one_batch_by_heart(run, cache, tmp_path):
    flags = ("--task=autoencode", "--overfit_batches=1", f"--cache_dir={cache}", f"--output_dir={tmp_path}")
    result = run(*flags)
    assert result.returncode == 0, result.stdout + result.stderr
    summary = json.loads((tmp_path / "check.json").read_text())
    assert summary["dev_wer"] == 0
    assert summary["dev_nats"] < 0.01
    assert summary["healthy"]


def test_an_ill_set_up_is_called_ill(run, cache, tmp_path):
    """Deaf and asked for all words, it can at best learn which word stands where in most windows."""
    flags = ("--blocks=0", "--overfit_batches=2", f"--cache_dir={cache}", f"--output_dir={tmp_path}")
    result = run(*flags)
    assert result.returncode == 1, result.stderr
    assert "not healthy: after" in result.stdout


def test_a_deaf_model_on_a_budget_is_stopped_and_its_flags_give_it_again(run, cache, tmp_path):
    flags = ("--blocks=0", "--stop_on_collapse", "--budget_cpu_s=15", "--epochs=8", "--warmup_steps=10")
    result = run(*flags, f"--cache_dir={cache}", f"--output_dir={tmp_path}")
    assert result.returncode == 0, result.stderr
    assert "the model does not listen" in result.stdout
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["epochs"] < 8
    assert "collapse" in summary["collapse"]["stopped_because"]
    assert summary["test_wer"] > 0.8
    kept = (tmp_path / "flags.cfg").read_text()
    assert "--budget_cpu_s" not in kept
    assert f"--steps_per_epoch={summary['steps'] // summary['epochs']}" in kept


def test_a_task_that_is_given_the_text_is_measured_on_windows(run, cache, tmp_path):
    result = run("--task=last_word", *SHORT, f"--cache_dir={cache}", f"--output_dir={tmp_path}")
    assert result.returncode == 0, result.stderr
    assert "on words asked for in windows" in result.stdout
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["test_wer"] == summary["test_window_masked_error"]
    assert summary["dev_masked_words"]["masked_words"] > 0


def one_line(result) -> str:
    """What is told where the input is wrong."""
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("train_main.py: ")
    return line


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--audio_context=4000"], "--audio_context: 4000 steps are"),  # the one for which Keras is imported
        (["--task=speak"], "--task: 'speak' is not one of"),
        (["--no_such_flag=1"], "--no_such_flag: no such flag"),
        (["--epochs=many"], "epochs"),
        (["word"], "'word' is no flag"),
    ],
)
def test_a_flag_that_makes_no_sense_gets_one_line(flags, expected, cache, tmp_path):
    result = run_process(f"--cache_dir={cache}", f"--output_dir={tmp_path}", *flags)
    assert expected in one_line(result)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--dataset=librispech"], "--dataset: unknown dataset 'librispech'"),
        (["--dataset=librispeech_folder", "--data_dir=/nowhere"], "--data_dir: "),
        (["--text_context=60"], "--text_context: 60 words, but the longest utterance has"),
        (["--resume"], "--resume: no checkpoint in"),
        (["--position=rotary", "--attention_heads=32"], "--attention_heads: rotary positions turn pairs"),
        (["--output_dir=/proc/run"], "--output_dir: /proc/run cannot be written"),
    ],
)
def test_flags_that_fit_no_corpus_no_folder_or_no_other_flag_get_one_line(run, flags, expected, cache, tmp_path):
    assert expected in one_line(run(f"--cache_dir={cache}", f"--output_dir={tmp_path}", *flags))


def test_a_backend_that_is_none_gets_one_line(tmp_path):
    command = [sys.executable, str(ROOT / "train_main.py"), f"--output_dir={tmp_path}"]
    environment = {**os.environ, "KERAS_BACKEND": "theano"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, env=environment)
    assert done.returncode == 2
    assert done.stderr == "train_main.py: KERAS_BACKEND 'theano': give one of tensorflow, jax, torch\n"
