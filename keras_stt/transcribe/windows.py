"""A recording to its words with a window model: windows slide over it, are decoded in batches, and stitched."""

from collections.abc import Iterable, Iterator

import numpy as np

from keras_stt.audio import is_long_silence
from keras_stt.decoding.refine import refine
from keras_stt.decoding.stitch import HeardWindow, Stitcher, Word
from keras_stt.errors import InputError
from keras_stt.features import FRAME_SECONDS, HOP_LENGTH, frame_count, log_mel_between
from keras_stt.text import Vocabulary

HOP_SECONDS = 0.6  # from one window to the next
BATCH_WINDOWS = (8, 32)  # few sizes mean few compiled graphs; a short recording does not fill the larger
WORD_SHARE = 0.15  # of a word's attention that lies before its start, and after its end


def stream(model, blocks: Iterable[np.ndarray], passes: int = 1, hop_seconds: float = HOP_SECONDS) -> Iterator[Word]:
    """Yields the words of a recording, with its times, as they become final.

    Args:
        model: a `MaskedTokenModel`.
        blocks: 16 kHz mono float32 `(N,)`, one after the other. They are asked for when they are needed, and what was
            made of them is let go: memory does not grow with the recording.
        passes: refinement passes in each window; see `decoding.refine`.
        hop_seconds: from one window to the next; smaller asks more windows about each word.

    Raises:
        InputError: a hop longer than the window, which would leave audio unheard, or no pass.
    """
    window_seconds = model.audio_frames * FRAME_SECONDS
    if not 0 < hop_seconds <= window_seconds:
        raise InputError(f"hop of {hop_seconds} s: give more than 0 and at most the window's {window_seconds:.2f} s")
    if passes < 1:
        raise InputError(f"passes {passes}: give at least 1")
    return _stitched(model, blocks, passes, max(1, round(hop_seconds / FRAME_SECONDS)))


def _stitched(model, blocks: Iterable[np.ndarray], passes: int, hop: int) -> Iterator[Word]:
    vocabulary, stitcher = Vocabulary.from_list(model.vocabulary), Stitcher()
    held, before, begun = (
        np.zeros(0, np.float32),
        0,
        0,
    )  # samples, the frames before them, frames at which windows began
    span = (BATCH_WINDOWS[-1] - 1) * hop + model.audio_frames  # frames of a batch of windows

    def heard(stop: int) -> Iterator[Word]:
        starts = np.arange(begun, min(stop, begun + BATCH_WINDOWS[-1] * hop), hop)
        for window in _hear(model, vocabulary, held, before, starts, passes):
            yield from stitcher.add(window)

    for block in blocks:
        held = np.concatenate([held, block])
        while before + frame_count(len(held)) > begun + span:  # one more: a frame's window reaches into the next
            yield from heard(begun + span)
            begun += BATCH_WINDOWS[-1] * hop
            passed = max(0, begun - 1) - before  # and into the one before
            held, before = held[passed * HOP_LENGTH :], before + passed
    while begun < before + frame_count(len(held)):
        yield from heard(before + frame_count(len(held)))
        begun += BATCH_WINDOWS[-1] * hop
    yield from stitcher.finish()


def _hear(
    model, vocabulary: Vocabulary, samples: np.ndarray, before: int, starts: np.ndarray, passes: int
) -> list[HeardWindow]:
    """The words heard in the windows that begin at frames `starts`; none in long silence.

    Args:
        samples: of the recording, but for its first `before` frames.
    """
    first, stop = int(starts[0]), min(int(starts[-1]) + model.audio_frames, before + frame_count(len(samples)))
    if is_long_silence(samples[(first - before) * HOP_LENGTH : (stop - before) * HOP_LENGTH]):
        ends = np.minimum(starts + model.audio_frames, stop)
        return [HeardWindow(b * FRAME_SECONDS, e * FRAME_SECONDS, ()) for b, e in zip(starts, ends, strict=True)]
    frames = log_mel_between(samples, first - before, stop - before, model.mel_bands)
    size = next(size for size in BATCH_WINDOWS if size >= len(starts))
    inputs = {
        "features": np.zeros((size, model.audio_frames, model.mel_bands), np.float32),
        "feature_lengths": np.zeros(size, np.int32),
        "token_ids": np.full((size, model.text_context), vocabulary.mask_id, np.int32),
    }
    for i, start in enumerate(starts):
        piece = frames[start - first : start - first + model.audio_frames]
        inputs["features"][i, : len(piece)] = piece
        inputs["feature_lengths"][i] = len(piece)
    decoded = refine(model.predict_on_batch, inputs, vocabulary, passes)
    step_seconds = model.frames_per_step * FRAME_SECONDS
    heard = []
    for i, start in enumerate(starts):
        begin = start * FRAME_SECONDS
        end = begin + inputs["feature_lengths"][i] * FRAME_SECONDS
        words = []
        for token, confidence, attention in zip(
            decoded.token_ids[i], decoded.confidences[i], decoded.attention[i], strict=True
        ):
            if token in vocabulary.fill_ids:
                continue
            word_start, word_end = attention_span(attention)
            times = begin + np.array([word_start, word_end]) * step_seconds
            words.append(Word(vocabulary.decode([token])[0], *np.minimum(times, end).tolist(), float(confidence)))
        words.sort(key=lambda word: word.middle)
        # A window with a slot to spare, at either end, has heard all of its audio; another stops at its last word.
        full = not np.isin(decoded.token_ids[i, [0, -1]], vocabulary.fill_ids).any()
        heard.append(HeardWindow(begin, words[-1].middle if full else end, tuple(words)))
    return heard


def attention_span(attention: np.ndarray) -> tuple[float, float]:
    """First and last audio step, in fractions, of the stretch that holds most of a word's attention `(T,)`."""
    passed = np.concatenate([[0.0], np.cumsum(attention, dtype=np.float64)])
    passed /= max(passed[-1], 1e-9)
    edges = np.arange(len(passed))
    start, end = np.interp([WORD_SHARE, 1 - WORD_SHARE], passed + edges * 1e-9, edges)
    return float(start), float(end)
