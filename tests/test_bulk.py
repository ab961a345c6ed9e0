"""Much audio by Ray: what one process would have made, whoever is killed in the middle."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from conftest import write_tone_records
from tone_manifest import write_tone_manifest

from keras_stt.audio import SAMPLE_RATE
from keras_stt.bulk.engine import Engine, connected
from keras_stt.bulk.work import JOURNAL
from keras_stt.cli.main import main
from keras_stt.data import feature_store
from keras_stt.data.sources.options import SPLITS
from keras_stt.train import corpus as corpus_module
from keras_stt.train.corpus import open_splits
from keras_stt.train.utterance.setup import prepare

pytest.importorskip("ray", reason='ray is not installed: pip install "keras_stt[cluster]"')
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of Ray
]
VIEW = ("--view=utterance", "--model_dim=16", "--attention_heads=2", "--batch_seconds=10", "--position=rotary")
LONG = 400  # seconds of the recordings at which workers are killed: nobody has heard one before that
LONG_ONES = (3, 5)  # the second in their parts of two: whichever part comes first, one of them has a part before it
PATIENCE = 120  # seconds for what takes some


@pytest.fixture(scope="module")
def ray():
    """The local Ray that all tests here share."""
    with connected(Engine(workers=2)) as found:
        yield found


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    """The path of an untrained utterance model."""
    import keras

    from keras_stt.recognizer import UtteranceRecognizer
    from keras_stt.tokens import CharacterTokens

    keras.utils.set_random_seed(0)
    tokens = CharacterTokens("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    size = {"model_dim": 16, "audio_blocks": 2, "attention_heads": 2, "refiner_blocks": 1, "mel_bands": 20}
    path = tmp_path_factory.mktemp("model") / "model.keras"
    UtteranceRecognizer(tokens.to_config(), tokens.size, **size).save(path)
    return str(path)


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> Path:
    """Seven recordings, the third of which is none and two of which are long."""
    folder = tmp_path_factory.mktemp("speech")
    records = write_tone_records(folder, [3, 4, 1, 1, 5, 2, 4])
    (folder / "2.wav").write_text("this is no sound")
    short, _ = soundfile.read(records[3].audio.path, dtype="float32")
    for number in LONG_ONES:
        sound = np.resize(short, LONG * SAMPLE_RATE)
        soundfile.write(folder / f"{number}.wav", sound, SAMPLE_RATE, subtype="PCM_16")
    return folder


def arguments(model, speech, output) -> list[str]:
    return ["bulk", "transcribe", model, str(speech), f"--output={output}", "--part_size=2", "--passes=0"]


def at_a_long_one(parts: Path) -> int | None:
    """A process that is at a long recording; None where none is."""
    for journal in parts.glob(f"00000[12]-*{JOURNAL}"):
        with contextlib.suppress(OSError, IndexError):
            _, process, number = journal.read_text().splitlines()[-1].split()
            if number == "1":
                return int(process)
    return None


def wait_for(condition):
    """What `condition` gives when it gives something."""
    for _ in range(PATIENCE * 20):
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError(condition)


def alive(process: int) -> bool:
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    return False


@pytest.fixture(scope="module")
def killed(ray, model, speech, tmp_path_factory) -> SimpleNamespace:
    """A bulk transcription whose command is killed in the middle; which is run again, and loses a worker in the middle.

    Both die at a long recording.
    """
    output = tmp_path_factory.mktemp("output")
    parts = output / "parts"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = subprocess.Popen(
        [sys.executable, "-m", "keras_stt", *arguments(model, speech, output), "--workers=1"],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    orphan = wait_for(lambda: any(parts.glob("*.part")) and at_a_long_one(parts))
    command.kill()
    os.kill(orphan, signal.SIGKILL)  # as a machine that goes down would; by itself it may finish its part first
    command.wait()
    wait_for(lambda: not alive(orphan))
    made = {path: path.stat().st_mtime_ns for path in parts.glob("*.part")}
    victims = []

    def kill_a_worker():
        known = {orphan, None}
        victims.append(wait_for(lambda: {at_a_long_one(parts)} - known).pop())
        os.kill(victims[0], signal.SIGKILL)

    killer = threading.Thread(target=kill_a_worker)
    killer.start()
    code = main([*arguments(model, speech, output), "--workers=2"])
    killer.join()
    return SimpleNamespace(output=output, parts=parts, made=made, victims=victims, code=code)


def lines_of(path) -> list[dict]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def without_confidence(line: dict) -> dict:
    words = [{name: word[name] for name in ("word", "start", "end")} for word in line.get("words", [])]
    return {**line, "words": words}


def test_what_was_made_before_the_command_was_killed_is_not_made_again(killed):
    assert 1 <= len(killed.made) < 4
    assert {path: path.stat().st_mtime_ns for path in killed.made} == killed.made
    assert len(list(killed.parts.glob("*.part"))) == 4


def test_each_recording_is_there_once_though_a_worker_was_killed_at_one(killed, speech):
    assert not alive(killed.victims[0])
    lines = lines_of(killed.output / "transcripts.jsonl")
    assert [line["file"] for line in lines] == [str(speech / f"{i}.wav") for i in range(7)]
    assert not list(killed.parts.glob(f"*{JOURNAL}"))


def test_a_bad_recording_is_reported_and_the_exit_code_tells(killed):
    failed = [line for line in lines_of(killed.output / "transcripts.jsonl") if "error" in line]
    assert [Path(line["file"]).name for line in failed] == ["2.wav"]
    assert "cannot be read as audio" in failed[0]["error"]
    assert killed.code == 1


def test_transcripts_are_those_of_the_plain_command(killed, model, speech, capsys):
    files = [
        str(speech / f"{i}.wav") for i in range(7) if i not in (2, *LONG_ONES)
    ]  # which would take their time again
    assert main(["transcribe", model, *files, "--format=jsonl", "--passes=0"]) == 0
    plain = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    ours = [line for line in lines_of(killed.output / "transcripts.jsonl") if line["file"] in files]
    assert list(map(without_confidence, ours)) == list(map(without_confidence, plain))
    sure, surely = ([word["confidence"] for line in lines for word in line["words"]] for lines in (ours, plain))
    assert sure
    np.testing.assert_allclose(sure, surely, atol=2e-4)


def test_run_again_nothing_is_done_and_the_result_is_the_same(killed, model, speech, capsys):
    before = (killed.output / "transcripts.jsonl").read_bytes()
    assert main(arguments(model, speech, killed.output)) == 1
    assert "7 recordings, 1 failed; 0 of 4 parts made now" in capsys.readouterr().out
    assert (killed.output / "transcripts.jsonl").read_bytes() == before


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """Four utterances in each split, one of train's a file that cannot be decoded. Returns the manifest."""
    folder = tmp_path_factory.mktemp("corpus")
    manifest = write_tone_manifest(folder)
    soundfile.write(folder / "whole.flac", *soundfile.read(folder / "0.wav"))
    encoded = (folder / "whole.flac").read_bytes()
    (folder / "cut.flac").write_bytes(encoded[: len(encoded) // 2])
    lines = manifest.read_text().splitlines()
    manifest.write_text(
        "\n".join([*lines[:-1], lines[-1], lines[0].replace("train-0", "cut").replace("0.wav", "cut.flac")])
    )
    return manifest


@pytest.fixture(scope="module")
def prepared(ray, corpus, model, tmp_path_factory) -> Path:
    output = tmp_path_factory.mktemp("prepared")
    flags = ["--dataset=manifest", f"--data_dir={corpus}", f"--alignment_model={model}", "--mel_bands=20"]
    assert main(["bulk", "prepare", *flags, f"--output={output}", "--part_size=2", "--workers=2"]) == 0
    return output


def test_training_reads_what_was_prepared_and_computes_nothing(prepared, options_of, monkeypatch):
    def never(*_):
        raise AssertionError("computed again")

    monkeypatch.setattr(feature_store, "log_mel", never)
    monkeypatch.setattr(corpus_module, "build_indexes", never)
    setup = prepare(options_of(*VIEW, f"--flagfile={prepared / 'corpus.cfg'}"))
    inputs, _ = setup.batches[0]
    assert inputs["features"].any()


def test_it_is_what_training_makes_by_itself(prepared, options_of, tmp_path):
    options = options_of(*VIEW, f"--flagfile={prepared / 'corpus.cfg'}")
    ours, own = (open_splits(dataclasses.replace(options, cache_dir=str(place))) for place in (prepared, tmp_path))
    for split in SPLITS:
        assert ours[split].index.content == own[split].index.content
        assert ours[split].index.skipped == own[split].index.skipped
        assert ours[split].features.skipped == own[split].features.skipped
        np.testing.assert_array_equal(ours[split].features.starts, own[split].features.starts)
        for row in range(len(own[split].index)):
            np.testing.assert_array_equal(ours[split].features[row], own[split].features[row])
    assert len(ours["train"].index) + ours["train"].index.skipped.get("no word times", 0) == 5


def test_the_stm_and_ctm_files_are_a_corpus_of_their_own(prepared, options_of, tmp_path):
    places = (f"--data_dir={prepared / 'stm'}", f"--alignment_dir={prepared / 'stm'}", f"--cache_dir={tmp_path}")
    again = open_splits(options_of(*VIEW, "--dataset=stm", "--alignment=ctm", "--mel_bands=20", *places))
    ours = open_splits(options_of(*VIEW, f"--flagfile={prepared / 'corpus.cfg'}"))
    for split in SPLITS:
        assert [record.text for record in again[split].index] == [record.text for record in ours[split].index]
        for one, other in zip(again[split].index, ours[split].index, strict=True):
            np.testing.assert_allclose(one.word_times, other.word_times, atol=2e-4)
            assert not one.times_guessed


def test_prepared_again_nothing_is_made(prepared, corpus, model, capsys):
    files = [path for path in prepared.rglob("*") if path.name in ("meta.json", "frames.f16", "records.jsonl")]
    assert len(files) == 12
    before = {path: path.stat().st_mtime_ns for path in files}
    flags = ["--dataset=manifest", f"--data_dir={corpus}", f"--alignment_model={model}", "--mel_bands=20"]
    assert main(["bulk", "prepare", *flags, f"--output={prepared}"]) == 0
    assert {path: path.stat().st_mtime_ns for path in files} == before
    assert "train on it" in capsys.readouterr().out
    assert not list(prepared.rglob("*.part"))


def test_an_output_within_the_corpus_is_refused(corpus, capsys):
    assert (
        main(["bulk", "prepare", "--dataset=manifest", f"--data_dir={corpus.parent}", f"--output={corpus.parent}/x"])
        == 2
    )
    assert "--output" in capsys.readouterr().err
