"""The command line as it is typed: what it prints, its exit codes, and one line for what is wrong."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from conftest import WORDS, write_tone_records

from keras_stt.cli.decoding import HOP_MS, MOST_CANDIDATES, PASSES
from keras_stt.cli.main import VERBS, build_parser, main
from keras_stt.decoding.fill import Filled

# What the tests set for themselves, and a user does not.
OURS = ("TF_CPP_MIN_LOG_LEVEL", "JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS")
QUIET = {name: value for name, value in os.environ.items() if name not in OURS}


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
def utterance_recognizer():
    """An untrained model of whole utterances that knows the letters of the corpus."""
    import keras

    from keras_stt.recognizer import UtteranceRecognizer
    from keras_stt.tokens import CharacterTokens

    keras.utils.set_random_seed(0)
    tokens = CharacterTokens(set("".join(WORDS)))
    size = {"subsampling": 2, "model_dim": 16, "audio_blocks": 2, "attention_heads": 2, "refiner_blocks": 1}
    return UtteranceRecognizer(tokens.to_config(), tokens.size, **size)


@pytest.fixture(scope="module")
def utterance_path(utterance_recognizer, tmp_path_factory):
    path = tmp_path_factory.mktemp("utterances") / "model.keras"
    utterance_recognizer.save(path)
    return path


@pytest.fixture(scope="module")
def language_model(tmp_path_factory):
    from keras_stt.decoding.language_model import WordNgrams

    path = tmp_path_factory.mktemp("words") / "words.npz"
    WordNgrams.learn(["ALFA BRAVO", "CHARLIE DELTA"], order=2).save(path)
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


def test_defaults_are_those_of_the_library():
    from keras_stt.recognizer import utterance
    from keras_stt.transcribe.windows import HOP_SECONDS

    assert round(1000 * HOP_SECONDS) == HOP_MS
    assert utterance.PASSES == PASSES


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


def printed(capsys, *arguments) -> str:
    assert main([str(argument) for argument in arguments]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def test_transcribe_with_a_model_of_utterances(
    utterance_path, utterance_recognizer, language_model, recordings, capsys
):
    for passes in (0, 1, 2):
        expected = utterance_recognizer.transcribe(recordings[1], passes=passes).text
        assert printed(capsys, "transcribe", utterance_path, recordings[1], f"--passes={passes}") == f"{expected}\n"
    search = ["--lm_weight=0.3", "--word_bonus=-0.5", "--beam=4"]
    said = printed(capsys, "transcribe", utterance_path, recordings[1], f"--language_model={language_model}", *search)
    from keras_stt.decoding.language_model import WordNgrams

    decoding = {"language_model": WordNgrams.load(language_model), "lm_weight": 0.3, "word_bonus": -0.5, "beam": 4}
    assert said == utterance_recognizer.transcribe(recordings[1], **decoding).text + "\n"


def test_evaluate_a_model_of_utterances(utterance_path, corpus, tmp_path, capsys):
    arguments = ["evaluate", utterance_path, "--dataset=manifest", f"--data_dir={corpus}", "--limit=1", "--passes=0"]
    assert main([*map(str, arguments), f"--output_dir={tmp_path}"]) == 0
    assert "WER " in capsys.readouterr().out
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["passes"] == 0
    assert "hop_ms" not in summary


def test_align_prints_times(utterance_path, utterance_recognizer, recordings, tmp_path, capsys):
    from keras_stt.formats.ctm import parse_ctm

    expected = utterance_recognizer.align(recordings[0], "alfa bravo charlie")
    (tmp_path / "a.ctm").write_text(printed(capsys, "align", utterance_path, recordings[0], "Alfa, bravo charlie"))
    words = parse_ctm(tmp_path / "a.ctm")
    assert [word.word for word in words] == ["ALFA", "BRAVO", "CHARLIE"]
    assert {word.file for word in words} == {"0"}
    for word, other in zip(words, expected, strict=True):
        assert (word.start, word.end) == pytest.approx((other.start, other.end), abs=0.011)
    (tmp_path / "said.txt").write_text("alfa bravo\ncharlie\n")
    lines = printed(
        capsys, "align", utterance_path, recordings[0], tmp_path / "said.txt", "--format=jsonl"
    ).splitlines()
    assert [json.loads(line)["word"] for line in lines] == ["ALFA", "BRAVO", "CHARLIE"]
    assert set(json.loads(lines[0])) == {"word", "start", "end", "confidence"}


def test_score_prints_the_likeliest_first(utterance_path, utterance_recognizer, recordings, tmp_path, capsys):
    (tmp_path / "long.txt").write_text("alfa bravo charlie " * 20)
    texts = ["alfa", "delta echo", str(tmp_path / "long.txt")]
    lines = printed(capsys, "rank", utterance_path, recordings[0], *texts, "--passes=0").splitlines()
    scores = [float(line.partition("\t")[0]) for line in lines]
    assert scores == sorted(scores, reverse=True)
    assert scores[2] == -np.inf
    assert {line.partition("\t")[2] for line in lines[:2]} == {"alfa", "delta echo"}
    best = utterance_recognizer.score(recordings[0], lines[0].partition("\t")[2], passes=0)
    assert scores[0] == pytest.approx(best, abs=1e-2)


def test_fill_prints_the_whole_text(utterance_path, utterance_recognizer, recordings, language_model, capsys):
    pattern = "alfa ___ charlie"
    expected = utterance_recognizer.fill(recordings[0], pattern)
    assert printed(capsys, "fill", utterance_path, recordings[0], pattern) == expected.text + "\n"
    told = json.loads(printed(capsys, "fill", utterance_path, recordings[0], pattern, "--format=jsonl"))
    assert told["text"] == expected.text
    assert [word["word"] for word in told["words"]] == expected.text.split()
    assert [word["filled"] for word in told["words"]] == expected.filled
    asked = [f"--language_model={language_model}", "--lm_weight=5", "--beam=32"]
    assert printed(capsys, "fill", utterance_path, recordings[0], pattern, *asked).split()[0] == "ALFA"


def test_flags_of_the_other_kind_of_model(utterance_path, model_path, language_model, corpus, capsys):
    words = f"--language_model={language_model}"
    assert_input_error(capsys, "--hop_ms: is of window models", "transcribe", utterance_path, "a.wav", "--hop_ms=300")
    assert_input_error(capsys, "--language_model: is for utterance", "transcribe", model_path, "a.wav", words)
    evaluate = ["evaluate", utterance_path, f"--data_dir={corpus}", "--dataset=manifest"]
    assert_input_error(capsys, "--hop_ms: is of window models", *evaluate, "--hop_ms=600")
    for verb in ("align", "fill", "rank"):
        assert_input_error(capsys, "a window model, which only transcribes", verb, model_path, "a.wav", "alfa")


def test_wrong_input_of_utterance_commands(utterance_path, recordings, tmp_path, capsys):
    asked = [utterance_path, recordings[1]]
    transcribe = ["transcribe", *asked]
    assert_input_error(capsys, "--passes: -1 passes; give 0 or more", *transcribe, "--passes=-1")
    for flag in ("--beam=4", "--lm_weight=1", "--word_bonus=1"):
        assert_input_error(capsys, "give --language_model too", *transcribe, flag)
    (tmp_path / "bad.npz").write_text("no words")
    bad = f"--language_model={tmp_path}/bad.npz"
    assert_input_error(capsys, "bad.npz: ", *transcribe, bad)
    assert_input_error(capsys, "none.npz: no such language model", *transcribe, f"--language_model={tmp_path}/none.npz")
    assert_input_error(capsys, "--beam: 0 transcripts", *transcribe, bad, "--beam=0")
    assert_input_error(capsys, "--lm_weight: -1; give 0", *transcribe, bad, "--lm_weight=-1")
    assert_input_error(capsys, "--word_bonus: nan; give a number", *transcribe, bad, "--word_bonus=nan")
    assert_input_error(capsys, "none.txt: cannot be read", "align", *asked, tmp_path / "none.txt")
    assert_input_error(capsys, "the model has no 1", "align", *asked, "alfa 1")
    assert_input_error(capsys, "it has no words", "align", *asked, "")
    assert_input_error(capsys, "needs 1", "align", *asked, "alfa " * 30)
    assert_input_error(capsys, "--passes: -1", "rank", *asked, "alfa", "--passes=-1")
    assert_input_error(capsys, "the model has no U, Z", "rank", *asked, "alfa", "zulu")
    assert_input_error(capsys, "no word and no gap", "fill", *asked, "...")
    assert_input_error(capsys, "no such file", "fill", utterance_path, tmp_path / "none.wav", "alfa ___")


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
    assert summary["hop_ms"] == HOP_MS
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
    assert_input_error(capsys, "format 'x': give one of saved_model", "export", model_path, tmp_path, "--format=x")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["sing"],
        ["transcribe", "model.keras"],
        ["align", "a", "b"],
        ["rank", "a", "b"],
        ["score", "a"],
        ["export", "a"],
    ],
)
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


@pytest.mark.slow
def test_what_jax_compiles_is_kept_for_the_next_start(model_path, tmp_path):
    pytest.importorskip("jax")
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000), 16_000)
    done = keras_stt("transcribe", model_path, tmp_path / "a.wav", KERAS_BACKEND="jax", HOME=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert list((tmp_path / ".cache/keras_stt/jax").iterdir())


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


def test_ngrams_of_a_text_are_what_a_search_takes(tmp_path, capsys):
    from keras_stt.decoding.language_model import WordNgrams

    text = tmp_path / "text.txt"
    text.write_text("Good day!\nA good day to all.\n", encoding="utf-8")
    assert main(["ngrams", str(text), str(tmp_path / "words.npz"), "--order=2"]) == 0
    assert "7 words in 2 lines, 5 different ones" in capsys.readouterr().out
    language_model = WordNgrams.load(tmp_path / "words.npz")
    assert language_model.log_probability("DAY", ["GOOD"]) > language_model.log_probability("ALL", ["GOOD"])


@pytest.mark.parametrize("text", ["", None])
def test_ngrams_of_nothing_are_one_clear_line(tmp_path, capsys, text):
    if text is not None:
        (tmp_path / "text.txt").write_text(text)
    assert main(["ngrams", str(tmp_path / "text.txt"), str(tmp_path / "words.npz")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "words.npz").exists()


def test_a_backend_that_is_not_installed_is_told_in_one_line(capsys, monkeypatch):
    def missing(path):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr("keras_stt.recognizer.load_model", missing)
    assert_input_error(capsys, "torch is not installed: pip install torch, or", "transcribe", "digits-small", "a.wav")


def test_an_unknown_backend_is_told_in_one_line(capsys, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "foo")
    assert_input_error(capsys, "KERAS_BACKEND 'foo': give one of tensorflow, jax, torch", "transcribe", "some", "a.wav")


def test_a_gap_is_searched_for_without_a_language_model(utterance_path, recordings, capsys, monkeypatch):
    """What the flags say of the search reaches it; the weight of a language model that is not there is refused."""
    asked = {}
    monkeypatch.setattr(
        "keras_stt.recognizer.utterance.fill",
        lambda *arguments, **given: asked.update(given) or Filled("A", [], [], 0.0),
    )
    assert main(["fill", str(utterance_path), str(recordings[1]), "___", "--beam=5", "--word_bonus=1.5"]) == 0
    capsys.readouterr()
    assert (asked["beam"], asked["word_bonus"]) == (5, 1.5)
    weight = "--lm_weight: is for a search with a language model"
    assert_input_error(capsys, weight, "fill", utterance_path, recordings[1], "___", "--lm_weight=1")


def test_as_many_candidates_may_be_asked_for_as_there_are_speeds():
    from keras_stt.transcribe.utterances import SPEEDS

    assert len(SPEEDS) == MOST_CANDIDATES


def test_too_many_candidates_are_refused_before_the_model_is_loaded(capsys):
    assert_input_error(capsys, "--candidates: 9; give 1 to 7", "transcribe", "no model", "a.wav", "--candidates=9")
