"""The page of the diary is what its command writes from the measured figures."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parent.parent


def load():
    spec = importlib.util.spec_from_file_location("diary_page", ROOT / "benchmarks/diary_page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_holds_the_figures_of_the_results():
    page = load()
    text = (ROOT / "docs/diary.in.md").read_text(encoding="utf-8")
    assert page.filled(text) == (ROOT / "docs/diary.md").read_text(encoding="utf-8")


def test_every_entry_of_the_diary_has_its_row():
    rows = [
        line for line in (ROOT / "docs/diary.md").read_text(encoding="utf-8").splitlines() if line.startswith("| D")
    ]
    assert {f"D{number:02d}" for number in range(1, 41)} <= {row[2:5] for row in rows}


def test_figures_are_written_with_their_seeds():
    row = {"figures": {"test_wer": {"mean": 0.2, "values": [0.1, 0.3]}, "steps": {"mean": 1200.0, "values": [1200.0]}}}
    assert load().figure(row, "test_wer") == "20.0 % (10.0, 30.0)"
    assert load().figure(row, "steps") == "1,200"
    assert load().figure(row, "dev_wer") == "-"


def test_no_place_of_the_machine_is_in_the_results():
    for path in (ROOT / "benchmarks/results").glob("*.json"):
        assert "_dir=/" not in path.read_text(), path
