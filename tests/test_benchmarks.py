"""Speeds: the harness, the page that shows them, and that we have not become slower than what was recorded."""

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "benchmarks"


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
    recorded = {"x": 2.0, "y": 2.0}
    assert check.faults(recorded, check.best_ratios(recorded, lambda: next(unlucky))) == []
    slow = check.best_ratios({"x": 2.0}, lambda: {"x": 1.3})
    assert check.faults({"x": 2.0}, slow) == ["slower than recorded: x 1.30"]
    assert "x: 1.30, recorded 2.00" in capsys.readouterr().out


def test_what_the_recorded_code_does_not_reach_is_not_asked_of_ours(benchmark):
    check = benchmark("check")
    recorded = {"busy": 2.0, "slower": 2.0, "same": 2.0}
    ours, theirs = {"busy": 1.0, "slower": 1.0, "same": 2.0}, {"busy": 1.2, "slower": 2.5, "same": 2.0}
    expected, best = check.beside_earlier(recorded, ours, lambda: ours, lambda: theirs)
    assert check.faults(expected, best) == ["slower than recorded: slower 1.00"]


def test_another_code_answers_by_its_own_functions(benchmark, tmp_path):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/wer_counting.py").write_text("def found():\n    print('chatter')\n    return {'x': 1.5}\n")
    assert benchmark("earlier_code").answer(tmp_path, "wer_counting", "found") == {"x": 1.5}


def test_the_code_of_a_commit_is_there_or_not_known(benchmark):
    program = benchmark("earlier_code")
    with program.code_of("0" * 40) as folder:
        assert folder is None
    if (ROOT / ".git").exists():
        with program.code_of(program.commit_of_today()) as folder:
            assert (folder / "benchmarks/check.py").is_file()
            assert (folder / "keras_stt/__init__.py").is_file()


def test_a_ratio_that_is_not_recorded_or_not_measured_is_a_fault(benchmark):
    found = benchmark("check").faults({"x": 1.0, "old": 1.0}, {"x": 1.0, "new": 9.0})
    assert found == ["measured but not recorded: new", "recorded but not measured: old"]


def test_recorded_is_the_median_of_some_tries(benchmark):
    tries = iter([1.0, 9.0, 2.0, 4.0])
    assert benchmark("check").medians(lambda: {"x": next(tries)}) == {"x": 3.0}


def test_the_versions_of_all_results_are_shown(benchmark):
    sources = [
        {"machine": {"cpu": "one"}, "versions": {"numpy": "2.4", "jiwer": "4.0"}},
        {"machine": {"cpu": "one"}, "versions": {"numpy": "2.5"}},
    ]
    assert "| one | numpy 2.4 and 2.5, jiwer 4.0 |" in benchmark("performance_page").machine_table(sources)


def test_an_operation_is_of_its_kind_and_what_the_optimizer_calls_is_the_optimizer(benchmark):
    program = benchmark("profile_step")

    def event(name, above=None):
        return SimpleNamespace(name=name, cpu_parent=above)

    step = event(program.STEP)
    optimizer = event(program.OPTIMIZER, step)
    assert program.kind_of(step) == program.PYTHON
    assert program.kind_of(event("aten::mul_", event("aten::_foreach_mul_", optimizer))) == program.OPTIMIZER
    kinds = {
        "aten::addmm": "matrix_products",
        "aten::convolution_backward": "convolutions",
        "aten::_scaled_dot_product_flash_attention_for_cpu": "attention",
        "aten::_ctc_loss_backward": "ctc",
        "aten::native_layer_norm": "normalisation",
        "aten::threshold_backward": "relu",
        "aten::copy_": "copies",
        "aten::add": "element_by_element",
        "aten::empty": program.REST,
    }
    assert {name: program.kind_of(event(name, step)) for name in kinds} == kinds


def test_memory_is_shown_above_that_of_the_samples(benchmark):
    rows = [
        {"seconds": 5, "samples_megabytes": 0.32, "megabytes": {"torch": 1234.5}},
        {"seconds": 300, "samples_megabytes": 19.2, "megabytes": {"torch": 2345.6}},
    ]
    lines = benchmark("performance_page").memory_table({"rows": rows}).splitlines()
    assert lines[0] == "| peak memory, MB | 5 s | 5 min |"
    assert lines[2:] == ["| the samples themselves | 0.3 | 19.2 |", "| torch | 1,234 | 2,346 |"]


def test_memory_that_was_held_for_a_while_is_in_the_peak(benchmark):
    with benchmark("growth").PeakMemory() as memory:
        held = np.ones(25_000_000)
        time.sleep(0.05)
        del held
    assert 190 < memory.mb < 300


def test_the_page_holds_the_figures_of_the_results(benchmark):
    text = (ROOT / "docs/performance.in.md").read_text(encoding="utf-8")
    assert benchmark("performance_page").filled(text) == (ROOT / "docs/performance.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["reliability", "planning"])
def test_the_pages_on_reliability_hold_the_figures_of_the_results(benchmark, page):
    text = (ROOT / f"docs/{page}.in.md").read_text(encoding="utf-8")
    assert benchmark("reliability_page").filled(text) == (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")


def test_the_page_on_live_speech_holds_the_figures_of_the_results(benchmark):
    page = benchmark("live_page")
    text = (ROOT / "docs/live.in.md").read_text(encoding="utf-8").format(**page.tables(page.read_results("live")))
    assert text == (ROOT / "docs/live.md").read_text(encoding="utf-8")


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
@pytest.mark.speed
def test_nothing_is_slower_than_it_was_recorded(benchmark):
    """Ratios, best of some tries: see the program."""
    done = subprocess.run(
        [sys.executable, str(FOLDER / "check.py")],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    if done.stdout.startswith(benchmark("check").NOT_COMPARED):
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
