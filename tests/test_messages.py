"""What people get wrong is told in one line, with what mends it, and without a traceback."""

import functools
import json
import shlex
import subprocess
import sys

import pytest
from conftest import write_tone_records

from keras_stt.cli.main import main

MODEL = "digits-small"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the commands below name: a recording, files that are none, and folders without what is looked for."""
    folder = tmp_path_factory.mktemp("wrong")
    write_tone_records(folder, [2])  # 0.wav
    (folder / "text.wav").write_text("no sound")
    (folder / "empty.wav").touch()
    (folder / "empty.txt").touch()
    (folder / "model.txt").write_text("no model")
    (folder / "nothing").mkdir()
    (folder / "words.txt").write_text("one two\n")
    (folder / "bad.jsonl").write_text("{\n")
    (folder / "own.jsonl").write_text(json.dumps({"id": "a", "audio": "0.wav", "text": "one", "split": "test"}))
    (folder / "file").touch()
    return folder


@pytest.fixture(autouse=True)
def loaded_once(monkeypatch):
    """The model that most commands name is loaded once for all of them."""
    monkeypatch.setattr("keras_stt.recognizer.load_model", load_once)


@functools.cache
def load_once(path):
    from keras_stt.recognizer.loading import load_model

    return load_model(path)


# Commands, in which {} is the folder, and what must be told.
WRONG = [
    # The model.
    ("transcribe librispech-small {}/0.wav", "no such model; did you mean librispeech-small?"),
    (
        "transcribe {}/none.keras {}/0.wav",
        "no such model; give the folder of a training run, or the model.keras in it, or a name",
    ),
    ("transcribe {}/nothing {}/0.wav", "nothing/model.keras: no such model"),
    ("transcribe {}/model.txt {}/0.wav", "model.txt: cannot be loaded as a Keras model"),
    ("transcribe digits-words {}/0.wav", "word n-grams, no model; give them as language_model"),
    ("align {}/nothing {}/0.wav one", "no such model"),
    ("export {}/nothing {}/out", "no such model"),
    ("evaluate {}/nothing --dataset=manifest --data_dir={}/own.jsonl", "no such model"),
    ("bulk transcribe {}/nothing {}/0.wav --output={}/out", "no such model"),
    # Recordings.
    (f"transcribe {MODEL} {{}}/none.wav", "none.wav: cannot be read as audio (no such file); give a FLAC"),
    (f"transcribe {MODEL} {{}}/text.wav", "text.wav: cannot be read as audio"),
    (f"transcribe {MODEL} {{}}/empty.wav", "empty.wav: "),
    (f"fill {MODEL} {{}}/none.wav ___", "none.wav: cannot be read as audio (no such file)"),
    (f"bulk transcribe {MODEL} --output={{}}/out", "give files or folders that have some"),
    (f"bulk transcribe {MODEL} --list={{}}/none.txt --output={{}}/out", "--list: "),
    (f"bulk transcribe {MODEL} --list={{}}/empty.txt --output={{}}/out", "give"),
    # Texts.
    (f"align {MODEL} {{}}/0.wav {{}}/none.txt", "none.txt: cannot be read"),
    (f"align {MODEL} {{}}/0.wav ''", "it has no words"),
    (f"align {MODEL} {{}}/0.wav 1", "the model has no 1"),
    (f"fill {MODEL} {{}}/0.wav ...", "write one such as THE ___ BROWN FOX"),
    ("ngrams {}/none.txt {}/out.npz", "none.txt: cannot be read"),
    ("ngrams {}/empty.txt {}/out.npz", "empty.txt"),
    ("ngrams {}/words.txt {}/out.bin", "give a name that ends in .npz"),
    ("ngrams {}/words.txt {}/nowhere/out.npz", "out.npz: cannot be written"),
    ("ngrams {}/words.txt {}/out.npz --order=0", "give 1 to 4 words"),
    # Numbers.
    (f"transcribe {MODEL} {{}}/0.wav --passes=-1", "--passes: -1 passes; give 0 or more"),
    (f"transcribe {MODEL} {{}}/0.wav --hop_ms=1", "--hop_ms: 1 ms; give 10 or more"),
    (f"transcribe {MODEL} {{}}/0.wav --candidates=9", "--candidates: 9; give 1 to 7"),
    (f"transcribe {MODEL} {{}}/0.wav --beam=5", "give --language_model too"),
    (f"transcribe {MODEL} {{}}/0.wav --language_model=none", "none: no such language model"),
    (f"export {MODEL} {{}}/out --passes=-1", "give 0 for the draft, or more"),
    (f"export {MODEL} {{}}/out --format=tflite", "give one of saved_model"),
    (f"bulk transcribe {MODEL} {{}}/0.wav --output={{}}/out --part_size=0", "--part_size: 0; give 1 or more"),
    (f"bulk transcribe {MODEL} {{}}/0.wav --output={{}}/out --workers=-1", "--workers: "),
    ("compare flags/tiny.cfg --output_dir={}/out --seeds=0", "--seeds: 0 is too few; give 1 or more"),
    ("words synthetic_tiny --top=-1", "--top: -1 words; give 0 or more"),
    # Corpora.
    ("words libri_speech", "unknown dataset 'libri_speech'"),
    ("words", "give either the name of a corpus or --text=FILE"),
    ("words manifest", "--data_dir: is needed by --dataset=manifest"),
    ("words manifest --data_dir={}/none.jsonl", "no such file or folder"),
    ("words manifest --data_dir={}/bad.jsonl", "bad.jsonl"),
    ("words librispeech_folder --data_dir={}/nothing", "--data_dir: no LibriSpeech transcripts in"),
    ("words --text={}/none.txt", "none.txt: cannot be read"),
    ("words --text {}/words.txt --output_dir={}/file/x", "--output_dir: "),
    ("listen manifest b --data_dir={}/own.jsonl", "no utterance 'b'"),
    ("listen manifest a --data_dir={}/own.jsonl --word=0", "counted from 1"),
    ("listen manifest a --data_dir={}/own.jsonl --alignment_dir={}/none", "--alignment_dir: no folder"),
    ("stm {}/nothing {}/out.stm", "give a LibriSpeech folder"),
    ("compare {}/none.cfg --output_dir={}/out", "none.cfg: cannot be read as a flagfile"),
    (f"evaluate {MODEL} --dataset=manifest --data_dir={{}}/own.jsonl --output_dir={{}}/file", "--output_dir: "),
    (f"evaluate {MODEL} --dataset=manifest --data_dir={{}}/own.jsonl --split=dev", "--split: "),
]


@pytest.mark.parametrize(("command", "told"), WRONG, ids=[command for command, _ in WRONG])
def test_wrong_input_is_one_line_that_names_the_fix(command, told, folder, capsys):
    code = main(shlex.split(command.replace("{}", str(folder))))
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert captured.err.startswith("keras-stt: ")
    assert captured.err.count("\n") == 1, captured.err
    assert told in captured.err
    assert not (folder / "out").exists()


def test_a_pattern_without_a_gap_is_told(folder, capsys):
    assert main(["fill", MODEL, str(folder / "0.wav"), "ONE"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "ONE\n"
    assert (
        captured.err
        == "keras-stt: no gap in the pattern, so nothing was filled in; write ___ where words are missing\n"
    )


@pytest.mark.parametrize(
    "flags", [["--dataset=librispeech_folder"], ["--dataset=manifest", "--alignment=textgrid", "--alignment_dir=none"]]
)
def test_refused_training_names_the_corpus_first_and_leaves_no_folder(flags, options_of, tmp_path):
    from keras_stt.errors import FlagError
    from keras_stt.train.run import train

    for name in ("new", "old"):
        folder = tmp_path / name
        if name == "old":
            folder.mkdir()
        options = options_of(
            "--flagfile=flags/tiny.cfg", *flags, f"--output_dir={folder}", f"--cache_dir={tmp_path}/cache"
        )
        with pytest.raises(FlagError, match="--data_dir: is needed by"):
            train(options, "--seed=1\n")
        assert folder.exists() == (name == "old")


@pytest.mark.parametrize(
    ("module", "fix"),
    [("torch", "pip install torch, or name another"), ("no_such_module.part", "pip install no_such_module")],
)
def test_a_package_that_is_missing_is_told_with_what_installs_it(module, fix, monkeypatch, capsys):
    def missing(path):
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr("keras_stt.recognizer.load_model", missing)
    assert main(["transcribe", MODEL, "a.wav"]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"keras-stt: {module.partition('.')[0]} is not installed: {fix}")
    assert told.count("\n") == 1


def test_the_extra_of_a_package_is_named(monkeypatch):
    from keras_stt.cli.backend import missing_backend

    lines = ["numpy>=2.4", "ray[data]>=2.60; extra == 'cluster'", 'ai-edge-litert>=2.3; extra == "export"']
    monkeypatch.setattr("importlib.metadata.requires", lambda name: lines)
    for module, extra in (("ray.data", "cluster"), ("ai_edge_litert", "export")):
        told = missing_backend(ModuleNotFoundError(name=module))
        assert told.endswith(f"is not installed: pip install 'keras_stt[{extra}]'")
    with pytest.raises(ModuleNotFoundError):
        missing_backend(ModuleNotFoundError(name="keras_stt.none"))


def test_a_missing_model_is_told_before_keras_is_imported():
    program = (
        "import sys; from keras_stt.cli.main import main\n"
        "for verb in (['transcribe', 'none', 'a'], ['align', 'none', 'a', 'b'], ['export', 'none', 'a']):\n"
        "    assert main(verb) == 2\n"
        "print('keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr.count("no such model")) == ("False\n", 3)
