"""Beam search: the classic one where there is no language model, and words where there is one."""

import itertools
import math
import time

import keras
import numpy as np
import pytest

from keras_stt.decoding.beam import beam_search
from keras_stt.decoding.language_model import WordNgrams
from keras_stt.errors import InputError
from keras_stt.tokens import CharacterTokens, SubwordTokens

EXACT = {"token_beam": math.inf, "score_beam": math.inf, "sure_blank": 1.0, "beam": 10_000, "best": 10_000}
CAT = WordNgrams.learn(["THE CAT SAT ON THE MAT", "THE CAT SAT", "A CAT ON A MAT", "THE MAT"], 3, (0,))
LETTERS = CharacterTokens("ACEHMNOSTX")


def log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def random_log_probs(steps, size, seed, spread=1.5):
    return log_softmax(np.random.default_rng(seed).normal(0, spread, (steps, size)))


def all_paths(log_probs, tokens):
    """The logarithm of the probability of every text, by adding up all paths there are."""
    found = {}
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        said = [token for token, _ in itertools.groupby(path) if token]
        log_p = sum(log_probs[step, token] for step, token in enumerate(path))
        text = tokens.decode(said)
        found[text] = np.logaddexp(found.get(text, -np.inf), log_p)
    return found


def heard(tokens, said, other=None, steps=3, sure=4.0):
    """Log-probabilities of each token of `said` for one of `steps` steps, and of as likely ones of `other` with it."""
    ids = tokens.encode(said)
    logits = np.zeros((len(ids) * steps, tokens.size))
    logits[:, 0] = 8
    logits[::steps, 0] = 0
    logits[np.arange(len(ids)) * steps, ids] += sure
    if other is not None:
        logits[np.arange(len(ids)) * steps, tokens.encode(other)] += sure
    return log_softmax(logits)


@pytest.mark.parametrize("seed", range(4))
def test_without_a_language_model_it_adds_up_all_paths(seed):
    tokens = CharacterTokens("AB")
    log_probs = random_log_probs(6, tokens.size, seed)
    truth = all_paths(log_probs, tokens)
    result = beam_search(log_probs, 6, tokens, **EXACT)
    assert {hypothesis.text for hypothesis in result} == set(truth)
    for hypothesis in result:
        assert hypothesis.score == hypothesis.ctc_score == pytest.approx(truth[hypothesis.text], abs=1e-9)
        assert hypothesis.lm_score == 0
    assert [hypothesis.score for hypothesis in result] == pytest.approx(sorted(truth.values(), reverse=True))


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_what_keras_finds(seed):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("compared with the beam search of TensorFlow; the search itself is NumPy on every backend")
    tokens = CharacterTokens("ABCD")
    log_probs = random_log_probs(8, tokens.size, seed, spread=3.0)
    log_probs[:, 1] = -1e4  # the separator, which texts do not show at their ends
    log_probs = log_softmax(log_probs).astype(np.float32)
    decoded, _ = keras.ops.ctc_decode(
        log_probs[None], np.array([8]), strategy="beam_search", beam_width=30, top_paths=1, mask_index=0
    )
    expected = [int(token) for token in keras.ops.convert_to_numpy(decoded)[0, 0] if token >= 0]
    result = beam_search(log_probs, 8, tokens, **{**EXACT, "beam": 30})
    assert list(result[0].token_ids) == expected


def test_the_usual_pruning_finds_the_same_where_the_audio_is_clear():
    log_probs = heard(LETTERS, "THE CAT SAT ON THE MAT")
    exact = beam_search(log_probs, len(log_probs), LETTERS, **{**EXACT, "beam": 50})
    pruned = beam_search(log_probs, len(log_probs), LETTERS)
    assert pruned[0].text == exact[0].text == "THE CAT SAT ON THE MAT"
    assert pruned[0].ctc_score == pytest.approx(exact[0].ctc_score, abs=0.5)


