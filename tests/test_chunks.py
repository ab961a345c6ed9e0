"""A stream of samples to chunks, and the words of chunks to those of the recording."""

import dataclasses

import numpy as np
import pytest

from keras_stt.decoding.stitch import Word
from keras_stt.transcribe.chunks import MOST_SECONDS, OVERLAP_SECONDS, ZERO_SECONDS, Chunk, Cutter, Stitcher, cut

RATE = 16_000


def voice(seconds, seed=0):
    """Syllables of noise, float32, without a digital zero."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).standard_normal(len(time))
    return (0.1 * (0.2 + np.sin(9 * time) ** 2) * noise).astype(np.float32) + np.float32(1e-6)


def hush(seconds):
    """A quiet room."""
    noise = np.random.default_rng(9).standard_normal(round(seconds * RATE))
    return (1e-4 * noise).astype(np.float32) + np.float32(1e-7)


def zeros(seconds):
    return np.zeros(round(seconds * RATE), np.float32)


def blocks(samples, length):
    return [samples[first : first + length] for first in range(0, len(samples), length)]


def spans(chunks):
    return [(chunk.first, len(chunk.samples), chunk.overlap) for chunk in chunks]


@pytest.fixture(scope="module")
def recording():
    """Speech in parts, with pauses and digital zeros of all lengths."""
    parts = (
        voice(20),
        zeros(0.6),
        voice(5, 1),
        hush(1.2),
        voice(50, 2),
        zeros(40),
        voice(3, 3),
        zeros(0.3),
        voice(2, 4),
    )
    return np.concatenate([*parts, hush(45), voice(3, 5), zeros(0.4)])


@pytest.mark.parametrize("length", [1_600, 44_101, 10**9])
def test_chunks_are_the_same_however_the_stream_is_divided(recording, length):
    expected = spans(cut(blocks(recording, 16_000)))
    assert len(expected) > 4
    assert spans(cut(blocks(recording, length))) == expected


def test_every_sample_but_long_zeros_is_in_a_chunk_as_it_was(recording):
    heard = np.zeros(len(recording), int)
    for chunk in cut(blocks(recording, 16_000)):
        place = slice(chunk.first, chunk.first + len(chunk.samples))
        np.testing.assert_array_equal(chunk.samples, recording[place])
        assert len(chunk.samples) <= MOST_SECONDS * RATE
        heard[place] += 1
    assert not recording[heard == 0].any()
    missed = np.flatnonzero(np.diff(np.concatenate([[0], heard == 0, [0]])))
    assert min(missed[1::2] - missed[::2]) >= ZERO_SECONDS * RATE
    assert heard.max() == 2  # where nobody pauses


@pytest.mark.parametrize("seconds", [0.001, 10, MOST_SECONDS])
def test_what_is_short_enough_is_one_chunk_whatever_is_in_it(seconds):
    samples = np.concatenate([zeros(2), voice(3), zeros(2), voice(2), hush(2), voice(40)])[: round(seconds * RATE)]
    (chunk,) = cut(blocks(samples, 5_000))
    assert spans([chunk]) == [(0, len(samples), 0)]
    assert (chunk.start, chunk.end) == (0, len(samples) / RATE)
    assert list(cut([])) == []


def test_parts_between_digital_zeros_are_chunks_of_their_own():
    parts = [voice(seconds, seed) for seed, seconds in enumerate((12.34567, 3.1, 29.9, 1.2))]
    joined = np.concatenate([piece for part in parts for piece in (part, zeros(0.5))])
    for chunk, part in zip(cut(blocks(joined, 7_000)), parts, strict=True):
        np.testing.assert_array_equal(chunk.samples, part)


def test_speech_is_cut_in_pauses_and_overlaps_where_nobody_pauses():
    calm = [*cut([np.concatenate([voice(14), hush(1.0), voice(14, 1), hush(1.0), voice(14, 2)])])]
    assert [chunk.cut_at_end for chunk in calm] == [False] * 3
    assert [chunk.start for chunk in calm] == pytest.approx([0, 14.5, 29.5], abs=0.1)
    hasty = [*cut([voice(70)])]
    assert [chunk.cut_at_end for chunk in hasty] == [True, True, False]
    for one, other in zip(hasty, hasty[1:], strict=False):
        assert one.end - other.start == pytest.approx(OVERLAP_SECONDS, abs=1.1)


def test_no_more_is_held_than_a_chunk_and_a_block():
    cutter, block = Cutter(), voice(1)
    for _ in range(90):
        cutter.feed(block)
        assert len(cutter.pending.samples) <= (MOST_SECONDS + 1) * RATE
    assert cutter.seconds == 90
    cutter = Cutter()
    for _ in range(90):
        assert cutter.feed(zeros(1)) == []
    assert len(cutter.pending.samples) <= RATE
    assert cutter.finish() == []


def chunk_of(start, end, overlap=0):
    return Chunk(round(start * RATE), np.zeros(round((end - start) * RATE), np.float32), overlap * RATE)


def words(text, start=0.0, step=1.0, confidence=0.8):
    return [Word(word, start + n * step, start + n * step + 0.5, confidence) for n, word in enumerate(text.split())]


def test_the_words_of_one_chunk_are_the_words():
    said = words("ONE TWO THREE", confidence=0.123)
    assert Stitcher().add(chunk_of(0, 3), said) == said


def test_words_that_two_chunks_heard_are_said_once_and_what_is_final_stays():
    truth = words(" ".join(f"W{n}" for n in range(52)), start=0.2)
    stitcher, told = Stitcher(), []
    for start, end in ((0, 30), (24, 54)):
        inside = [word for word in truth if start <= word.start and word.end <= end]
        heard = [dataclasses.replace(word, start=word.start - start, end=word.end - start) for word in inside]
        final = stitcher.add(chunk_of(start, end, overlap=6 if end == 30 else 0), heard)
        told += final
        assert [word.text for word in told] == [word.text for word in truth[: len(told)]]
        assert end != 30 or 20 < len(told) < 25
    assert stitcher.finish() == []
    assert [word.text for word in told] == [word.text for word in truth]
    assert [word.start for word in told] == pytest.approx([word.start for word in truth])
    assert [word.confidence for word in told] == pytest.approx([0.8] * 52)


def test_a_word_that_one_of_two_chunks_did_not_hear_is_less_sure():
    stitcher = Stitcher()
    told = stitcher.add(chunk_of(0, 30, overlap=6), [Word("HERE", 26, 26.4, 0.9)])
    told += stitcher.add(chunk_of(24, 54), [Word("HERE", 2.0, 2.4, 0.7), Word("MAYBE", 4.0, 4.4, 0.9)])
    assert [word.text for word in told] == ["HERE"]  # of the other, no word is the likelier
    assert 0.7 < told[0].confidence < 0.9


def test_no_word_lasts_into_the_next_or_beyond_its_chunk():
    stitcher = Stitcher()
    told = stitcher.add(chunk_of(0, 3), [Word("A", 0.5, 1.4, 0.9), Word("B", 1.2, 3.3, 0.9)])
    told += stitcher.add(chunk_of(3, 5), [Word("C", 0.0, 2.5, 0.9)])
    assert [(word.start, word.end) for word in told] == [(0.5, 1.2), (1.2, 3.0), (3.0, 5.0)]
