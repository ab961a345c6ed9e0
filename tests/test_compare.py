"""A comparison: no run twice and none lost, equal steps for all seeds, and a table that says what happened."""

import json
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from test_report import Page

from keras_stt.cli.main import main
from keras_stt.compare import Plan, collect, prepare, read_experiments, run_all, schedule
from keras_stt.compare.results import write_results
from keras_stt.errors import InputError

ROOT = Path(__file__).parent.parent
EVIL = "<script>alert('|')</script>"

# Leaves what train_main.py leaves, without training. Its flags come as in a flagfile or on the command line, the later
# wins; --fail and --wait are its own. Every call is a line of calls.txt.
TRAINER = r"""
import json, pathlib, sys, time
here = pathlib.Path(__file__).parent
words = []
for word in sys.argv[1:]:
    name, _, value = word.partition("=")
    words += [line for line in open(value).read().split("\n") if line[:2] == "--"] if name == "--flagfile" else [word]
flags = dict(word[2:].split("=", 1) for word in words)
with open(here / "calls.txt", "a") as calls:
    print(*sys.argv[2:], file=calls)
seed, output = int(flags["seed"]), pathlib.Path(flags["output_dir"])
print("a line of chatter")
if (here / "wait").exists():
    (here / "waiting").touch()
    time.sleep(60)
if flags.get("fail") in (str(seed), "all"):
    sys.exit("train_main.py: --fail: as asked\n")
output.mkdir(parents=True, exist_ok=True)
if "check" in flags:
    check = {"task": "identity", "dataset": "digits", "healthy": flags["check"] == "sound", "perfect_loss": 0.0,
             "loss": "mse", "verdict": f"the loss is {flags['check']}"}
    (output / flags.get("into", "check.json")).write_text(json.dumps(check))
    print(check["verdict"])
    sys.exit(not check["healthy"])
wer, budget = float(flags.get("wer", 0.5)), float(flags.get("budget_cpu_s", 0))
steps = int(budget * 10 + seed) if budget else int(flags.get("steps_per_epoch", 7))
(output / "flags.cfg").write_text(f"--budget_cpu_s=0.0\n--steps_per_epoch={steps}\n")
rows = [f"{i},{5 - i},{4 - i if i else ''},{wer + (2 - i) / 10}" for i in range(3)]
(output / "history.csv").write_text("\n".join(["epoch,tokens_loss,dev_nats,dev_wer", *rows]))
summary = {"task": flags.get("task", "transcribe"), "dataset": "digits",
           "test_wer": wer + seed / 100, "dev_wer": float("nan"), "parameters": 12345,
           "steps": steps, "versions": {"keras": "3.15.1"},
           "collapse": {"commonest_share": 0.91, "warning": flags.get("warning")}}
(output / "summary.json").write_text(json.dumps(summary))
"""


class Laboratory:
    """A folder with flagfiles, the trainer above, and the comparison of them in `runs`."""

    def __init__(self, folder, capsys):
        self.folder, self.capsys = folder, capsys
        self.runs = folder / "runs"
        (folder / "trainer.py").write_text(TRAINER)
        self.trainer = [sys.executable, str(folder / "trainer.py")]

    def experiment(self, name, *flags, comment="") -> str:
        path = self.folder / f"{name}.cfg"
        path.write_text("\n".join([comment, *flags]))
        return str(path)

    def compare(self, *arguments) -> int:
        """Runs the command; what it printed is in `out` and `err`."""
        code = main(["compare", "--output_dir", str(self.runs), *map(str, arguments)])
        self.out, self.err = self.capsys.readouterr()
        return code

    def calls(self) -> list[str]:
        """The flags of the trainings since the last time, without the folder."""
        path = self.folder / "calls.txt"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [re.sub(r"--output_dir=\S*/runs/(\S+)", r"\1", line) for line in lines]

    def results(self) -> dict:
        def refuse(constant):
            raise AssertionError(f"{constant} is no JSON")

        return json.loads((self.runs / "compare.json").read_text(), parse_constant=refuse)


@pytest.fixture
def laboratory(tmp_path, capsys, monkeypatch):
    laboratory = Laboratory(tmp_path, capsys)
    monkeypatch.setattr(schedule, "trainer_command", lambda: laboratory.trainer)
    return laboratory


