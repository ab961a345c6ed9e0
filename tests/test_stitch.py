"""Stitching: every word once, in order, whatever single windows misheard."""

import time

import numpy as np
import pytest

from keras_stt.decoding.stitch import HeardWindow, Word, stitch

SECONDS, HOP = 7.68, 0.6


def spoken(text, start=0.4, step=0.55, length=0.4):
    """The words of `text`, one every `step` seconds."""
    return [Word(word, start + i * step, start + i * step + length, 0.9) for i, word in enumerate(text.split())]


def windows(words, duration=None, slots=8, noise=0.0, seed=0, mishear=None):
    """What windows every `HOP` seconds hear of `words`: those whose middle they hold, at most `slots` of them.

    Args:
        noise: deviation of the times they give, seconds.
        mishear: from the number of a window and the words it should hear to those it hears.
    """
    duration = duration or words[-1].end + 0.4
    rng = np.random.default_rng(seed)
    heard = []
    for number, start in enumerate(np.arange(0, duration, HOP)):
        end = min(start + SECONDS, duration)
        inside = [word for word in words if start <= word.middle < end][:slots]
        shifts = rng.normal(0, noise, len(inside)) if noise else np.zeros(len(inside))
        said = [
            Word(word.text, word.start + by, word.end + by, word.confidence)
            for word, by in zip(inside, shifts, strict=True)
        ]
        said.sort(key=lambda word: word.middle)
        if mishear is not None:
            said = mishear(number, said)
        until = said[-1].middle if len(said) == slots else end
        heard.append(HeardWindow(float(start), float(until), tuple(said)))
    return heard


def text(words):
    return " ".join(word.text for word in words)


SENTENCE = "IT WAS A BRIGHT COLD DAY IN APRIL AND THE CLOCKS WERE STRIKING THIRTEEN WINSTON SMITH HIS CHIN"


def test_windows_that_agree_give_each_word_once_at_its_time():
    truth = spoken(SENTENCE)
    result = stitch(windows(truth))
    assert text(result) == SENTENCE
    np.testing.assert_allclose([word.start for word in result], [word.start for word in truth], atol=1e-6)
    np.testing.assert_allclose([word.end for word in result], [word.end for word in truth], atol=1e-6)
    assert all(0.5 < word.confidence <= 1 for word in result)


@pytest.mark.parametrize("seed", range(5))
def test_times_need_not_agree_exactly(seed):
    assert text(stitch(windows(spoken(SENTENCE), noise=0.05, seed=seed))) == SENTENCE


def test_one_window_and_none():
    assert stitch([]) == []
    assert stitch([HeardWindow(0.0, 3.0, ())]) == []
    assert text(stitch(windows(spoken("ONE TWO"), duration=0.5))) == ""
    assert text(stitch([HeardWindow(0.0, 3.0, tuple(spoken("ONE TWO")))])) == "ONE TWO"


def test_a_word_misheard_by_one_window_is_outvoted():
    def mishear(number, words):
        return [Word("COAT", w.start, w.end, 0.9) if number == 3 and w.text == "COLD" else w for w in words]

    result = stitch(windows(spoken(SENTENCE), mishear=mishear))
    assert text(result) == SENTENCE
    (cold,) = (word for word in result if word.text == "COLD")
    assert cold.confidence < 0.95


def test_of_many_mishearings_the_commonest_is_said():
    """No window out of two agrees on the word, and yet all heard one."""
    heard_as = ("CLOCKS", "CLOTHES", "CROCKS", "CLOCKS", "BLOCKS")

    def mishear(number, words):
        return [Word(heard_as[number % 5], w.start, w.end, 0.9) if w.text == "CLOCKS" else w for w in words]

    result = stitch(windows(spoken(SENTENCE), mishear=mishear))
    assert text(result) == SENTENCE
    (clocks,) = (word for word in result if word.text == "CLOCKS")
    assert clocks.confidence < 0.6


