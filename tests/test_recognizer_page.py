"""The page of the recogniser and the model cards are what their command writes from the measured figures."""

import importlib
import json
from pathlib import Path

import pytest

from keras_stt.pretrained import FOLDER, pretrained_names

ROOT = Path(__file__).parent.parent


@pytest.fixture
def page(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("recognizer_page")


def test_the_page_holds_the_figures_of_the_results(page):
    text = (ROOT / "docs/recognizer.in.md").read_text(encoding="utf-8")
    assert page.filled(text) == (ROOT / "docs/recognizer.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", pretrained_names())
def test_every_model_that_comes_along_has_its_card(page, name):
    text = (ROOT / f"docs/cards/{name}.in.md").read_text(encoding="utf-8")
    assert page.filled(text) == (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def test_figures_are_written_as_people_read_them(page):
    found = {"wer": 0.1234, "wer_interval": [0.1, 0.15], "steps": 18936, "lead": 0.0123}
    assert page.value(found, ["wer"]) == "12.3 %"
    assert page.value({"dev": found}, ["dev", "wer_with_interval"]) == "12.3 % (10.0 to 15.0)"
    assert page.value(found, ["steps"]) == "18,936"
    assert page.value([found], ["0", "lead"]) == "0.0123"
    assert page.value({"model": "librispeech-small"}, ["model"]) == "librispeech-small"


def test_the_peer_is_compared_at_its_own_times(page, monkeypatch):
    points = [{"cpu_s": 100.0, "wer": 1.0}, {"cpu_s": 200.0, "wer": 0.8}]
    curve = [{"train_cpu_seconds": 150.0, "dev_wer": 0.4, "dev_wer_draft": 0.5}]
    monkeypatch.setattr(page, "peer", lambda: points)
    monkeypatch.setattr(page, "read_results", lambda name: {"curve": curve})
    rows = page.curve_table().splitlines()[2:]
    assert rows == ["| 100 | 100.0 % | - | - | - |", "| 200 | 80.0 % | 50.0 % | 40.0 % | 50 % |"]


def test_word_times_are_set_beside_those_of_the_same_speaker(page, monkeypatch):
    def rows(*speakers):
        return [{"speaker": name, "words": 10, "mean_error_ms": ms, "within_100_ms": 0.5} for name, ms in speakers]

    found = {"word_times": rows(("1", 10), ("2", 20)), "word_times_without_textgrids": rows(("2", 40), ("1", 30))}
    monkeypatch.setattr(page, "read_results", found.get)
    head, _, *lines = page.word_times_table().splitlines()
    assert lines == ["| 1 | 10 | 10 | 50.0 % | 30 | 50.0 % |", "| 2 | 10 | 20 | 50.0 % | 40 | 50.0 % |"]
    assert len(set(head.split("|")[1:-1])) == 6


def test_no_place_of_the_machine_is_in_what_comes_along():
    for name in pretrained_names():
        assert "/" not in json.dumps(json.loads((ROOT / f"benchmarks/results/pretrained_{name}.json").read_text()))