@pytest.mark.parametrize("model", [None, CAT])
@pytest.mark.parametrize("seed", range(5))
def test_what_is_not_made_could_not_have_been_kept(model, seed):
    """Neither are those that are kept any less likely for it."""
    log_probs = random_log_probs(25, LETTERS.size, seed, spread=1.0)
    weights = {"lm_weight": 0.5, "word_bonus": 1.0, "token_beam": math.inf, "beam": 12}
    all_made = beam_search(log_probs, 25, LETTERS, model, **weights, score_beam=math.inf)
    fewer = beam_search(log_probs, 25, LETTERS, model, **weights, score_beam=1e6)
    assert [hypothesis.text for hypothesis in fewer] == [hypothesis.text for hypothesis in all_made]
    for one, other in zip(fewer, all_made, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-9)
        assert one.ctc_score == pytest.approx(other.ctc_score, abs=1e-9)


@pytest.mark.parametrize("prefer", ["SAT", "MAT"])
def test_the_language_model_decides_between_what_sounds_alike(prefer):
    other = {"SAT": "MAT", "MAT": "SAT"}[prefer]
    model = WordNgrams.learn([f"THE CAT {prefer}"] * 3 + [f"A {other}", f"{other} {other}"], 3, (0,))
    log_probs = heard(LETTERS, "THE CAT SAT", "THE CAT MAT")
    best = beam_search(log_probs, len(log_probs), LETTERS, model)[0]
    assert best.text == f"THE CAT {prefer}"


def test_scores_are_made_of_what_they_say():
    log_probs = heard(LETTERS, "THE CAXT SAT", sure=12.0)
    weights = {"lm_weight": 0.7, "word_bonus": 0.3, "unknown_bonus": -0.4}
    for hypothesis in beam_search(log_probs, len(log_probs), LETTERS, CAT, **weights):
        assert hypothesis.lm_score == pytest.approx(CAT.score(hypothesis.text), abs=1e-5)
        words = hypothesis.text.split()
        assert hypothesis.words == len(words)
        assert hypothesis.unknown_words == sum(word not in CAT for word in words)
        parts = 0.7 * hypothesis.lm_score + 0.3 * hypothesis.words - 0.4 * hypothesis.unknown_words
        assert hypothesis.score == pytest.approx(hypothesis.ctc_score + parts, abs=1e-9)


def test_an_unknown_word_is_said_where_it_is_heard_clearly():
    clear = heard(LETTERS, "THE XAC SAT", sure=12.0)
    assert beam_search(clear, len(clear), LETTERS, CAT)[0].text == "THE XAC SAT"
    discouraged = beam_search(clear, len(clear), LETTERS, CAT, unknown_bonus=-60.0, score_beam=100.0, token_beam=50.0)
    assert discouraged[0].unknown_words == 0


@pytest.mark.parametrize("look_ahead", [True, False])
def test_with_a_wide_beam_the_look_ahead_changes_no_score(look_ahead):
    tokens = CharacterTokens("AT")
    log_probs = random_log_probs(6, tokens.size, 3)
    result = beam_search(log_probs, 6, tokens, CAT, look_ahead=look_ahead, lm_weight=1.0, **EXACT)
    truth = {text: log_p + CAT.score(text) for text, log_p in all_paths(log_probs, tokens).items()}
    assert {hypothesis.text: hypothesis.score for hypothesis in result} == pytest.approx(truth, abs=1e-5)
    assert result[0].text == max(truth, key=truth.get)


def test_subwords_make_words_whatever_pieces_they_are_of():
    tokens = SubwordTokens("bpe", ["▁THE", "▁C", "AT", "▁", "C", "▁SAT", "▁CAT"], b"")
    ids = [1, 4, 5, 3, 6]  # THE, the CAT of three pieces, SAT
    logits = np.zeros((2 * len(ids), tokens.size))
    logits[:, 0] = 8
    logits[::2, 0] = 0
    logits[np.arange(len(ids)) * 2, ids] += 9
    best = beam_search(log_softmax(logits), len(logits), tokens, CAT)[0]
    assert best.text == "THE CAT SAT"
    assert best.token_ids == tuple(ids)
    assert best.lm_score == pytest.approx(CAT.score("THE CAT SAT"), abs=1e-5)
    assert best.unknown_words == 0


