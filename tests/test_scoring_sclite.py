"""Our counts are those of NIST's sclite, utterance for utterance, and our test of two systems is that of sc_stats."""

import re
import subprocess
from pathlib import Path

import pytest

import keras_stt
from keras_stt.scoring.network import Rules
from keras_stt.scoring.scores import score_files
from keras_stt.scoring.significance import matched_pairs

CASES = 400
RULES = (Rules(), Rules(case_sensitive=True), Rules(optional=True, fragments=True))


@pytest.fixture
def scoring(benchmark):
    program = benchmark("scoring")
    if program.sclite_program() is None:
        pytest.skip("NIST's sclite is not installed: apt install sctk")
    return program


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["trn", "stm"])
def test_generated_transcripts_are_counted_alike(kind, seed, scoring, benchmark, tmp_path):
    """Alternations within alternations, words of nothing, optional ones, fragments, ignored segments, channels."""
    write = getattr(benchmark("scoring_cases"), f"write_{kind}_case")
    files, rules = write(tmp_path, CASES, 100 + seed), RULES[seed % len(RULES)]
    theirs, ours = scoring.sclite(*files, rules), scoring.ours(score_files(*files, rules))
    assert len(ours) > CASES / 2
    assert ours == theirs


def test_tables_are_those_of_sclite(scoring, benchmark, tmp_path):
    files = benchmark("scoring_cases").write_stm_case(tmp_path, CASES, 7)
    command = [scoring.sclite_program(), "-r", files[0], "stm", "-h", files[1], "ctm", "-e", "utf-8", "-f", "0"]
    subprocess.run([*command, "-o", "rsum", "lur", "-O", tmp_path, "-n", "x"], check=True, capture_output=True)
    (counts,) = (path.read_text(encoding="utf-8", errors="replace") for path in Path(tmp_path).glob("*.raw"))
    (labels,) = (path.read_text(encoding="utf-8", errors="replace") for path in Path(tmp_path).glob("*.lur"))
    scores = score_files(*files)
    rows = {name.lower(): list(map(int, numbers.split())) for name, numbers in speaker_rows(counts)}
    for row in [*scores.by_speaker, scores.total]:
        told = row.counts
        expected = [row.utterances, told.reference_words, told.hits, told.substitutions, told.deletions]
        expected += [told.insertions, told.edits, row.wrong_utterances]
        assert rows["sum" if row.name == "all" else row.name.lower()] == expected
    (line,) = (line for line in labels.splitlines() if "Set Sum/Avg" in line)
    theirs = [(int(words), float(rate)) for words, rate in re.findall(r"\[(\d+)\]\s+([\d.]+)", line)]
    ours = [row.counts for rows in scores.by_label for row in sorted(rows, key=lambda row: row.name)]
    assert [words for words, _ in theirs] == [counts.reference_words for counts in ours]
    assert [rate for _, rate in theirs] == [pytest.approx(100 * counts.rate, abs=0.051) for counts in ours]


def speaker_rows(report: str):
    """Names and numbers of a report's rows, up to the column of confidences."""
    for line in report.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) >= 3 and re.fullmatch(r"\d+\s+\d+", cells[1]):
            yield cells[0], f"{cells[1]} {cells[2]}"


def test_what_a_model_heard_is_counted_alike(scoring, benchmark, tmp_path):
    cases = benchmark("scoring_cases")
    files = cases.write_heard_case(tmp_path, keras_stt.load_model("librispeech-small"), cases.spoken())
    assert_alike(scoring, files)


@pytest.mark.data
def test_what_a_model_heard_of_real_speech_is_counted_alike(scoring, benchmark, real_data, tmp_path):
    cases = benchmark("scoring_cases")
    recordings = cases.recorded(real_data / "librispeech" / "test", speakers=2, utterances=2)
    assert len(recordings) == 2
    assert_alike(scoring, cases.write_heard_case(tmp_path, keras_stt.load_model("librispeech-small"), recordings))


def assert_alike(scoring, files):
    scores = score_files(*files)
    assert scoring.ours(scores) == scoring.sclite(*files, Rules())
    assert scores.total.counts.hits > 0
    assert scores.total.counts.edits > 0


def test_two_systems_are_tested_as_sc_stats_does(scoring, benchmark, tmp_path):
    for seed in range(3):
        files = benchmark("scoring_cases").write_two_systems(tmp_path, 150, seed)
        test = matched_pairs(*(score_files(files[0], path) for path in files[1:]))
        segments, *figures = scoring.sc_stats(*files)
        assert test.segments == segments
        assert [test.mean, test.deviation, test.z] == [pytest.approx(figure, abs=0.00051) for figure in figures]
