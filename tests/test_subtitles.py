"""Timed words to subtitles that players show as they are."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_stt.decoding.stitch import Word
from keras_stt.formats.cues import LEAST_SECONDS, LINE_CHARACTERS, LINES, MOST_SECONDS, Cue, cues
from keras_stt.formats.subtitles import format_srt, format_vtt


@st.composite
def timed_words(draw):
    """Words in order, of any length, that follow each other at once or after a pause."""
    time, words = 0.0, []
    for text in draw(st.lists(st.text("AB'&<>-", min_size=1, max_size=60), max_size=60)):
        time += draw(st.sampled_from([0.0, 0.0, 0.05, 0.3, 0.79, 0.9, 4.0, 4000.0]))
        end = time + draw(st.sampled_from([0.0, 0.0004, 0.1, 0.4, 3.0, 9.0]))
        words.append(Word(text, time, end, 0.5))
        time = end
    return words


@given(timed_words())
def test_all_words_are_shown_in_order_in_cues_that_fit_and_follow_each_other(words):
    shown = cues(words)
    assert " ".join(line for cue in shown for line in cue.lines).split() == [word.text for word in words]
    for cue in shown:
        assert 0 <= cue.start < cue.end <= cue.start + 1000 * MOST_SECONDS + 1
        assert 1 <= len(cue.lines) <= LINES
        assert all(len(line) <= LINE_CHARACTERS or " " not in line for line in cue.lines)
    assert all(one.end <= other.start for one, other in zip(shown, shown[1:], strict=False))


def spoken(text, start=0.0, step=0.4):
    return [Word(word, start + n * step, start + (n + 1) * step, 0.9) for n, word in enumerate(text.split())]


def test_a_cue_ends_at_a_pause_and_lasts_long_enough_to_be_read():
    shown = cues([*spoken("GOOD MORNING"), *spoken("YES", start=2.0), *spoken("NO", start=3.3)])
    assert shown == [Cue(0, 1000, ("GOOD MORNING",)), Cue(2000, 2000 + 1000 * LEAST_SECONDS, ("YES",)),
                     Cue(3300, 4300, ("NO",))]  # fmt: skip


def test_what_is_too_long_is_divided_at_its_longest_pause_into_lines_of_like_length():
    first, then = "IT WAS A BRIGHT COLD DAY IN APRIL AND THE", "CLOCKS WERE STRIKING THIRTEEN WINSTON SMITH HIS"
    shown = cues([*spoken(first, step=0.25), *spoken(then, start=2.8, step=0.25)])
    assert [" ".join(cue.lines) for cue in shown] == [first, then]
    assert shown[1].lines == ("CLOCKS WERE STRIKING", "THIRTEEN WINSTON SMITH HIS")


def test_srt_is_what_players_read():
    text = format_srt([Cue(0, 1500, ("A",)), Cue(3_723_004, 3_724_000, ("B C", "D"))])
    assert text == "1\n00:00:00,000 --> 00:00:01,500\nA\n\n2\n01:02:03,004 --> 01:02:04,000\nB C\nD\n\n"
    assert format_srt([]) == ""


def test_vtt_is_what_browsers_read_and_no_word_of_it_is_markup():
    text = format_vtt([Cue(0, 1500, ("<b>A</b>",)), Cue(360_000_000, 360_001_000, ("B&C", "-->"))])
    assert text == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n&lt;b&gt;A&lt;/b&gt;\n"
        "\n100:00:00.000 --> 100:00:01.000\nB&amp;C\n--&gt;\n"
    )
    assert format_vtt([]) == "WEBVTT\n"
    assert all(re.fullmatch(r"\d{2,}:\d\d:\d\d\.\d{3} --> \d{2,}:\d\d:\d\d\.\d{3}", line)
               for line in text.splitlines() if "-->" in line)  # fmt: skip


def test_a_word_that_never_ends_is_shown_for_a_while():
    assert cues([Word("A", 1.0, 61.0, 0.9)]) == [Cue(1000, 8000, ("A",))]
    assert cues([Word("A", 1.0, 1.0, 0.9), Word("B", 1.0, 1.0, 0.9)]) == [Cue(1000, 2000, ("A B",))]
    assert [cue.start for cue in cues(spoken("A " * 200, step=0.0))] == pytest.approx(range(0, 5, 1), abs=5)