def test_every_experiment_runs_with_every_seed_and_the_first_seeds_come_first(laboratory):
    one, other = laboratory.experiment("one", "--wer=0.2"), laboratory.experiment("other", "--wer=0.4")
    assert laboratory.compare(one, other, "--seeds=2", "--", "--warning=deaf") == 0
    assert laboratory.calls() == [
        "--warning=deaf --seed=1 one/seed-1",
        "--warning=deaf --seed=1 other/seed-1",
        "--warning=deaf --seed=2 one/seed-2",
        "--warning=deaf --seed=2 other/seed-2",
    ]
    lines = laboratory.out.splitlines()
    assert re.fullmatch(r"\[1/4\] one seed 1: utterance WER 21.0%, \d+ s; about \d+ s left", lines[0])
    assert re.fullmatch(r"\[4/4\] other seed 2: utterance WER 42.0%, \d+ s", lines[3])
    assert lines[4].startswith("4 of 4 runs done")
    rows = laboratory.results()["experiments"]
    assert [row["name"] for row in rows] == ["one", "other"]
    figures = rows[0]["figures"]["test_wer"]
    assert figures["values"] == pytest.approx([0.21, 0.22])
    assert (figures["mean"], figures["low"], figures["high"]) == pytest.approx((0.215, 0.21, 0.22))


def test_what_is_done_is_not_done_again_and_more_seeds_are_added(laboratory):
    one = laboratory.experiment("one")
    assert laboratory.compare(one) == 0
    assert laboratory.compare(one) == 0
    assert len(laboratory.calls()) == 1
    assert laboratory.out.startswith("1 of 1 runs are done already\n1 of 1 runs done")
    other = laboratory.experiment("other")
    assert laboratory.compare(one, other, "--seeds=3") == 0
    assert [call.split()[-1] for call in laboratory.calls()] == [
        "other/seed-1", "one/seed-2", "other/seed-2", "one/seed-3", "other/seed-3"
    ]  # fmt: skip
    figures = laboratory.results()["experiments"][0]["figures"]
    assert figures["test_wer"]["deviation"] == pytest.approx(0.01)


def test_the_first_seed_finds_the_steps_that_all_seeds_take(laboratory):
    one = laboratory.experiment("one")
    assert laboratory.compare(one, "--seeds=3", "--budget_cpu_s=12", "--parallel=3") == 0
    first, *others = laboratory.calls()
    assert first == "--seed=1 one/seed-1 --budget_cpu_s=12"
    assert sorted(others) == [f"--seed={n} one/seed-{n} --budget_cpu_s=0 --steps_per_epoch=121" for n in (2, 3)]
    assert laboratory.results()["experiments"][0]["figures"]["steps"]["values"] == [121] * 3


def test_where_the_first_seed_fails_the_next_finds_the_steps(laboratory):
    one = laboratory.experiment("one", "--fail=1")
    assert laboratory.compare(one, "--seeds=3", "--budget_cpu_s=12") == 1
    calls = laboratory.calls()
    assert calls[1:] == [
        "--seed=2 one/seed-2 --budget_cpu_s=12",
        "--seed=3 one/seed-3 --budget_cpu_s=0 --steps_per_epoch=122",
    ]


def test_one_failure_does_not_lose_the_others_and_is_tried_again(laboratory):
    good, bad = laboratory.experiment("good"), laboratory.experiment("bad", "--fail=all")
    assert laboratory.compare(bad, good) == 1
    assert "[1/2] bad seed 1: failed: train_main.py: --fail: as asked; about" in laboratory.out
    assert "1 of 2 runs done" in laboratory.out
    bad_row, good_row = laboratory.results()["experiments"]
    assert bad_row["failures"] == [{"seed": 1, "error": "train_main.py: --fail: as asked"}]
    assert (bad_row["figures"], good_row["seeds"]) == ({}, [1])
    assert "| bad | – |" in (laboratory.runs / "compare.md").read_text()
    assert "a line of chatter" in (laboratory.runs / "bad/seed-1/log.txt").read_text()
    laboratory.calls()
    laboratory.experiment("bad")
    assert laboratory.compare(bad, good) == 0
    assert laboratory.calls() == ["--seed=1 bad/seed-1"]


