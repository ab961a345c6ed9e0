"""Gaps of a transcript are completed with what the audio says, and the known words stay."""

import time

import numpy as np
import pytest

from keras_stt.decoding.ctc_alignment import forward_score, viterbi, word_times
from keras_stt.decoding.fill import fill
from keras_stt.decoding.language_model import WordNgrams
from keras_stt.decoding.pattern import parse_pattern
from keras_stt.errors import InputError
from keras_stt.tokens import CharacterTokens, learn_tokens

STEP = 0.04  # s
SENTENCE = "THE QUICK BROWN FOX"
TEXTS = [SENTENCE, "A LAZY DOG SAW THE FOX", "THE QUICK DOG JUMPS OVER A BROWN COW"] * 3


@pytest.fixture(scope="module", params=["characters", "bpe"])
def tokens(request):
    if request.param == "bpe":
        pytest.importorskip("sentencepiece")
    return learn_tokens(request.param, 48, TEXTS)


def spell(text, tokens, surely=0.9, apart=3, seed=0):
    """Log-probabilities of a head that says a text, a token every `apart` steps."""
    token_ids = tokens.encode(text)
    steps = apart * (len(token_ids) + 1)
    probabilities = np.random.default_rng(seed).dirichlet(np.full(tokens.size, 0.5), steps) * (1 - surely)
    said = np.zeros(steps, int)
    said[apart * np.arange(1, len(token_ids) + 1)] = token_ids
    probabilities[np.arange(steps), said] += surely
    return np.log(probabilities + 1e-12)


@pytest.mark.parametrize(
    ("pattern", "filled"),
    [
        ("THE ___ BROWN FOX", [1]),
        ("___ QUICK BROWN FOX", [0]),
        ("THE QUICK BROWN ___", [3]),
        ("THE ___ FOX", [1, 2]),
        ("THE _ _ FOX", [1, 2]),
        ("THE ___ BROWN ___", [1, 3]),
        ("___ QUICK ___ FOX", [0, 2]),
        ("___ ___ BROWN FOX", [0, 1]),
        ("___", [0, 1, 2, 3]),
        ("the ___ Brown, fox!", [1]),
        ("THE___BROWN FOX", [1]),
    ],
)
def test_gaps_take_what_the_audio_says(tokens, pattern, filled):
    log_probs = spell(SENTENCE, tokens)
    done = fill(log_probs, pattern, tokens, STEP)
    assert done.text == SENTENCE
    assert [index for index, from_gap in enumerate(done.filled) if from_gap] == filled
    token_ids = tokens.encode(SENTENCE)
    assert done.words == word_times(viterbi(log_probs, token_ids), tokens, STEP)
    assert done.score == pytest.approx(forward_score(log_probs, token_ids))


def test_without_gaps_it_is_the_alignment(tokens):
    log_probs = spell(SENTENCE, tokens)
    for text in (SENTENCE, "A LAZY DOG"):
        done = fill(log_probs, text.lower(), tokens, STEP, lead=0.02)
        assert done.text == text
        assert done.filled == [False] * len(text.split())
        assert done.words == word_times(viterbi(log_probs, tokens.encode(text)), tokens, STEP, lead=0.02)


def test_known_words_stay_where_the_audio_says_others(tokens):
    done = fill(spell(SENTENCE, tokens), "THE ___ BROWN COW", tokens, STEP)
    assert done.text == "THE QUICK BROWN COW"
    assert done.words[1].confidence > 0.8 > done.words[3].confidence
    # Both ends are wrong, and few hypotheses: those that go on to the end are not lost to those that wait in the gap.
    both = fill(spell(SENTENCE, tokens), "A ___ COW", tokens, STEP, beam=2).text
    assert both.startswith("A ")
    assert both.endswith("QUICK BROWN COW")


def test_a_gap_says_a_word_even_where_nothing_is_heard(tokens):
    done = fill(spell("THE FOX", tokens, apart=6), "THE ___ FOX", tokens, STEP)
    assert [word.text for word in done.words][0::2] == ["THE", "FOX"]
    assert done.filled == [False, True, False]
    assert min(word.confidence for word in done.words) < 0.5


def test_the_same_word_known_and_in_the_gap(tokens):
    log_probs = spell("THE FOX SAW THE FOX", tokens)
    done = fill(log_probs, "THE ___ FOX", tokens, STEP)
    assert done.text == "THE FOX SAW THE FOX"
    assert done.filled == [False, True, True, True, False]


