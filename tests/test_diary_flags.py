"""The flagfiles that come with the package: each is read, makes sense, and belongs to a row of the diary."""

import dataclasses
import re
from pathlib import Path

import pytest
from absl import flags

from keras_stt.compare import read_experiments

ROOT = Path(__file__).parent.parent
PLAIN, DIARY, CORPORA, ABLATION = (
    sorted((ROOT / "flags").glob(f"{folder}*.cfg")) for folder in ("", "diary/", "corpus/", "ablation/**/")
)
# Rows of the diary that are an experiment of their own; D26, all text masked, is base.cfg.
EXPERIMENTS = [1, 2, *range(4, 19), *range(20, 26), 27, 28, 32, 34, 39]

every_file_of_the_diary = pytest.mark.parametrize("path", DIARY, ids=lambda path: path.stem)


def flagfile(path: Path) -> str:
    return f"--flagfile={path.relative_to(ROOT)}"


@pytest.mark.parametrize("path", [*PLAIN, *ABLATION], ids=lambda path: path.stem)
def test_a_flagfile_makes_sense(options_of, path):
    options_of(flagfile(path))


@every_file_of_the_diary
def test_an_experiment_makes_sense_alone_and_on_every_corpus(options_of, path):
    alone = options_of(flagfile(path))
    assert alone.output_dir == f"runs/diary/{path.stem}"
    assert len(CORPORA) >= 2
    for corpus in CORPORA:
        spoken = options_of(flagfile(path), flagfile(corpus))
        assert spoken.dataset != alone.dataset
        assert spoken.task == alone.task


@every_file_of_the_diary
def test_an_experiment_says_what_it_is_about_and_changes_the_base(path):
    text = path.read_text(encoding="utf-8")
    assert re.match(r"# D\d\d: \S", text)
    assert ("--flagfile=flags/diary/base.cfg\n" in text) == (path.stem != "base")


@pytest.mark.parametrize("paths", [DIARY, ABLATION], ids=["diary", "ablation"])
def test_no_two_experiments_are_the_same(options_of, paths):
    assert len(paths) > 10
    asked = [dataclasses.replace(options_of(flagfile(path)), output_dir="one") for path in paths]
    same = [(paths[asked.index(one)].stem, path.stem) for path, one in zip(paths, asked, strict=True)]
    assert [pair for pair in same if pair[0] != pair[1]] == []


def test_every_experiment_of_the_diary_has_a_flagfile(options_of, monkeypatch):
    monkeypatch.chdir(ROOT)  # where nested flagfiles are looked for
    described = {experiment.description[:3] for experiment in read_experiments([str(path) for path in DIARY])}
    assert described >= {f"D{number:02d}" for number in EXPERIMENTS}
    assert options_of("--flagfile=flags/diary/base.cfg").task == "transcribe"  # D26


def test_a_flagfile_of_the_diary_that_makes_no_sense_would_be_found(options_of):
    with pytest.raises(flags.IllegalFlagValueError, match="--position"):
        options_of("--flagfile=flags/diary/base.cfg", "--position=nowhere")