@pytest.mark.parametrize("into", ["check.json", "summary.json"])
def test_a_check_trains_nothing_and_tells_its_verdict_to_the_end(laboratory, into):
    check = laboratory.experiment("check", "--check=sound", f"--into={into}")
    arguments = check, laboratory.experiment("one"), "--seeds=3", "--budget_cpu_s=12"
    assert laboratory.compare(*arguments) == 0
    assert "[1/6] check seed 1: the loss is sound; about" in laboratory.out
    calls = [call for call in laboratory.calls() if "check/" in call]
    assert calls == [f"--seed={n} check/seed-{n} --budget_cpu_s=12" for n in (1, 2, 3)]  # no steps to take over
    row, one = laboratory.results()["experiments"]
    assert (row["task"], row["seeds"], row["figures"], one["seeds"]) == ("identity", [1, 2, 3], {}, [1, 2, 3])
    assert row["verdicts"] == [{"seed": n, "verdict": "the loss is sound"} for n in (1, 2, 3)]
    text = Page((laboratory.runs / "compare.html").read_text()).text
    assert "check the loss is sound one 52.0 %" in text
    assert re.search(r"\| check \|( – \|)+ the loss is sound \|", (laboratory.runs / "compare.md").read_text())
    assert laboratory.compare(*arguments) == 0
    assert laboratory.calls() == []


def test_a_check_that_finds_the_set_up_ill_has_failed_with_its_verdict(laboratory):
    assert laboratory.compare(laboratory.experiment("check", "--check=broken")) == 1
    row = laboratory.results()["experiments"][0]
    assert (row["failures"], row["verdicts"]) == ([{"seed": 1, "error": "the loss is broken"}], [])


def test_checks_alone_are_a_table_of_verdicts(laboratory):
    assert laboratory.compare(laboratory.experiment("check", "--check=sound")) == 0
    assert "Experiment check the loss is sound" in Page((laboratory.runs / "compare.html").read_text()).text


def test_the_trouble_of_one_experiment_is_its_own(laboratory):
    odd, good = laboratory.experiment("odd"), laboratory.experiment("good")
    assert laboratory.compare(odd, "--budget_cpu_s=12") == 0
    (laboratory.runs / "odd/seed-1/flags.cfg").write_text("--epochs=3")
    (laboratory.runs / "odd/seed-1/history.csv").write_bytes(b"epoch,loss\n\xff\x00")
    assert laboratory.compare(odd, good, "--seeds=2", "--budget_cpu_s=12", "--parallel=2") == 1
    odd_row, good_row = laboratory.results()["experiments"]
    assert (odd_row["seeds"], good_row["seeds"]) == ([1], [1, 2])
    assert "odd/seed-1/flags.cfg: tells no --steps_per_epoch; delete" in odd_row["failures"][0]["error"]


def test_where_no_process_can_be_started_the_table_says_so(laboratory):
    laboratory.trainer = [str(laboratory.folder / "no_program")]
    assert laboratory.compare(laboratory.experiment("one"), laboratory.experiment("two")) == 1
    assert laboratory.out.count("failed: [Errno 2] No such file or directory") == 2
    assert [len(row["failures"]) for row in laboratory.results()["experiments"]] == [1, 1]


def test_a_run_that_ends_well_and_leaves_nothing_has_failed(laboratory):
    (laboratory.folder / "trainer.py").write_text("print('nothing to do')")
    assert laboratory.compare(laboratory.experiment("one")) == 1
    assert "failed: it left neither summary.json nor check.json; its last words: nothing to do" in laboratory.out


