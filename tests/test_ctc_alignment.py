"""Known text on a CTC head: the path and the score are those of trying all paths, and words get sensible times."""

import itertools
import time

import keras
import numpy as np
import pytest

from keras_stt.decoding.ctc_alignment import (
    forward_score,
    forward_scores,
    log_softmax,
    spans_to_words,
    viterbi,
    word_times,
)
from keras_stt.errors import InputError
from keras_stt.tokens import CharacterTokens, Tokens

STEP = 0.04  # s
PIECES = Tokens("bpe", ["\u2581", "\u2581THE", "\u2581CA", "T", "S"])  # ids 1 to 5


def random_log_probs(steps, width, seed=0):
    return log_softmax(3 * np.random.default_rng(seed).normal(size=(steps, width)))


def collapse(path):
    return tuple(token for token, _ in itertools.groupby(path) if token)


def all_paths(log_probs):
    """Every path with the tokens it says and its log-probability."""
    steps, width = log_probs.shape
    for path in itertools.product(range(width), repeat=steps):
        yield path, collapse(path), log_probs[range(steps), path].sum()


@pytest.mark.parametrize("token_ids", [[], [1], [1, 2], [2, 2], [3, 1, 3], [1, 1, 2], [1, 2, 3, 1, 2, 3]])
def test_score_and_path_are_those_of_trying_all_paths(token_ids):
    log_probs = random_log_probs(6, 4)
    paths = [(score, path) for path, said, score in all_paths(log_probs) if said == tuple(token_ids)]
    best, likeliest = max(paths)
    aligned = viterbi(log_probs, np.array(token_ids))
    assert aligned.score == pytest.approx(best)
    assert forward_score(log_probs, np.array(token_ids)) == pytest.approx(np.logaddexp.reduce([s for s, _ in paths]))
    spelt = np.zeros(6, int)
    for token, start, end in zip(aligned.token_ids, aligned.starts, aligned.ends, strict=True):
        spelt[start:end] = token
    assert tuple(spelt) == likeliest
    spans = zip(token_ids, aligned.starts, aligned.ends, strict=True)
    peaks = [log_probs[start:end, token].max() for token, start, end in spans]
    np.testing.assert_allclose(aligned.confidences, np.exp(peaks), rtol=1e-5)


def test_all_texts_together_are_certain():
    log_probs = random_log_probs(4, 3)
    texts = {said for _, said, _ in all_paths(log_probs)}
    scores = forward_scores(log_probs, [np.array(text) for text in texts])
    assert np.exp(scores).sum() == pytest.approx(1)


@pytest.mark.parametrize(("steps", "token_ids"), [(9, [1, 2, 3]), (12, [2, 2, 4, 1, 1]), (5, [3])])
def test_forward_score_is_the_loss_of_keras(steps, token_ids):
    logits = np.random.default_rng(steps).normal(size=(steps, 5)).astype(np.float32)
    loss = keras.losses.CTC()(np.array([token_ids]), logits[None])
    assert forward_score(logits, np.array(token_ids)) == pytest.approx(-float(loss), rel=1e-4)


def test_many_candidates_score_as_each_alone():
    log_probs = random_log_probs(20, 6)
    candidates = [np.array(ids, int) for ids in ([1, 2, 3], [], [4, 4, 4, 5], [1] * 11, [5])]
    together = forward_scores(log_probs, candidates)
    np.testing.assert_allclose(together, [forward_score(log_probs, ids) for ids in candidates])
    assert together[3] == -np.inf  # eleven equal tokens take 21 steps
    assert np.isfinite(together[[0, 1, 2, 4]]).all()
    assert forward_scores(log_probs, []).shape == (0,)


def test_padding_of_sure_blanks_changes_nothing():
    log_probs, token_ids = random_log_probs(10, 5), np.array([1, 3, 3])
    blanks = np.full((4, 5), -1e4)
    blanks[:, 0] = 0
    padded = np.concatenate([log_probs, blanks])
    assert forward_score(padded, token_ids) == pytest.approx(forward_score(log_probs, token_ids))
    np.testing.assert_array_equal(viterbi(padded, token_ids).starts, viterbi(log_probs, token_ids).starts)


