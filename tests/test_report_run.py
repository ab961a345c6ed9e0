"""The report of a run from what the run left: the same again; one line where a file is damaged, a note without it."""

import json
import subprocess
import sys

import pytest
from test_report import EVIL, Page

from keras_stt.cli.main import main
from keras_stt.errors import InputError
from keras_stt.report import UtteranceResult, write_run_report
from keras_stt.report.results import read_results, write_results
from keras_stt.report.run import read_word_counts, write_word_counts

RESULTS = [
    UtteranceResult("u-1", "anna", 1.5, "A B C D", "A X C", "A X"),
    UtteranceResult("u-2", "", 12.0, "E é\u2028F", f"E {EVIL} F G", None),
    UtteranceResult("caf\udce9", "bert", 0.0, "", "A"),
]


@pytest.fixture
def run(tmp_path):
    """The folder of a run that was never trained."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "summary.json").write_text('{"task": "transcribe", "test_wer": 0.5, "unigram_loss": 3.0}')
    (folder / "history.csv").write_text("epoch,tokens_loss,dev_wer\n1,2.5,0.9\n2,1.5,\n")
    (folder / "flags.cfg").write_text("--epochs=2\n--noexport\n--feature_cache\n--layout=.*/kernel=1\n")
    write_results(folder / "results.jsonl", RESULTS)
    write_word_counts(folder / "train_words.csv", {"B": 7, "A": 20, "E": 7, 'say "it",': 1})
    return folder


def test_results_and_words_are_read_as_they_were_written(run):
    assert read_results(run / "results.jsonl") == RESULTS
    assert list(read_word_counts(run / "train_words.csv").items()) == [("A", 20), ("B", 7), ("E", 7), ('say "it",', 1)]


def test_the_command_makes_the_report_where_it_is_told_to(run, tmp_path, capsys):
    assert main(["report", str(run)]) == 0
    assert capsys.readouterr().out == f"{run / 'report.html'}\n"
    page = Page((run / "report.html").read_text(encoding="utf-8"))
    assert "50.0 % test WER" in page.text
    assert "left no" not in page.text
    assert "epochs 2 export False feature_cache True layout .*/kernel=1" in page.text
    assert "Refinement mended errors in 1 utterance and made more in 0." in page.text
    assert main(["report", str(run), "--output", str(tmp_path / "other.html")]) == 0
    assert (tmp_path / "other.html").read_bytes() == (run / "report.html").read_bytes()


def test_no_model_and_no_keras_is_loaded_for_it(run):
    program = "import sys; from keras_stt.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program, "report", run], capture_output=True, text=True, check=True)
    assert not {"keras", "tensorflow", "jax", "torch", "librosa"} & set(done.stdout.split())


@pytest.mark.parametrize("name", ["results.jsonl", "train_words.csv", "history.csv", "flags.cfg"])
def test_what_an_earlier_version_did_not_leave_is_said_and_the_rest_is_there(run, name):
    (run / name).unlink()
    text = Page(write_run_report(run).read_text(encoding="utf-8")).text
    assert f"The run left no {name}: " in text
    assert "50.0 % test WER" in text
    assert ("WER by speaker" in text) == (name != "results.jsonl")
    assert ("WER by frequency of the word" in text) == (name not in ("results.jsonl", "train_words.csv"))


WITH_DAMAGE = [
    ("summary.json", b"{", "summary.json: no JSON"),
    ("summary.json", b"[" * 100_000, "summary.json: no JSON"),
    ("summary.json", b"[1]", "summary.json: no JSON object"),
    ("summary.json", b"\xff", "summary.json:1: not UTF-8"),
    ("summary.json", b'{"skipped_records": [1]}', "summary.json: skipped_records is no object"),
    ("summary.json", b'{"test_wer_interval": 3}', "summary.json: test_wer_interval is no list"),
    ("history.csv", b"\xff", "history.csv:1: not UTF-8"),
    ("history.csv", b"", "history.csv: no column 'epoch'"),
    ("history.csv", b'epoch,loss\n1,"2\n', "history.csv: no CSV table"),
    ("train_words.csv", b"word,count\nA,many\n", "train_words.csv:2: 'many' is no count"),
    ("train_words.csv", b"word\nA\n", "train_words.csv: no column 'count'"),
    ("results.jsonl", b'{"id": "u", "spea', "results.jsonl:1: no JSON"),
    ("results.jsonl", b"3", "results.jsonl:1: no JSON object"),
    ("results.jsonl", b'{"id": "u", "duration": NaN}', "results.jsonl:1: no duration of an utterance"),
    ("results.jsonl", b'{"id": "u", "duration": 1, "reference": "A"}', "results.jsonl:1: no hypothesis of an"),
    ("flags.cfg", b"--a=\xff", "flags.cfg:1: not UTF-8"),
]


@pytest.mark.parametrize(("name", "content", "expected"), WITH_DAMAGE)
def test_a_damaged_file_gets_one_line_and_leaves_the_old_report(run, name, content, expected, capsys):
    (run / "report.html").write_text("old")
    (run / name).write_bytes(content)
    assert main(["report", str(run)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"keras-stt: {run}/{expected}")
    assert said.count("\n") == 1
    assert (run / "report.html").read_text() == "old"


def test_rows_of_any_length_and_values_of_any_kind_make_a_page(run):
    (run / "history.csv").write_text("epoch,loss,dev_wer\n1,2,0.5,9,9\n2\nx,y,z\n1e999,-inf,nan\n")
    odd = {"task": ["a"], "parameters": 10**400, "train_seconds": {"a": 1}, "versions": 3, "test_wer": "high"}
    (run / "summary.json").write_text(json.dumps({**odd, "test_wer_interval": ["a", None], "collapse": {"kl": [1]}}))
    assert "No test WER" not in Page(write_run_report(run).read_text(encoding="utf-8")).text


def test_what_is_no_finished_run_is_told_from_a_damaged_one(run, tmp_path):
    (run / "summary.json").unlink()
    with pytest.raises(
        InputError, match=r"summary\.json: is missing; the run did not come to its end: go on with .*--resume"
    ):
        write_run_report(run)
    (run / "check.json").write_text("{}")
    with pytest.raises(InputError, match="the run checked a set-up"):
        write_run_report(run)
    with pytest.raises(InputError, match="is missing; give the folder of a run"):
        write_run_report(tmp_path)
    with pytest.raises(InputError, match="no such folder; give the folder of a run"):
        write_run_report(tmp_path / "nowhere")