def test_a_killed_run_says_by_what(laboratory):
    (laboratory.folder / "trainer.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert laboratory.compare(laboratory.experiment("one")) == 1
    assert "failed: killed by SIGKILL; its last words: it said nothing" in laboratory.out


@pytest.mark.parametrize(
    ("change", "arguments", "told"),
    [
        ("--wer=0.3", [], "without --wer=0.2, with --wer=0.3"),
        ("--wer=0.2", ["--", "--loss=mse"], "with --loss=mse"),
        ("--wer=0.2", ["--budget_cpu_s=3"], "without --budget_cpu_s=0, with --budget_cpu_s=3"),
    ],
)
def test_a_finished_run_with_other_flags_is_kept_until_told(laboratory, change, arguments, told):
    one = laboratory.experiment("one", "--wer=0.2")
    assert laboratory.compare(one) == 0
    laboratory.experiment("one", change)
    assert laboratory.compare(one, *arguments) == 2
    assert told in laboratory.err
    assert laboratory.err.count("\n") == 1
    assert (laboratory.runs / "one/seed-1/summary.json").exists()
    laboratory.calls()
    assert laboratory.compare(one, "--rerun_changed", *arguments) == 0
    assert len(laboratory.calls()) == 1
    assert laboratory.compare(one, *arguments) == 0


def test_a_change_in_a_nested_flagfile_is_noticed_and_one_in_a_comment_is_not(laboratory):
    base = laboratory.experiment("base", "--wer=0.2")
    one = laboratory.experiment("one", f"--flagfile={base}", comment="# What it is.")
    (laboratory.folder / "trainer.py").write_text(TRAINER.replace("flags = dict", "words.pop(0)\nflags = dict"))
    assert laboratory.compare(one) == 0
    laboratory.experiment("one", f"--flagfile={base}", comment="# Said better.")
    assert laboratory.compare(one) == 0
    laboratory.experiment("base", "--wer=0.3")
    assert laboratory.compare(one) == 2
    assert "with --wer=0.3" in laboratory.err
    corpus = laboratory.experiment("corpus", "--data_dir=there")
    assert laboratory.compare(one, "--rerun_changed", "--", f"--flagfile={corpus}") == 0
    laboratory.experiment("corpus", "--data_dir=elsewhere")
    assert laboratory.compare(one, "--", f"--flagfile={corpus}") == 2
    assert "with --data_dir=elsewhere" in laboratory.err


def test_a_folder_with_something_else_is_left_alone(laboratory):
    thesis = laboratory.runs / "one/seed-1/thesis.tex"
    thesis.parent.mkdir(parents=True)
    thesis.touch()
    assert laboratory.compare(laboratory.experiment("one")) == 2
    assert "is no earlier run of a comparison" in laboratory.err
    assert thesis.exists()
    assert laboratory.calls() == []


def test_what_an_interrupted_run_left_is_cleaned_away(laboratory):
    one = laboratory.experiment("one")
    plan = Plan.of(read_experiments([one]), laboratory.runs, seeds=1)
    plan.runs[0].start([sys.executable, "-c", ""]).wait()
    (laboratory.runs / "one/seed-1/checkpoint").mkdir()
    (laboratory.runs / "one/seed-1/summary.json").write_text('{"test_wer": 0.1')
    assert laboratory.compare(one) == 0
    assert not (laboratory.runs / "one/seed-1/checkpoint").exists()


def test_an_interrupt_ends_the_training_and_keeps_what_is_done(laboratory):
    done, long = laboratory.experiment("done"), laboratory.experiment("long")
    assert laboratory.compare(done) == 0
    (laboratory.folder / "wait").touch()
    program = f"""
        import signal, sys
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell runs in the background
        from keras_stt.compare import schedule
        schedule.trainer_command = lambda: {laboratory.trainer}
        from keras_stt.cli.main import main
        sys.exit(main(["compare", {done!r}, {long!r}, "--output_dir", {str(laboratory.runs)!r}]))
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            started = time.monotonic()
            while not (laboratory.folder / "waiting").exists():
                assert time.monotonic() - started < 120
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=120)  # its pipes are closed only when the training has ended, too
        finally:
            process.kill()
    assert (process.returncode, err) == (130, "keras-stt: interrupted\n")
    assert [row["seeds"] for row in laboratory.results()["experiments"]] == [[1], []]
    (laboratory.folder / "wait").unlink()
    laboratory.calls()
    assert laboratory.compare(done, long) == 0
    assert laboratory.calls() == ["--seed=1 long/seed-1"]


@pytest.mark.parametrize("verb", ["compare", "words", "listen"])
def test_help_tells_defaults_where_there_are_any(verb, capsys):
    with pytest.raises(SystemExit) as end:
        main([verb, "--help"])
    shown = capsys.readouterr().out
    assert end.value.code == 0
    assert "(default: " in shown
    assert not re.search(r"default:\s*(None|False|\[|\(|\)|0\.0)", shown)


def test_wrong_input_is_one_line(laboratory):
    one = laboratory.experiment("one")
    (laboratory.folder / "other").mkdir()
    twin = laboratory.experiment("other/one")
    for arguments, told in (
        ([laboratory.folder / "none.cfg"], "none.cfg: cannot be read as a flagfile"),
        ([one, twin], "would share the folder one; rename one"),
        ([one, "--", "--seed=3"], "--seed=3: every run has its own --seed"),
        ([one, "--", "--output_dir", "x"], "every run has its own --output_dir"),
        ([one, "--seeds=0"], "--seeds: 0 is too few"),
        ([one, "--parallel=0"], "--parallel: 0 is too few"),
        ([one, "--budget_cpu_s=-1"], "--budget_cpu_s: -1.0 is no number of seconds"),
    ):
        assert laboratory.compare(*arguments) == 2, arguments
        assert told in laboratory.err
        assert laboratory.err.count("\n") == 1
    assert laboratory.calls() == []


def test_without_a_checkout_it_is_said_that_one_is_needed(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_stt.__file__", str(tmp_path / "site-packages/keras_stt/__init__.py"))
    with pytest.raises(InputError, match="run it from a checkout of the repository"):
        schedule.trainer_command()


def test_the_page_says_what_was_reached_and_stands_alone(laboratory):
    loud = laboratory.experiment(
        "loud", "--wer=0.2", f"--warning={EVIL}. And what to do.", comment=f"# Says {EVIL} a lot. Or not.\n#\n# B."
    )
    quiet = laboratory.experiment("quiet", "--wer=0.4", "--fail=2")
    assert laboratory.compare(loud, quiet, "--seeds=2", "--budget_cpu_s=30", "--", "--mode=$title") == 1
    source = (laboratory.runs / "compare.html").read_text()
    page = Page(source)
    assert "21.5 % utterance WER The lowest of 2, by loud , the mean of 2 seeds (21.0 to 22.0)." in page.text
    assert "quiet : seed 2 failed: train_main.py: --fail: as asked" in page.text
    assert "loud 21.5 % 21.0 to 22.0 quiet 41.0 %" in page.text
    assert f"loud : seed 1: {EVIL}. loud : seed 2: {EVIL}." in page.text
    assert f"loud Says {EVIL} a lot. quiet" in page.text
    assert "Budget 30 CPU-seconds of training" in page.text
    assert "--mode=$title" in page.text
    assert "against cross entropy on dev, nats per token (dev_nats) over 6 epochs of 3 runs" in page.text
    assert not {"script", "link", "img", "iframe"} & set(page.elements)
    assert "KL, nats" not in page.text  # no run has it
    table = (laboratory.runs / "compare.md").read_text()
    assert EVIL.replace("|", "\\|").replace("<", "&lt;") in table
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {17}
    for text in (page.text, table):
        assert "are of the last epoch; WER and the cross entropy on dev are of the weights that were kept" in text
        assert "the words asked for" not in text  # no task is given words
    svg = (laboratory.runs / "loss_wer.svg").read_text()
    assert svg.startswith("<svg")
    assert "--series-1:#" in svg


def test_the_relation_of_loss_and_wer_is_found(laboratory):
    rows = "\\n".join(["epoch,dev_nats,dev_wer", *(f"{i},{2.0**i},{0.1 * i + 0.2}" for i in range(5))])
    program = TRAINER + f"(output / 'history.csv').write_text('{rows}')"
    (laboratory.folder / "trainer.py").write_text(program)
    assert laboratory.compare(laboratory.experiment("one")) == 0
    best = laboratory.results()["fits"][0]
    assert (best["name"], best["r2"]) == ("logarithmic", pytest.approx(1))
    table = (laboratory.runs / "compare.md").read_text()
    assert "over 5 epochs of 1 runs. Only runs of --task=transcribe are drawn and fitted" in table
    assert "- logarithmic: R² 1.000, WER = 0.2 + 0.144 log(loss)" in table


def more_in_the_summary(laboratory):
    """Makes the trainer take what --more says, a JSON object, into its summary."""
    left = '(output / "summary.json").write_text'
    program = TRAINER.replace(left, f'summary |= json.loads(flags.get("more", "{{}}"))\n{left}')
    (laboratory.folder / "trainer.py").write_text(program)


def test_of_a_task_that_is_given_words_the_words_asked_for_count_and_no_epoch_is_drawn(laboratory):
    more_in_the_summary(laboratory)
    more = '--more={"dev_wer": 0.07, "train_wer": 0.01, "dev_masked_error": 0.285, "train_masked_error": 0.035}'
    given = laboratory.experiment("given", "--task=infill", "--wer=0.3", more)
    heard = laboratory.experiment("heard", more)
    assert laboratory.compare(given, heard) == 0
    table = (laboratory.runs / "compare.md").read_text()
    assert "| given | 31.0 | 28.5* | 3.5* |" in table
    assert "| heard | 51.0 | 7.0 | 1.0 |" in table
    page = Page((laboratory.runs / "compare.html").read_text()).text
    for text, mark in ((page, "*"), (table, r"\*")):
        assert f"{mark} The task gives the model words of the text" in text
    assert "over 2 epochs of 1 runs; every dot is one epoch. Only runs of --task=transcribe are drawn" in page
    assert [row["task"] for row in laboratory.results()["experiments"]] == ["infill", "transcribe"]
    with_both = (laboratory.runs / "loss_wer.svg").read_text()
    assert laboratory.compare(heard) == 0
    assert (laboratory.runs / "loss_wer.svg").read_text() == with_both


def test_the_unigram_guess_is_in_nats_or_not_told(laboratory):
    more_in_the_summary(laboratory)
    own_unit = laboratory.experiment("own_unit", '--more={"unigram_loss": 0.06}')
    nats = laboratory.experiment("nats", '--more={"unigram_loss": 0.06, "collapse": {"unigram_loss": 2.3}}')
    assert laboratory.compare(own_unit, nats) == 0
    own_unit, nats = (row["figures"] for row in laboratory.results()["experiments"])
    assert "unigram_nats" not in own_unit
    assert nats["unigram_nats"]["mean"] == pytest.approx(2.3)


def test_wer_that_is_not_of_utterances_is_marked_and_wins_nothing(laboratory):
    more_in_the_summary(laboratory)
    copy = laboratory.experiment("copy", "--wer=0", '--more={"test_wer_of": "words asked for in windows"}')
    assert laboratory.compare(copy, laboratory.experiment("listen", '--more={"test_wer_of": "whole utterances"}')) == 0
    text = Page((laboratory.runs / "compare.html").read_text()).text
    assert "51.0 % utterance WER The lowest of 1, by listen" in text
    assert "copy : * of words asked for in windows" in text
    assert "copy 1.0 %*" in text


def test_without_any_run_done_there_is_a_table_of_dashes(laboratory):
    plan = Plan.of(read_experiments([laboratory.experiment("one")]), laboratory.runs, seeds=2)
    write_results(laboratory.runs, collect(plan))
    assert "No utterance WER" in Page((laboratory.runs / "compare.html").read_text()).text
    assert not (laboratory.runs / "loss_wer.svg").exists()


@pytest.mark.slow
def test_two_real_experiments(tmp_path):
    tiny = f"--flagfile={ROOT}/flags/tiny.cfg"
    (tmp_path / "one.cfg").write_text(f"# A tiny run.\n{tiny}\n")
    (tmp_path / "two.cfg").write_text(f"{tiny}\n--audio_mixer=attention\n")
    flags = ["--epochs=2", "--steps_per_epoch=2", "--test_utterances=1", "--nogradient_norms", "--model_dim=8"]
    flags.append(f"--cache_dir={tmp_path}/cache")
    plan = Plan.of(read_experiments([tmp_path / "one.cfg", tmp_path / "two.cfg"], flags), tmp_path / "runs", seeds=1)
    run_all(plan, prepare(plan), schedule.trainer_command())
    assert [run.error for run in plan.runs] == ["", ""]
    results = collect(plan)
    for row in results["experiments"]:
        assert {"test_wer", "dev_wer", "loss", "parameters", "train_cpu_seconds"} <= set(row["figures"])
        assert row["figures"]["steps"]["mean"] == 4
    assert [len(run["epochs"]) for run in results["runs"]] == [2, 2]
    assert results["header"]["datasets"] == ["synthetic_tiny"]
    write_results(tmp_path / "runs", results)
    assert "<svg" in (tmp_path / "runs/compare.html").read_text()
