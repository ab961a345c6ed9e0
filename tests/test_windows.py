"""Cutting windows: which words are in, where they begin, and what is unknown."""

import dataclasses

import numpy as np
import pytest

from keras_stt.data.locations import FileAudio
from keras_stt.data.records import Record
from keras_stt.data.windows import PAD_SIDES, PAD_TOKENS, WindowShape, cut_window
from keras_stt.text import Vocabulary

SHAPE = WindowShape(text_context=3, audio_context=20, frames_per_step=5)  # steps of 50 ms, 1 s in all
VOCABULARY = Vocabulary(["A", "B", "C", "D"])
A, B, C, D = range(4, 8)
SIL, UNK, PAD = Vocabulary.sil_id, Vocabulary.unk_id, Vocabulary.pad_id
TIMES = ((0.1, 0.3), (0.4, 0.6), (0.7, 0.9), (1.2, 1.6))


def record(text="A B C D", times=TIMES, duration=2.0, **fields):
    return Record("u", FileAudio("none.wav"), 5.0, 5.0 + duration, "s", text, times, **fields)


def tokens(*arguments, **options):
    return cut_window(*arguments, SHAPE, VOCABULARY, **options).token_ids.tolist()


def test_a_window_has_the_words_whose_middle_it_holds():
    assert tokens(record(), 0) == [A, B, C]
    # From 0.4 s to 1.4 s: D from 1.2 s to 1.6 s has its middle, 1.4 s, just outside.
    assert tokens(record(), 1) == [B, C, SIL]
    nearer = (*TIMES[:3], (1.2, 1.58))
    assert tokens(record(times=nearer), 1) == [B, C, D]


def test_slots_after_the_last_word_say_silence():
    assert tokens(record(), 2) == [C, D, SIL]
    assert tokens(record(), 3) == [D, SIL, SIL]


@pytest.mark.parametrize(
    ("side", "one", "two", "three"),
    [
        ("right", [D, PAD, PAD, PAD], [C, D, PAD, PAD], [B, C, D, PAD]),
        ("left", [PAD, PAD, PAD, D], [PAD, PAD, C, D], [PAD, B, C, D]),
        ("both", [PAD, D, PAD, PAD], [PAD, C, D, PAD], [B, C, D, PAD]),
    ],
)
def test_slots_left_over_are_on_the_asked_side_and_word_times_move_with_the_words(side, one, two, three):
    shape = dataclasses.replace(SHAPE, text_context=4, audio_context=40, pad_token="pad", pad_side=side)
    right = dataclasses.replace(shape, pad_side="right")
    for first_word, expected in ((3, one), (2, two), (1, three), (0, [A, B, C, D])):
        window = cut_window(record(), first_word, shape, VOCABULARY)
        assert window.token_ids.tolist() == expected
        known = cut_window(record(), first_word, right, VOCABULARY).word_steps[: 4 - first_word]
        np.testing.assert_array_equal(window.word_steps[np.array(expected) != PAD], known)
        assert not window.word_steps[np.array(expected) == PAD].any()
        assert known[:, 1].all()


@pytest.mark.parametrize("side", PAD_SIDES)
def test_every_fill_token_that_is_named_fills_every_side(side):
    fills = set()
    for token in PAD_TOKENS:
        shape = dataclasses.replace(SHAPE, pad_token=token, pad_side=side)
        ids = cut_window(record("A B C X"), 3, shape, VOCABULARY).token_ids
        assert (ids == UNK).sum() == 1
        fills |= set(ids.tolist()) - {UNK}
    assert fills == {SIL, PAD} == set(Vocabulary.fill_ids)


def test_no_more_words_than_slots():
    many = record("A B C D A B", tuple((0.1 * i, 0.1 * i + 0.1) for i in range(6)))
    assert tokens(many, 0) == [A, B, C]


def test_unknown_words_are_said_to_be_unknown_and_counted():
    window = cut_window(record("A X Y D"), 0, SHAPE, VOCABULARY)
    assert window.token_ids.tolist() == [A, UNK, UNK]
    assert window.unknown_words == 2
    assert cut_window(record("A B C X"), 0, SHAPE, VOCABULARY).unknown_words == 0  # X is not in the window