def test_texts_are_there_once_and_best_first():
    tokens = SubwordTokens("bpe", ["▁A", "▁", "A", "T"], b"")
    result = beam_search(random_log_probs(8, tokens.size, 1), 8, tokens, CAT, best=20)
    texts = [hypothesis.text for hypothesis in result]
    assert len(texts) == len(set(texts)) > 1
    assert [hypothesis.score for hypothesis in result] == sorted((h.score for h in result), reverse=True)


def test_padding_and_silence_change_nothing():
    log_probs = heard(LETTERS, "THE CAT")
    silence = np.full((50, LETTERS.size), -1e4)
    silence[:, 0] = 0
    alone = beam_search(log_probs, len(log_probs), LETTERS, CAT)
    padded = beam_search(np.concatenate([log_probs, silence]), len(log_probs), LETTERS, CAT)
    assert padded == alone
    within = beam_search(np.concatenate([silence, log_probs, silence]), len(log_probs) + 100, LETTERS, CAT)
    assert [hypothesis.text for hypothesis in within] == [hypothesis.text for hypothesis in alone]
    assert within[0].score == pytest.approx(alone[0].score)


@pytest.mark.parametrize("model", [None, CAT])
def test_nothing_heard_is_an_empty_text(model):
    silence = np.full((5, LETTERS.size), -1e4)
    silence[:, 0] = 0
    for length in (0, 5):
        (only,) = beam_search(silence, length, LETTERS, model)
        assert (only.text, only.token_ids, only.ctc_score) == ("", (), 0.0)


def test_impossible_tokens_leave_a_transcript():
    log_probs = np.full((4, LETTERS.size), -np.inf)
    log_probs[[0, 1, 2, 3], [2, 2, 0, 2]] = 0.0  # A, A, blank, A
    assert beam_search(log_probs, 4, LETTERS)[0].token_ids == (2, 2)


def test_bad_input_is_named():
    log_probs = random_log_probs(4, LETTERS.size, 0)
    with pytest.raises(InputError, match=r"not \(steps, 12\)"):
        beam_search(log_probs[:, :-1], 4, LETTERS)
    with pytest.raises(InputError, match="length 5 of 4 steps"):
        beam_search(log_probs, 5, LETTERS)
    with pytest.raises(InputError, match="log-softmax"):
        beam_search(log_probs + 5, 4, LETTERS)
    with pytest.raises(InputError, match="beam 0"):
        beam_search(log_probs, 4, LETTERS, beam=0)


@pytest.mark.parametrize("sure_blank", [0.5, 0.0, 1.1, math.nan])
def test_a_blank_that_need_not_be_the_likeliest_is_not_sure(sure_blank):
    with pytest.raises(InputError, match=f"sure_blank {sure_blank}; .* 0.5 < x <= 1"):
        beam_search(random_log_probs(4, LETTERS.size, 0), 4, LETTERS, sure_blank=sure_blank)


def test_quarter_of_a_minute_is_searched_in_a_moment():
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("ACEHMNOST"), rng.integers(2, 8))) for _ in range(2000)]
    texts = [" ".join(rng.choice(words, 12)) for _ in range(500)]
    model = WordNgrams.learn(texts, 3)
    said = " ".join(texts[:3])[:190].rsplit(" ", 1)[0]
    ids = LETTERS.encode(said)
    logits = rng.normal(0, 1, (375, LETTERS.size))
    logits[:, 0] += 9
    at = np.arange(len(ids)) * 375 // len(ids)
    logits[at, 0] -= 8
    logits[at, ids] += 6
    began = time.process_time()
    best = beam_search(log_softmax(logits), 375, LETTERS, model)[0]
    assert best.text == said
    assert time.process_time() - began < 2.0  # some 0.1 s on an idle core; the bound is for a busy one
