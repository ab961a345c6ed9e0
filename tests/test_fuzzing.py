"""The search for inputs that break parsers: it runs, it finds what is there, and what it has found stays on record."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("atheris", reason="atheris is not installed: pip install keras_stt[fuzz]")

ROOT = Path(__file__).parent.parent
# A parser with a fault that the seeds do not show.
FAULTY = """
import sys
sys.path[:0] = [{folder!r}, {tests!r}]
import dataclasses, fuzz_formats
from format_contract import FORMATS

def parse(path, *told):
    data = open(path, "rb").read()
    if b"@" not in data and b"(" in data:
        raise OverflowError("a fault")
    return FORMATS["trn"].parse(path, *told)

fuzz_formats.FORMATS = {{"trn": dataclasses.replace(FORMATS["trn"], parse=parse)}}
fuzz_formats.main()
"""


@pytest.fixture
def fuzzing(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import fuzzing

    return fuzzing


def test_a_fault_is_found_and_the_search_goes_on(tmp_path):
    program = FAULTY.format(folder=str(ROOT / "tests" / "fuzz"), tests=str(ROOT / "tests"))
    (tmp_path / "corpus").mkdir()
    command = [
        sys.executable,
        "-c",
        program,
        "trn",
        tmp_path / "findings",
        tmp_path / "corpus",
        "-runs=600",
        "-seed=1",
    ]
    log = subprocess.run(command, capture_output=True, text=True, errors="replace", cwd=ROOT).stderr
    assert "Done 600 runs" in log
    (found,) = [json.loads(path.read_text()) for path in (tmp_path / "findings").iterdir()]
    assert (found["what"], found["message"]) == ("OverflowError in <string>:parse", "a fault")
    assert b"(" in base64.b64decode(found["input"])


def test_a_search_counts_what_it_does(fuzzing, tmp_path):
    found = fuzzing.search("trn", 2, tmp_path / "corpus")
    assert found["executions"] > 100
    assert found["edges"] > 20
    assert found["crashes"] == []
    assert any((tmp_path / "corpus").iterdir())


def test_results_of_several_searches_are_summed_up_and_nothing_found_is_forgotten(fuzzing):
    crash = {"what": "E in f", "message": "", "input": ""}
    first = fuzzing.added({}, {"seconds": 5, "executions": 7, "edges": 3, "crashes": [crash]})
    second = fuzzing.added(
        first, {"seconds": 1, "executions": 2, "edges": 4, "crashes": [crash, {**crash, "what": "x"}]}
    )
    assert {**second, "crashes": [crash["what"] for crash in second["crashes"]]} == {
        "seconds": 6,
        "executions": 9,
        "edges": 4,
        "crashes": ["E in f", "x"],
    }


def test_mended_is_what_now_keeps_the_contract(fuzzing, monkeypatch):
    crash = {"what": "E in f", "message": "", "input": base64.b64encode(b"\xff").decode()}
    assert fuzzing.is_mended("stm", crash)
    monkeypatch.setitem(
        fuzzing.FORMATS, "stm", fuzzing.FORMATS["stm"].__class__("stm", lambda path, *told: 1 / 0, None, ())
    )
    assert not fuzzing.is_mended("stm", crash)
