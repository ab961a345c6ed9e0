"""Voting: the words that most candidates agree on, and never more edits to fear than the best candidate has."""

import numpy as np
import pytest

from keras_stt.decoding.vote import consensus, expected_edits, vote
from keras_stt.errors import InputError


def split(*texts):
    return [text.split() for text in texts]


def test_errors_in_different_places_outvote_one_another():
    candidates = split("THE CAT SAT IN THE MAT", "A CAT SAT ON THE MAT", "THE CAT SAD ON THE MAT")
    assert vote(candidates) == ["THE", "CAT", "SAT", "ON", "THE", "MAT"]
    assert ["THE", "CAT", "SAT", "ON", "THE", "MAT"] not in candidates


def test_words_missed_or_added_by_one_are_put_right():
    assert vote(split("THE SAT ON", "THE CAT SAT", "THE CAT SAT ON")) == ["THE", "CAT", "SAT", "ON"]
    assert vote(split("SO THE CAT SAT", "THE CAT SAT ON", "THE OLD CAT SAT")) == ["THE", "CAT", "SAT"]


def test_weights_decide():
    candidates = split("A B C", "A X C", "A X C")
    assert vote(candidates) == ["A", "X", "C"]
    assert vote(candidates, [0.8, 0.1, 0.1]) == ["A", "B", "C"]


def test_one_candidate_is_the_answer_and_none_an_error():
    assert vote([["A", "B"]]) == ["A", "B"]
    assert vote([[]]) == []
    assert vote([[], [], ["A"]]) == []
    with pytest.raises(InputError, match="no candidates"):
        vote([])


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [0.0, 0.0], [np.nan, 1.0]])
def test_weights_that_make_no_sense(weights):
    with pytest.raises(InputError, match="weights"):
        vote([["A"], ["B"]], weights)


def test_a_candidate_without_weight_has_no_voice():
    assert vote(split("A", "B", "B"), [1.0, 0.0, 0.0]) == ["A"]


@pytest.mark.parametrize("seed", range(10))
def test_never_more_expected_edits_than_any_candidate(seed):
    rng = np.random.default_rng(seed)
    candidates = [list(rng.choice(list("ABCD"), rng.integers(0, 9))) for _ in range(6)]
    weights = rng.random(6)
    risk = expected_edits(vote(candidates, weights), candidates, weights)
    assert risk <= min(expected_edits(candidate, candidates, weights) for candidate in candidates) + 1e-9


def test_many_noisy_listeners_hear_better_than_the_best_of_them():
    rng = np.random.default_rng(0)
    truth = [f"W{number}" for number in range(30)]

    def mishear():
        words = []
        for word in truth:
            chance = rng.random()
            words += [] if chance < 0.1 else [f"X{rng.integers(99)}"] if chance < 0.2 else [word]
            words += [f"X{rng.integers(99)}"] if rng.random() < 0.1 else []
        return words

    candidates = [mishear() for _ in range(9)]
    best = min(expected_edits(candidate, [truth], [1.0]) for candidate in candidates)
    assert expected_edits(vote(candidates), [truth], [1.0]) <= 2 < best
    assert expected_edits(consensus(candidates, np.ones(9)), [truth], [1.0]) <= 2
