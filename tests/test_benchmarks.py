"""Speeds: the harness, the page that shows them, and that we have not become slower than what was recorded."""

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """Imports a program of benchmarks/ as it is imported there."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


def test_all_ways_run_in_turn_and_the_first_time_is_not_counted(benchmark):
    ran, now = [], iter(range(1000))
    ways = {name: lambda name=name: ran.append(name) for name in "ab"}
    seconds = benchmark("rounds").in_turn(ways, rounds=3, clock=lambda: next(now))
    assert "".join(ran) == "ab" + "ab" + "ba" + "ab"
    assert seconds == {"a": [1, 1, 1], "b": [1, 1, 1]}


def test_ratios_are_taken_within_rounds(benchmark):
    """A round in which the whole machine was slow changes nothing."""
    seconds = {"ours": [1.0, 10.0, 1.0], "peer": [2.0, 20.0, 2.0]}
    assert benchmark("rounds").times_as_fast(seconds, "ours", "peer") == 2.0


def test_counts_on_the_list_of_the_benchmark_are_those_of_jiwer(benchmark):
    found = benchmark("wer_counting").compare(200, rounds=1)
    assert found["same_counts"]
    assert 0.2 < found["wer"] < 0.4


def test_log_mel_of_the_benchmark_is_that_of_librosa(benchmark):
    program = benchmark("log_mel")
    samples = np.random.default_rng(0).standard_normal(50_000).astype(np.float32)
    np.testing.assert_allclose(program.log_mel(samples), program.librosa_log_mel(samples), atol=1e-4)


def test_a_slower_part_is_found_and_bad_luck_is_not(benchmark, capsys):
    check = benchmark("check")
    unlucky = iter([{"x": 1.0, "y": 2.0}, {"x": 1.9, "y": 1.0}])
    assert check.slower_than({"x": 2.0, "y": 2.0}, lambda: next(unlucky)) == {}
    assert check.slower_than({"x": 2.0}, lambda: {"x": 1.3}) == {"x": 1.3}
    assert "x: 1.30, recorded 2.00" in capsys.readouterr().out


def test_the_page_holds_the_figures_of_the_results(benchmark):
    text = (ROOT / "docs/performance.in.md").read_text(encoding="utf-8")
    assert benchmark("performance_page").filled(text) == (ROOT / "docs/performance.md").read_text(encoding="utf-8")


def test_a_corpus_repeated_for_the_growth_is_an_index_like_any_other(benchmark, tone_corpus, tmp_path):
    from keras_stt.data.feature_store import FeatureStore
    from keras_stt.data.index import Index

    (tmp_path / "small/train").mkdir(parents=True)
    (tmp_path / "small/train-features").mkdir()
    for source, target in ((tone_corpus.index.folder, "train"), (tone_corpus.features.folder, "train-features")):
        for path in source.iterdir():
            (tmp_path / "small" / target / path.name).write_bytes(path.read_bytes())
    (tmp_path / "large").mkdir()
    benchmark("growth").repeat_corpus(tmp_path / "small", tmp_path / "large", 3)
    index, features = Index(tmp_path / "large/train"), FeatureStore(tmp_path / "large/train-features")
    assert list(index) == 3 * list(tone_corpus.index)
    assert index[22] == tone_corpus.index[4]
    assert [len(features[row]) for row in range(27)] == 3 * [len(tone_corpus.features[row]) for row in range(9)]


@pytest.mark.slow
def test_nothing_is_slower_than_it_was_recorded():
    """Ratios, best of some tries: see the program."""
    done = subprocess.run(
        [sys.executable, str(FOLDER / "check.py")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
