"""`keras-stt score`: tables to read and for programs, alignments, two systems, and what is wrong told in one line."""

import csv
import io
import json
import subprocess
import sys

import pytest

from keras_stt.cli.main import main

STM = """;; LABEL "F" "Female" "Women"
rec A Ann 0 2 <O,F> hello { big / @ } world
rec A Bob 2 3 IGNORE_TIME_SEGMENT_IN_SCORING
rec A Ann 3 5 <O,F> good (uh) night
rec B Bob 0 5 <O,M> yes
"""
CTM = """rec A 0.5 0.2 Hello 0.9
rec A 1.8 0.3 world 0.8
rec A 3.1 0.5 good 0.7
rec A 4 0.5 day 0.6
rec B 1 0.2 yes 0.5
"""
NOTE = "words in parentheses: 1; with --optional they may be left out\n"


@pytest.fixture
def files(tmp_path):
    (tmp_path / "ref.stm").write_text(STM)
    (tmp_path / "hyp.ctm").write_text(CTM)
    (tmp_path / "better.ctm").write_text(CTM.replace("day", "night"))
    return tmp_path


def score(capsys, *arguments) -> tuple[str, str]:
    assert main(["score", *map(str, arguments)]) == 0
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_tables_to_read(files, capsys):
    out, err = score(capsys, files / "ref.stm", files / "hyp.ctm")
    assert err == NOTE
    lines = [line.split() for line in out.splitlines()]
    assert out.startswith(f"{files}/hyp.ctm against {files}/ref.stm: 33.33 % of words wrong, 95 % interval ")
    for row in (
        "all 3 6 4 1 1 0 33.33 33.33",
        "Ann 2 5 3 1 1 0 40.00 50.00",
        "Bob 1 1 1 0 0 0 0.00 0.00",
        "O 3 6 4 1 1 0 33.33 33.33",
        "F Female 2 5 3 1 1 0 40.00 50.00",
        "M 1 1 1 0 0 0 0.00 0.00",
        "1 x night day",
        "1 x (uh)",
    ):
        assert row.split() in lines
    assert "by label 2" in out
    out, err = score(capsys, files / "ref.stm", files / "hyp.ctm", "--optional", "--errors=0")
    assert err == ""
    assert ["all", "3", "6", "5", "1", "0", "0", "16.67", "33.33"] in [line.split() for line in out.splitlines()]
    assert "most frequent" not in out


def test_json_and_tsv(files, capsys):
    asked = [files / "ref.stm", files / "hyp.ctm", "--optional"]
    told = json.loads(score(capsys, *asked, "--format=json")[0])
    counts = {"words": 6, "correct": 5, "substitutions": 1, "deletions": 0, "insertions": 0, "errors": 1}
    assert told["all"] == told["all"] | counts | {"utterances": 3, "wrong_utterances": 1}
    assert told["all"]["wer"] == pytest.approx(1 / 6)
    assert told["all"]["wer_interval"][0] <= 1 / 6 <= told["all"]["wer_interval"][1]
    assert [row["name"] for row in told["speakers"]] == ["Ann", "Bob"]
    assert [[row["name"] for row in rows] for rows in told["labels"]] == [["O"], ["F", "M"]]
    assert told["errors"]["substitutions"] == [{"words": ["night", "day"], "times": 1}]
    rows = list(csv.DictReader(io.StringIO(score(capsys, *asked, "--format=tsv")[0]), delimiter="\t"))
    assert [(row["table"], row["name"]) for row in rows] == [
        ("all", "all"),
        ("speaker", "Ann"),
        ("speaker", "Bob"),
        ("label 1", "O"),
        ("label 2", "F"),
        ("label 2", "M"),
    ]
    assert {name: int(rows[0][name]) for name in counts} == counts


def test_a_rate_without_words_is_no_number_in_json(files, capsys):
    (files / "ref.trn").write_text("(s-1)\n")
    (files / "hyp.trn").write_text("word (s-1)\n")
    told = json.loads(score(capsys, files / "ref.trn", files / "hyp.trn", "--format=json")[0])
    assert (told["all"]["wer"], told["all"]["insertions"]) == (None, 1)
    assert "inf % of words wrong" in score(capsys, files / "ref.trn", files / "hyp.trn")[0]