@pytest.mark.parametrize(("time", "start"), [(0.4, 0.4), (0.409, 0.40), (0.399, 0.39)])
def test_without_jitter_it_starts_at_the_word_on_a_whole_frame(time, start):
    times = (TIMES[0], (time, 0.6), *TIMES[2:])
    assert cut_window(record(times=times), 1, SHAPE, VOCABULARY).start == pytest.approx(start, abs=1e-9)


def test_word_steps_cover_each_word():
    window = cut_window(record(), 0, SHAPE, VOCABULARY)
    # The window starts at 0.1 s: A is from 0 to 0.2 s, B from 0.3 to 0.5 s, C from 0.6 to 0.8 s.
    assert window.word_steps.tolist() == [[0, 4], [6, 10], [12, 16]]
    uneven = cut_window(record(times=((0.1, 0.33), (0.42, 0.58), *TIMES[2:])), 0, SHAPE, VOCABULARY)
    assert uneven.word_steps[:2].tolist() == [[0, 5], [6, 10]]
    assert cut_window(record(), 3, SHAPE, VOCABULARY).word_steps.tolist() == [[0, 8], [0, 0], [0, 0]]


def test_a_word_that_runs_out_of_the_window_ends_with_it():
    window = cut_window(record(times=(*TIMES[:2], (0.9, 1.2), (1.3, 1.6))), 0, SHAPE, VOCABULARY)
    assert window.token_ids.tolist() == [A, B, C]
    assert window.word_steps[2].tolist() == [16, 20]


def test_guessed_times_place_words_but_teach_nothing():
    window = cut_window(record(times_guessed=True), 0, SHAPE, VOCABULARY)
    assert window.token_ids.tolist() == [A, B, C]
    assert not window.word_steps.any()


def test_an_utterance_shorter_than_the_window():
    window = cut_window(record("A B", TIMES[:2], duration=0.65), 0, SHAPE, VOCABULARY)
    assert window.token_ids.tolist() == [A, B, SIL]
    assert window.word_steps.tolist() == [[0, 4], [6, 10], [0, 0]]


@pytest.mark.parametrize("tempo", [0.8, 1.25])
def test_a_faster_utterance_has_all_its_times_scaled(tempo):
    window = cut_window(record(), 1, SHAPE, VOCABULARY, tempo=tempo)
    scaled = record(times=tuple((start / tempo, end / tempo) for start, end in TIMES), duration=2.0 / tempo)
    expected = cut_window(scaled, 1, SHAPE, VOCABULARY)
    assert window.start == expected.start == pytest.approx(np.floor(0.4 / tempo * 100 + 1e-6) / 100)
    assert window.token_ids.tolist() == expected.token_ids.tolist()
    assert window.word_steps.tolist() == expected.word_steps.tolist()


def test_faster_speech_has_more_words_in_a_window():
    assert tokens(record(), 1, tempo=1.5) == [B, C, D]


@pytest.mark.parametrize("jitter", [-1.0, -0.6, -0.2, 0.0, 0.3, 0.7, 1.0])
def test_jitter_keeps_the_first_word_first(jitter):
    for first_word in range(4):
        window = cut_window(record(), first_word, SHAPE, VOCABULARY, jitter=jitter)
        assert window.token_ids[0] == VOCABULARY.encode(["A", "B", "C", "D"])[first_word]
        middles = [(start + end) / 2 for start, end in TIMES]
        assert window.start < middles[first_word]
        assert window.start >= (middles[first_word - 1] if first_word else 0)
        assert window.start == pytest.approx(round(window.start, 2), abs=1e-9)


def test_jitter_reaches_from_the_middle_before_to_the_words_own():
    starts = [cut_window(record(), 1, SHAPE, VOCABULARY, jitter=jitter).start for jitter in (1.0, 0.0, -1.0)]
    np.testing.assert_allclose(starts, [0.21, 0.4, 0.48], atol=0.011)


def test_windows_per_utterance():
    assert SHAPE.count(np.array([1, 4, 9])).tolist() == [1, 4, 9]
    strided = dataclasses.replace(SHAPE, text_stride=4)
    assert strided.count(np.array([0, 1, 4, 5, 9])).tolist() == [0, 1, 1, 2, 3]
    assert SHAPE.seconds == pytest.approx(1.0)
    assert SHAPE.frames == 100