def test_a_window_that_begins_within_a_word_is_believed_less():
    """At the beginning of a recording two windows hear the first word, one of them the end of it."""
    whole, rest, men = Word("TWELVE", 0.4, 0.9, 0.8), Word("ELVE", 0.6, 0.9, 0.95), Word("MEN", 1.3, 1.6, 0.9)
    heard = [HeardWindow(0.0, 2.0, (whole, men)), HeardWindow(0.6, 2.0, (rest, men)), HeardWindow(1.2, 2.0, (men,))]
    assert text(stitch(heard)) == "TWELVE MEN"


def test_a_word_missed_by_one_window_stays_and_one_invented_by_one_goes():
    def miss(number, words):
        return [word for word in words if number != 4 or word.text != "APRIL"]

    def invent(number, words):
        extra = Word("UH", 4.3, 4.35, 0.6)
        return sorted([*words, extra], key=lambda w: w.middle) if number == 5 else words

    assert text(stitch(windows(spoken(SENTENCE), mishear=miss))) == SENTENCE
    assert text(stitch(windows(spoken(SENTENCE), mishear=invent))) == SENTENCE


def test_a_word_cut_by_the_edge_of_a_window_is_not_doubled():
    """Each window hears the rest of a word it begins in as some other word, just after its beginning."""
    truth = spoken(SENTENCE)

    def cut(number, words):
        start = number * HOP
        begun = [w for w in truth if w.start < start < w.end - 0.05 and not any(w.text == x.text for x in words)]
        rest = [Word("UH", start, w.end, 0.8) for w in begun]
        return [*rest, *words][:8]

    heard = windows(truth, mishear=cut)
    assert any("UH" in text(window.words) for window in heard)
    assert text(stitch(heard)) == SENTENCE


def test_a_word_cut_by_the_end_of_a_window_is_not_doubled():
    truth = spoken("A LONG SILENCE THEN SOMETHING MORE", step=1.55, length=1.0)

    def cut(number, words):
        end = number * HOP + SECONDS
        half = [w for w in truth if w.start + 0.1 < end <= w.middle]
        return [*words, *(Word("SOME", w.start, end, 0.5) for w in half)]

    heard = windows(truth, mishear=cut)
    assert any("SOME" in [word.text for word in window.words] for window in heard)
    assert text(stitch(heard)) == "A LONG SILENCE THEN SOMETHING MORE"


def test_a_piece_that_ends_within_a_word_is_believed_less():
    """Two pieces of a recording of 54 s; at its end the first has half of FOX, of which it makes nothing or another."""
    fox = Word("FOX", 29.6, 30.2, 0.5)
    last = HeardWindow(24.0, 54.0, (fox,))
    for cut in ((), (Word("FO", 29.6, 30.0, 0.6),)):
        assert text(stitch([HeardWindow(0.0, 30.0, cut, cut_at_end=True), last])) == "FOX"
    assert stitch([HeardWindow(0.0, 30.0, ()), last]) == []


@pytest.mark.parametrize("noise", [0.0, 0.03])
@pytest.mark.parametrize("said", ["TWO TWO TWO", "ONE TWO TWO TWO TWO TWO THREE", " ".join(["NO"] * 14)])
def test_repeated_words_are_all_kept(said, noise):
    truth = spoken(said, step=0.4, length=0.3)
    assert text(stitch(windows(truth, noise=noise))) == said


def test_long_silence_between_words():
    truth = [*spoken("ONE TWO"), *spoken("THREE FOUR", start=30.0)]
    assert text(stitch(windows(truth))) == "ONE TWO THREE FOUR"


def test_windows_that_are_full_say_nothing_of_what_comes_after():
    """Fast speech: eight words fill a window long before its end."""
    said = " ".join(f"W{i}" for i in range(60))
    assert text(stitch(windows(spoken(said, step=0.25, length=0.2)))) == said


def test_half_an_hour_takes_seconds():
    said = " ".join(f"W{i % 50}" for i in range(3600))
    heard = windows(spoken(said, step=0.5))
    began = time.perf_counter()
    assert text(stitch(heard)) == said
    assert time.perf_counter() - began < 15