def test_alignments_stand_word_under_word(files, capsys):
    score(capsys, files / "ref.stm", files / "hyp.ctm", f"--alignments={files}/aligned.txt")
    assert (files / "aligned.txt").read_text().split("\n\n")[1].splitlines() == [
        "id: (Ann-001)",
        "segment: rec A 3.0 5.0 <O,F>",
        "Scores: (#C #S #D #I) 1 1 1 0",
        *("REF:  good (uh) night", "HYP:  good **** day", "Eval:      D    S"),
    ]


def test_two_systems(files, capsys):
    asked = [files / "ref.stm", files / "hyp.ctm", f"--against={files}/better.ctm", "--optional"]
    out, _ = score(capsys, *asked)
    assert f"{files}/better.ctm against {files}/hyp.ctm: WER 0.00 % and 16.67 %" in out
    assert out.splitlines()[-1] == (
        "The two systems cannot be told apart by this test set (p = 1); the test wants 50 segments with errors and has "
        "1."
    )
    told = json.loads(score(capsys, *asked, "--format=json")[0])
    assert told["against"]["all"]["errors"] == 0
    assert told["comparison"]["difference"] == pytest.approx(-1 / 6)
    assert told["comparison"]["matched_pairs"] == {"segments": 1, "mean": 1.0, "deviation": 0.0, "z": None, "p": 1.0}
    out, err = score(capsys, *asked, "--format=tsv")
    assert out.count("\tall\tall\t") == 2
    assert "cannot be told apart" in err


def test_whole_speakers_may_be_drawn(files, capsys):
    asked = [files / "ref.stm", files / "hyp.ctm", "--optional", "--format=json"]
    utterances, speakers = (
        json.loads(score(capsys, *asked, f"--resample={what}")[0])["all"]["wer_interval"]
        for what in ("utterance", "speaker")
    )
    assert speakers == [0.0, 0.2]  # either of the two, or both
    assert utterances != speakers
    assert json.loads(score(capsys, *asked, "--seed=1", "--samples=1")[0])["all"]["wer_interval"] != utterances


def test_control_characters_do_not_reach_the_terminal(files, capsys):
    (files / "ref.trn").write_text("a\x1b[31mb (s\x1b[2J-1)\n")
    (files / "hyp.trn").write_text("c (s\x1b[2J-1)\n")
    asked = [files / "ref.trn", files / "hyp.trn"]
    for kind in ("text", "tsv"):
        out, _ = score(capsys, *asked, f"--format={kind}", f"--alignments={files}/aligned.txt")
        assert "s?[2J" in out
        assert "\x1b" not in out + (files / "aligned.txt").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("model.keras", "a.wav", "hello", "hallo"), "keras-stt rank MODEL FILE TEXT..."),
        (("model.keras", "a.wav", "hello", "--passes=0"), "keras-stt rank MODEL FILE TEXT..."),
        (("none.trn", "none.trn"), "none.trn: cannot be read"),
        (("ref.stm", "hyp.ctm", "--errors=-1"), "--errors: -1 errors; give 0 or more"),
        (("ref.stm", "hyp.ctm", "--samples=0"), "--samples: 0 draws; give 1 to 1000000"),
        (("ref.stm", "hyp.ctm", "--seed=-1"), "--seed: -1; give 0 or more"),
        (("ref.stm", "hyp.ctm", "--alignments=none/x"), "none/x: cannot be written"),
        (("ref.stm", "hyp.ctm", "--alignments=./hyp.ctm"), "--alignments: ./hyp.ctm is what is scored"),
        (("hyp.ctm", "ref.stm"), "hyp.ctm: which format? Name it .stm or .trn, or give --reference_format; the ref"),
        (("ref.stm", "hyp.txt"), "hyp.txt: which format? Name it .ctm or .trn, or give --hypothesis_format"),
    ],
)
def test_wrong_input_is_told_in_one_line(arguments, message, files, capsys, monkeypatch):
    monkeypatch.chdir(files)
    assert main(["score", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_the_page_shows_what_its_examples_print_and_what_was_counted(benchmark):
    page = benchmark("scoring_page")
    assert page.filled(page.SOURCE.read_text(encoding="utf-8")) == page.PAGE.read_text(encoding="utf-8")
    cases = benchmark("rounds").read_results("scoring")["cases"]
    assert len(cases) == 9
    assert not any(case["different"] for case in cases.values())


def test_scoring_waits_for_no_framework(files):
    program = (
        "import sys; from keras_stt.cli.main import main\n"
        f"main(['score', {str(files / 'ref.stm')!r}, {str(files / 'hyp.ctm')!r}, '--against', "
        f"{str(files / 'better.ctm')!r}])\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'torch', 'librosa'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
