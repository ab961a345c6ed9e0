"""Error rates: jiwer's counts, also where jiwer has no answer, and intervals that cover the truth."""

import math
import random

import jiwer
import pytest

from keras_stt.wer import EditCounts, alignment_operations, bootstrap_interval, cer, edit_counts, wer


def random_sentences(count, seed):
    generator = random.Random(seed)
    return [[generator.choice("ABCDE") * 2 for _ in range(generator.randint(1, 12))] for _ in range(count)]


def test_counts_are_those_of_jiwer():
    for reference, hypothesis in zip(random_sentences(200, 1), random_sentences(200, 2), strict=True):
        expected = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
        counts = edit_counts(reference, hypothesis)
        assert counts == EditCounts(expected.substitutions, expected.deletions, expected.insertions, expected.hits)
        assert counts.rate == expected.wer
        assert counts.reference_words == len(reference)


def test_rates_of_a_set_are_those_of_jiwer():
    references = [" ".join(words) for words in random_sentences(50, 3)]
    hypotheses = [" ".join(words) for words in random_sentences(50, 4)]
    assert wer(references, hypotheses) == pytest.approx(jiwer.wer(references, hypotheses))
    assert cer(references, hypotheses) == pytest.approx(jiwer.cer(references, hypotheses))
    assert wer("A B", "A") == 0.5
    assert cer("AB CD", "AB  CD ") == 0.0


def test_empty_references():
    assert edit_counts([], []).rate == 0.0
    assert edit_counts([], ["A"]) == EditCounts(insertions=1)
    assert math.isinf(edit_counts([], ["A"]).rate)
    assert edit_counts(["A", "B"], []) == EditCounts(deletions=2)
    # Words heard where nothing was said count against the words of the rest.
    assert wer(["", "A B"], ["X", "A B"]) == 0.5
    assert wer([], []) == 0.0


def test_different_numbers_of_utterances_are_an_error():
    with pytest.raises(ValueError, match="equal length"):
        wer(["A"], ["A", "B"])
    with pytest.raises(ValueError, match="equal length"):
        wer("A", ["A"])


def test_alignment_operations():
    operations = alignment_operations(["THE", "CAT", "SAT", "DOWN"], ["A", "CAT", "SAT", "RIGHT", "DOWN", "NOW"])
    assert operations == [
        ("substitute", "THE", "A"),
        ("equal", "CAT", "CAT"),
        ("equal", "SAT", "SAT"),
        ("insert", None, "RIGHT"),
        ("equal", "DOWN", "DOWN"),
        ("insert", None, "NOW"),
    ]
    assert alignment_operations(["A"], []) == [("delete", "A", None)]


def test_operations_agree_with_counts():
    for reference, hypothesis in zip(random_sentences(50, 5), random_sentences(50, 6), strict=True):
        operations = [operation for operation, _, _ in alignment_operations(reference, hypothesis)]
        counts = edit_counts(reference, hypothesis)
        assert operations.count("substitute") == counts.substitutions
        assert operations.count("delete") == counts.deletions
        assert operations.count("insert") == counts.insertions
        assert operations.count("equal") == counts.hits


def test_interval_holds_the_rate_and_repeats():
    counts = [edit_counts(a, b) for a, b in zip(random_sentences(100, 7), random_sentences(100, 8), strict=True)]
    rate = sum(counts, EditCounts()).rate
    low, high = bootstrap_interval(counts)
    assert low < rate < high
    assert (low, high) == bootstrap_interval(counts)
    narrow = bootstrap_interval(counts, level=0.5)
    assert low < narrow[0] < narrow[1] < high


def test_interval_over_speakers_is_wider_when_speakers_differ():
    good, bad = EditCounts(hits=10), EditCounts(substitutions=5, hits=5)
    counts = [good] * 50 + [bad] * 50
    speakers = [f"good {i // 25}" for i in range(50)] + [f"bad {i // 25}" for i in range(50)]
    by_utterance = bootstrap_interval(counts)
    by_speaker = bootstrap_interval(counts, speakers)
    assert by_speaker[1] - by_speaker[0] > 2 * (by_utterance[1] - by_utterance[0])
    with pytest.raises(ValueError, match="one group per utterance"):
        bootstrap_interval(counts, ["a"])


def test_interval_of_little():
    assert bootstrap_interval([]) == (0.0, 0.0)
    assert bootstrap_interval([EditCounts(hits=3)]) == (0.0, 0.0)
    assert bootstrap_interval([EditCounts(insertions=1)]) == (math.inf, math.inf)
