"""Counting word errors: ours beside jiwer, on one list, and whether the counts are the same.

    python benchmarks/wer_counting.py [--rounds=5]

The list is made up: transcripts of 5 to 40 words, some words of them left out, put in or replaced, as a recogniser of
some 30 % WER does. Both take strings and give substitutions, deletions, insertions and hits of the whole list. Writes
benchmarks/results/wer_counting.json and prints the figures.
"""

import argparse

import jiwer
import numpy as np
from rounds import ROUNDS, in_turn, on_one_core, times_as_fast, write_results

from keras_stt.text import split_words
from keras_stt.wer import EditCounts, edit_counts


def transcripts(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """References, and what was heard in their place."""
    rng = np.random.default_rng(seed)
    words = np.array([f"WORD{number}" for number in range(5_000)])

    def drawn(size):
        return words[np.minimum(20 * rng.pareto(1.0, size), len(words) - 1).astype(int)]  # a few are common

    references, hypotheses = [], []
    for _ in range(count):
        said = drawn(rng.integers(5, 41))
        heard = np.where(rng.random(len(said)) < 0.15, drawn(len(said)), said)[rng.random(len(said)) >= 0.1]
        added = np.flatnonzero(rng.random(len(heard) + 1) < 0.05)
        references.append(" ".join(said))
        hypotheses.append(" ".join(np.insert(heard, added, drawn(len(added)))))
    return references, hypotheses


def ours(references: list[str], hypotheses: list[str]) -> EditCounts:
    pairs = zip(references, hypotheses, strict=True)
    return sum((edit_counts(split_words(said), split_words(heard)) for said, heard in pairs), EditCounts())


def theirs(references: list[str], hypotheses: list[str]) -> EditCounts:
    found = jiwer.process_words(references, hypotheses)
    return EditCounts(found.substitutions, found.deletions, found.insertions, found.hits)


def compare(count: int, rounds: int) -> dict:
    """Words per second of both, how many times as fast we are, and whether the counts are the same."""
    lists = transcripts(count)
    seconds = in_turn({"keras_stt": lambda: ours(*lists), "jiwer": lambda: theirs(*lists)}, rounds)
    counts = ours(*lists)
    return {
        "words": counts.reference_words,
        "wer": counts.rate,
        "words_per_second": {name: counts.reference_words / float(np.median(spent)) for name, spent in seconds.items()},
        "ours_times_as_fast": times_as_fast(seconds, "keras_stt", "jiwer"),
        "same_counts": counts == theirs(*lists),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    on_one_core()
    found = compare(10_000, arguments.rounds)
    for name, speed in found["words_per_second"].items():
        print(f"{name:12s}{speed:12,.0f} words per second")
    print(f"ours {found['ours_times_as_fast']:.2f} x as fast; counts {'equal' if found['same_counts'] else 'DIFFER'}")
    write_results("wer_counting", {"rounds": arguments.rounds, **found}, ("jiwer", "rapidfuzz"))


if __name__ == "__main__":
    main()