def test_a_language_model_decides_what_the_audio_leaves_open():
    tokens = CharacterTokens("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    heard = np.logaddexp(spell("THE DOG SAT", tokens, 0.8), spell("THE HOG SAT", tokens, 0.79)) - np.log(2)
    language_model = WordNgrams.learn(["THE HOG SAT", "A HOG SAT", "THE HOG"] * 4 + ["A DOG RAN"], order=2)
    assert fill(heard, "THE ___ SAT", tokens, STEP).text == "THE DOG SAT"
    for pattern in ("THE ___ SAT", "THE ___", "___"):
        assert fill(heard, pattern, tokens, STEP, language_model).text == "THE HOG SAT"
    assert fill(heard, "THE ___ SAT", tokens, STEP, language_model, lm_weight=0.0).text == "THE DOG SAT"
    assert len(fill(heard, "THE ___ SAT", tokens, STEP, word_bonus=25.0).words) > 3


def test_a_language_model_hears_the_known_words_on_both_sides():
    tokens = CharacterTokens("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    heard = np.logaddexp(spell("A DOG SAT", tokens, 0.8), spell("A HOG SAT", tokens, 0.8)) - np.log(2)
    language_model = WordNgrams.learn(["A DOG RAN", "A HOG SAT"] * 4, order=2)
    assert fill(heard, "A ___ RAN", tokens, STEP, language_model, lm_weight=2.0).text == "A DOG RAN"
    assert fill(heard, "A ___ SAT", tokens, STEP, language_model, lm_weight=2.0).text == "A HOG SAT"


def test_the_search_finds_the_likeliest_text():
    """No completion by one short word, or by two, is likelier."""
    tokens = CharacterTokens("AB")
    words = ["A", "B", "AA", "AB", "BA", "BB", "AAB", "ABB", "BAB", "ABA", "BAA", "BBA"]
    texts = [f"{word} A" for word in words] + [f"{first} {second} A" for first in "AB" for second in words]
    for seed in range(5):
        log_probs = np.log(np.random.default_rng(seed).dirichlet(np.full(4, 0.4), 9) + 1e-9)
        done = fill(log_probs, "___ A", tokens, STEP, beam=64)
        best = max(forward_score(log_probs, tokens.encode(text)) for text in texts)
        assert done.words[-1].text == "A"
        assert done.score >= best - 1e-9


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", "no word and no gap"),
        (" ?! ", "no word and no gap"),
        ("THE ___ \u00d8L", "the model has no '\u00d8' as in '\u00d8L'"),
        ("THE QUICK BROWN FOX ___ " * 30, "steps"),
        ("THE QUICK BROWN FOX " * 30, "steps"),
    ],
)
def test_bad_patterns_are_one_clear_line(tokens, pattern, message):
    with pytest.raises(InputError, match=message) as error:
        fill(spell(SENTENCE, tokens), pattern, tokens, STEP)
    assert "\n" not in str(error.value)


def test_no_audio_and_foreign_outputs_are_one_clear_line(tokens):
    with pytest.raises(InputError, match="no audio frames"):
        fill(np.zeros((0, tokens.size)), "THE ___", tokens, STEP)
    with pytest.raises(InputError, match="give those of the model"):
        fill(np.zeros((9, tokens.size + 1)), "THE ___", tokens, STEP)
    with pytest.raises(InputError, match="beam of 0"):
        fill(spell(SENTENCE, tokens), "THE ___", tokens, STEP, beam=0)


def test_a_pattern_that_just_fits():
    tokens = CharacterTokens("AB")
    log_probs = np.zeros((5, tokens.size))
    assert fill(log_probs, "A ___ B", tokens, STEP).text in ("A A B", "A B B")
    with pytest.raises(InputError, match="more than the 4 steps"):
        fill(log_probs[:4], "A ___ B", tokens, STEP)
    assert fill(log_probs, "AA_", tokens, STEP).text in ("AA A", "AA B")
    with pytest.raises(InputError, match="more than the 4 steps"):  # AA takes a blank between
        fill(log_probs[:4], "AA_", tokens, STEP)


def test_patterns_are_read(tokens):
    assert parse_pattern("the ___ fox", tokens) == ["THE", 1, "FOX"]
    assert parse_pattern("___ __ _ fox_", tokens) == [3, "FOX", 1]


def test_a_long_utterance_takes_little_time(tokens):
    """15 s of a head that is sure of little."""
    log_probs = np.log(np.random.default_rng(0).dirichlet(np.full(tokens.size, 0.3), 375) + 1e-9)
    started = time.process_time()
    fill(log_probs, f"___ {SENTENCE} ___ {SENTENCE} ___", tokens, STEP)
    assert time.process_time() - started < 2
