"""The command line as it is typed: what it prints, its exit codes, and one line for what is wrong."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from conftest import write_tone_records

from keras_stt.cli.main import VERBS, build_parser, main
from keras_stt.cli.transcribe import HOP_MS

QUIET = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}


def keras_stt(*arguments, **environment):
    """Runs the command in a process of its own, with TensorFlow as chatty as it comes."""
    command = [sys.executable, "-m", "keras_stt", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**QUIET, **environment})


@pytest.fixture(scope="module")
def model_path(tiny_recognizer, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "model.keras"
    tiny_recognizer.save(path)
    return path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A manifest of three utterances, all for the test."""
    folder = tmp_path_factory.mktemp("corpus")
    records = write_tone_records(folder, [3, 1, 5])
    rows = [
        json.dumps({"id": record.id, "audio": record.audio.path, "text": record.text.lower(), "split": "test"})
        for record in records
    ]
    (folder / "all.jsonl").write_text("\n".join(rows))
    return folder / "all.jsonl"


@pytest.fixture
def recordings(corpus):
    return [corpus.parent / "0.wav", corpus.parent / "1.wav"]


def assert_input_error(capsys, message, *arguments):
    assert main([str(argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.startswith("keras-stt: ")
    assert captured.err.count("\n") == 1


def test_help_comes_at_once_and_lists_the_verbs():
    started = time.monotonic()
    done = keras_stt("--help")
    assert time.monotonic() - started < 3  # a fraction of a second where nothing else runs; Keras alone takes longer
    assert (done.returncode, done.stderr) == (0, "")
    assert all(verb in done.stdout and words in done.stdout for verb, words in VERBS.items())
    program = "import sys; from keras_stt.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    program += "print({'numpy', 'keras', 'tensorflow'} & set(sys.modules), file=sys.stderr)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stderr == "set()\n"


@pytest.mark.parametrize("verb", VERBS)
def test_the_list_of_verbs_says_what_the_verbs_say(verb):
    listed = build_parser(verb).format_help()
    assert " ".join(VERBS[verb].split()) in " ".join(listed.split())
    with pytest.raises(SystemExit, match="0"):
        build_parser(verb).parse_args([verb, "--help"])


def test_version(capsys):
    import keras_stt

    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"keras-stt {keras_stt.__version__}\n"


def test_the_hop_is_that_of_the_library():
    from keras_stt.transcribe import HOP_SECONDS

    assert round(1000 * HOP_SECONDS) == HOP_MS


@pytest.mark.slow
def test_transcribe_prints_text_and_nothing_else(model_path, recordings, tiny_recognizer):
    done = keras_stt("transcribe", model_path, recordings[0])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == tiny_recognizer.transcribe(recordings[0]).text + "\n"


def test_transcribe_of_many_goes_on_after_a_bad_file(model_path, recordings, tmp_path, tiny_recognizer, capsys):
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    assert main(["transcribe", str(model_path), *map(str, [recordings[0], bad, recordings[1]])]) == 1
    captured = capsys.readouterr()
    texts = [tiny_recognizer.transcribe(recording).text for recording in recordings]
    assert captured.out == "".join(f"{file}\t{text}\n" for file, text in zip(recordings, texts, strict=True))
    assert captured.err.startswith(f"keras-stt: {bad}: cannot be read as audio")
    assert captured.err.count("\n") == 1
    assert_input_error(capsys, "cannot be read as audio", "transcribe", model_path, bad)


def test_transcribe_to_json_lines(model_path, recordings, tiny_recognizer, capsys):
    options = ["--format=jsonl", "--passes=2", "--hop_ms=300"]
    assert main(["transcribe", str(model_path.parent), str(recordings[0]), *options]) == 0
    told = json.loads(capsys.readouterr().out)
    transcript = tiny_recognizer.transcribe(recordings[0], passes=2, hop_seconds=0.3)
    assert (told["file"], told["text"]) == (str(recordings[0]), transcript.text)
    assert [word["word"] for word in told["words"]] == transcript.text.split()
    assert told["duration"] == pytest.approx(transcript.duration, abs=1e-3)
    for word, expected in zip(told["words"], transcript.words, strict=True):
        assert word["start"] == pytest.approx(expected.start, abs=1e-3)
        assert word["end"] == pytest.approx(expected.end, abs=1e-3)
        assert 0 <= word["confidence"] <= 1


def test_evaluate_prints_and_writes(model_path, corpus, tmp_path, capsys):
    arguments = ["evaluate", model_path, "--dataset=manifest", f"--data_dir={corpus}", f"--output_dir={tmp_path}/out"]
    assert main([*map(str, arguments), "--limit=2"]) == 0
    printed = capsys.readouterr().out
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    lines = [json.loads(line) for line in (tmp_path / "out" / "utterances.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == ["u0", "u1"]
    assert [len(line["reference"].split()) for line in lines] == [3, 1]
    assert lines[0]["reference"].isupper()
    assert summary["utterances"] == 2
    assert (summary["dataset"], summary["split"], summary["passes"]) == ("manifest", "test", 1)
    edits = sum(line["substitutions"] + line["deletions"] + line["insertions"] for line in lines)
    assert summary["wer"] == pytest.approx(edits / 4)
    assert f"WER {summary['wer']:.2%}" in printed
    assert "95 % interval" in printed
    assert sum(printed.count(f"\n{line['id']}: ") for line in lines) == sum(line["hits"] < 99 for line in lines)


@pytest.mark.slow
def test_export_prints_the_largest_difference(model_path, tmp_path):
    done = keras_stt("export", model_path, tmp_path / "out", "--format=saved_model")
    assert (done.returncode, done.stderr) == (0, "")
    assert "largest difference of a logit" in done.stdout
    assert (tmp_path / "out" / "saved_model.pb").is_file()


@pytest.mark.slow
def test_wrong_input_is_one_line_in_a_process_too(tmp_path):
    (tmp_path / "model.keras").write_text("no model")
    done = keras_stt("transcribe", tmp_path, "a.wav")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"keras-stt: {tmp_path}/model.keras: cannot be loaded as a Keras model")
    assert done.stderr.count("\n") == 1


def test_wrong_input(model_path, corpus, tmp_path, capsys):
    assert_input_error(capsys, "no such model", "transcribe", tmp_path / "none", "a.wav")
    assert_input_error(capsys, "--passes: 0 passes; give 1 or more", "transcribe", model_path, "a.wav", "--passes=0")
    assert_input_error(capsys, "--hop_ms: 0 ms; give 10 or more", "transcribe", model_path, "a.wav", "--hop_ms=0")
    assert_input_error(capsys, "--hop_ms: nan ms", "transcribe", model_path, "a.wav", "--hop_ms=nan")
    evaluate = ["evaluate", model_path, f"--data_dir={corpus}"]
    assert_input_error(capsys, "did you mean manifest?", *evaluate, "--dataset=manifets")
    assert_input_error(capsys, "--limit: -1 utterances", *evaluate, "--dataset=manifest", "--limit=-1")
    assert_input_error(capsys, "no utterances in train", *evaluate, "--dataset=manifest", "--split=train")
    assert_input_error(capsys, "no such model", "evaluate", tmp_path, f"--data_dir={corpus}", "--dataset=manifest")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.tex").touch()
    assert_input_error(capsys, "is no earlier export", "export", model_path, tmp_path / "taken")


@pytest.mark.parametrize("arguments", [[], ["sing"], ["transcribe", "model.keras"], ["export", "a", "b", "--format=x"]])
def test_wrong_usage_is_told_without_a_traceback(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "error: " in capsys.readouterr().err


@pytest.mark.slow
def test_tensorflow_is_quiet_and_its_real_messages_are_not_lost():
    program = (
        "import sys; from keras_stt.cli.quiet import quiet_tensorflow; quiet_tensorflow(); quiet_tensorflow()\n"
        "assert 'tensorflow' not in sys.modules\n"
        "import tensorflow as tf; assert tf.constant(1).numpy() == 1; print('heard', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=QUIET)
    assert (done.returncode, done.stderr) == (0, "heard\n")


def test_what_is_no_chatter_still_reaches_stderr(capfd):
    from keras_stt.cli import quiet

    def execute(module):
        os.write(2, b"I0000 00:00:1795343962.101575   26746 port.cc:153] oneDNN custom operations are on.\n")
        os.write(2, b"A warning that matters\n")
        raise ImportError(module)

    with pytest.raises(ImportError, match="broken"):
        quiet._without_chatter(execute, "broken")
    assert capfd.readouterr().err == "A warning that matters\n"


def test_samples_of_silence_are_no_error(model_path, tmp_path, capsys):
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16_000)
    assert main(["transcribe", str(model_path), str(tmp_path / "empty.wav")]) == 0
    assert capsys.readouterr().out == "\n"