def test_a_text_longer_than_the_audio_is_one_clear_line():
    log_probs = random_log_probs(4, 4)
    assert len(viterbi(log_probs, np.array([1, 2, 1, 2])).starts) == 4
    for token_ids in ([1, 2, 3, 1, 2], [1, 1, 2, 2]):  # equal neighbours need a step between them
        with pytest.raises(InputError, match=r"needs [56] steps of audio, the recording has 4; give") as error:
            viterbi(log_probs, np.array(token_ids))
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("log_probs", "token_ids", "message"),
    [
        (np.zeros((0, 4)), [1], "no audio frames"),
        (np.zeros((1, 5, 4)), [1], "give one utterance"),
        (np.zeros((5, 4)), [1, 4], "the CTC head has 1 to 3"),
        (np.zeros((5, 4)), [0], "the CTC head has 1 to 3"),
    ],
)
def test_bad_input(log_probs, token_ids, message):
    for score in (viterbi, forward_score):
        with pytest.raises(InputError, match=message):
            score(log_probs, np.array(token_ids))


def words_at(token_ids, starts, ends, steps=100, tokens=PIECES, lead=0.0):
    confidences = np.linspace(0.9, 0.5, len(token_ids))
    return spans_to_words(np.array(token_ids), np.array(starts), np.array(ends), confidences, steps, tokens, STEP, lead)


def test_words_start_at_their_first_spike_less_the_lead():
    token_ids, starts = [2, 3, 4, 2], [10, 20, 24, 30]  # THE CAT THE
    ends = [start + 1 for start in starts]
    words = words_at(token_ids, starts, ends)
    assert [word.text for word in words] == ["THE", "CAT", "THE"]
    assert [word.start for word in words] == pytest.approx([0.4, 0.8, 1.2])
    earlier = words_at(token_ids, starts, ends, lead=0.05)
    assert [word.start for word in earlier] == pytest.approx([0.35, 0.75, 1.15])
    assert [word.end for word in earlier] == pytest.approx([word.end - 0.05 for word in words])
    assert [word.confidence for word in words] == pytest.approx([0.9, 0.9 - 0.8 / 3, 0.5])


def test_a_word_ends_where_the_next_begins_and_before_a_pause_sooner():
    words = words_at([2, 3, 2], [10, 14, 80], [11, 15, 81])
    assert words[0].end == words[1].start == pytest.approx(0.56)
    assert words[1].end == pytest.approx(14 * STEP + 0.05 + 2 * 0.08)
    assert words_at([2], [98], [99])[0].end == pytest.approx(100 * STEP)
    assert words_at([2], [10], [40])[0].end == pytest.approx(40 * STEP)


def test_a_separator_has_no_part_in_the_times():
    characters = CharacterTokens("AT")  # ▁ A T
    words = words_at([2, 3, 1, 2, 3], [5, 7, 9, 20, 22], [6, 8, 19, 21, 23], tokens=characters)
    assert [(word.text, round(word.start, 3)) for word in words] == [("AT", 0.2), ("AT", 0.8)]
    assert words[0].end < 0.5
    same = words_at([1, 4, 1, 2], [0, 5, 8, 9], [1, 6, 9, 10])
    assert [(word.text, round(word.start, 3)) for word in same] == [("T", 0.2), ("THE", 0.36)]
    assert words_at([], [], []) == []
    assert words_at([1], [3], [4]) == []


@pytest.mark.parametrize("lead", [0.5, 0.0, -0.5])
def test_words_stay_in_order_and_within_the_utterance(lead):
    words = words_at([2, 2, 2, 3], [0, 2, 17, 19], [1, 3, 18, 20], steps=20, lead=lead)
    times = [time for word in words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= 20 * STEP + 1e-9
    assert all(word.end - word.start >= STEP / 2 - 1e-9 for word in words)


def test_word_times_of_an_alignment():
    log_probs = np.full((50, PIECES.size), -8.0)
    log_probs[:, 0] = 0
    log_probs[[10, 30, 33], [2, 3, 4]] = 8
    words = word_times(viterbi(log_probs, np.array([2, 3, 4])), PIECES, STEP)
    assert [(word.text, round(word.start, 3)) for word in words] == [("THE", 0.4), ("CAT", 1.2)]
    assert all(word.confidence > 0.99 for word in words)


def test_a_long_utterance_takes_little_time():
    log_probs = random_log_probs(375, 257)  # 15 s
    token_ids = np.random.default_rng(1).integers(1, 257, 90)
    started = time.process_time()
    viterbi(log_probs, token_ids)
    forward_scores(log_probs, [token_ids] * 16)
    assert time.process_time() - started < 1
