"""A recording to its words with an utterance model: drafted, refined, and heard at several speeds that vote."""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from keras_stt.audio import is_long_silence
from keras_stt.decoding.beam import beam_search
from keras_stt.decoding.ctc import greedy
from keras_stt.decoding.ctc_alignment import forward_scores, least_steps, log_softmax, viterbi, word_times
from keras_stt.decoding.spoken_tokens import SpokenTokens
from keras_stt.decoding.stitch import Word
from keras_stt.decoding.vote import vote
from keras_stt.errors import InputError
from keras_stt.features import FRAME_SECONDS, log_mel
from keras_stt.speed import change_speed
from keras_stt.tokens import Tokens
from keras_stt.transcribe.chunks import Chunk, Stitcher, cut

TOGETHER_SECONDS = 240.0  # of chunks of a long recording that are heard before the next are looked at
BATCH_SECONDS = 120.0  # of audio, padded, that is heard together
FRAME_MULTIPLE = 160  # of a batch's length: few lengths mean few compiled graphs
SPEEDS = (1.0, 0.9, 1.1, 0.95, 1.05, 0.85, 1.15)  # at which candidates are heard, in this order


@dataclasses.dataclass(frozen=True)
class Decoding:
    """How a transcript is found.

    Attributes:
        passes: refinements of the draft, each of what the one before found; 0: the draft. Of the draft, the last
            refinement and the mean of both the text is kept that encoder and refiner together find likeliest.
        candidates: how often the recording is heard, each time at another of `SPEEDS`; drafts and refinements of all
            vote on every word (ROVER). What one hearing errs in, others may not.
        language_model: word n-grams that a beam search asks; None: the likeliest token of every step.
        beam, lm_weight, word_bonus, unknown_bonus: of the beam search; see `decoding.beam`.
    """

    passes: int = 1
    candidates: int = 1
    language_model: object = None
    beam: int = 16
    lm_weight: float = 0.7
    word_bonus: float = 2.0
    unknown_bonus: float = 0.0

    def __post_init__(self):
        _require_passes(self.passes)
        for name in ("lm_weight", "word_bonus", "unknown_bonus"):
            if not math.isfinite(getattr(self, name)):
                raise InputError(f"{name} {getattr(self, name)}: give a number")
        if not 1 <= self.candidates <= len(SPEEDS):
            raise InputError(f"candidates {self.candidates}: give 1 to {len(SPEEDS)}")


def _require_passes(passes: int) -> None:
    if passes < 0:
        raise InputError(f"passes {passes}: give 0 for the draft, or more to refine it")


@dataclasses.dataclass(frozen=True)
class Heard:
    """What a model makes of one utterance.

    Attributes:
        draft: log-probabilities `(S, tokens)` of the encoder.
        refined: likewise of the refiner after its last pass; None where nothing was refined.
    """

    draft: np.ndarray
    refined: np.ndarray | None = None

    @property
    def said(self) -> tuple[np.ndarray, ...]:
        """The draft and, where there is one, its refinement."""
        return (self.draft,) if self.refined is None else (self.draft, self.refined)

    @property
    def together(self) -> np.ndarray:
        """Log-probabilities on which encoder and refiner agree: their geometric mean."""
        return log_softmax(np.mean(self.said, axis=0))


def stream(model, blocks: Iterable[np.ndarray], decoding: Decoding, lead: float = 0.0) -> Iterator[Word]:
    """Yields the words of a recording, with its times, as they become final.

    Args:
        model: an `UtteranceModel`.
        blocks: 16 kHz mono float32 `(N,)`, one after the other. They are asked for when they are needed, and what was
            made of them is let go: memory does not grow with the recording.
        lead: seconds by which the model's tokens come after their words begin.
    """
    stitcher, together, seconds = Stitcher(), [], 0.0
    for chunk in cut(blocks):
        together.append(chunk)
        seconds += chunk.end - chunk.start
        if seconds >= TOGETHER_SECONDS:
            yield from _stitched(model, together, decoding, lead, stitcher)
            together, seconds = [], 0.0
    yield from _stitched(model, together, decoding, lead, stitcher)
    yield from stitcher.finish()


def _stitched(model, chunks: list[Chunk], decoding: Decoding, lead: float, stitcher: Stitcher) -> Iterator[Word]:
    for chunk, words in zip(chunks, words_of(model, chunks, decoding, lead), strict=True):
        yield from stitcher.add(chunk, words)


def words_of(model, chunks: Sequence[Chunk], decoding: Decoding, lead: float = 0.0) -> list[list[Word]]:
    """The words of each chunk, with times from its own start; none of long silence."""
    words: list[list[Word]] = [[] for _ in chunks]
    rows = [row for row, chunk in enumerate(chunks) if not is_long_silence(chunk.samples)]
    frames = [log_mel(chunks[row].samples, model.mel_bands) for row in rows]
    heard = hear_at_speeds(model, frames, decoding.passes, decoding.candidates)
    for row, hearings in zip(rows, heard, strict=True):
        words[row] = decode(model, hearings, decoding, lead)
    return words


def hear_at_speeds(model, frames: Sequence[np.ndarray], passes: int, candidates: int = 1) -> list[list[Heard]]:
    """What the model makes of each utterance at the first `candidates` of `SPEEDS`.

    Args:
        frames: log-mel frames of each, `(T, mel_bands)`.
        passes: of the refiner, where there is one.
    """
    played = [change_speed(piece, speed) for piece in frames for speed in SPEEDS[:candidates]]
    heard = hear(model, played, passes)
    return [heard[first : first + candidates] for first in range(0, len(heard), candidates)]


def hear(model, frames: Sequence[np.ndarray], passes: int) -> list[Heard]:
    """The model's log-probabilities for utterances, heard in batches of like length.

    Args:
        frames: log-mel frames of each, `(T, mel_bands)`.
        passes: of the refiner, where there is one.
    """
    _require_passes(passes)
    heard: list[Heard | None] = [None] * len(frames)
    for rows in _batches([len(piece) for piece in frames]):
        longest = max(1, max(len(frames[row]) for row in rows))
        longest = -(-longest // FRAME_MULTIPLE) * FRAME_MULTIPLE
        features = np.zeros((len(rows), longest, model.mel_bands), np.float32)
        lengths = np.array([len(frames[row]) for row in rows], np.int32)
        for i, row in enumerate(rows):
            features[i, : lengths[i]] = frames[row]
        draft, refined = model.draft_and_refine(features, np.maximum(lengths, 1), passes)
        steps = -(-lengths // model.frames_per_step)
        for i, row in enumerate(rows):
            first, last = (None if each is None else _log_probs(each[i, : steps[i]]) for each in (draft, refined))
            heard[row] = Heard(first, last)
    return heard


def _log_probs(logits: np.ndarray) -> np.ndarray:
    """Log-probabilities, none for an utterance shorter than a frame."""
    return log_softmax(logits) if len(logits) else np.zeros(logits.shape)


def _batches(lengths: list[int]) -> list[list[int]]:
    """Rows of like length, each batch with at most `BATCH_SECONDS` of padded audio."""
    most = BATCH_SECONDS / FRAME_SECONDS
    batches: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        if not batches or lengths[row] * (len(batches[-1]) + 1) > most:
            batches.append([])
        batches[-1].append(row)
    return batches


def decode(model, hearings: Sequence[Heard], decoding: Decoding, lead: float = 0.0) -> list[Word]:
    """The words of one utterance, with times from its start.

    Args:
        hearings: at `SPEEDS`; the first, at its own, tells the times.
    """
    heard = hearings[0]
    if not len(heard.draft):
        return []
    tokens = model.token_set
    if len(hearings) > 1:
        texts = [text for each in hearings for text in _candidates(each, tokens, decoding)]
        token_ids = tokens.encode(" ".join(vote([text.split() for text in texts])))
        if least_steps(token_ids) <= len(heard.draft):  # what was heard slowly may have no room at its own speed
            return _timed(token_ids, heard, tokens, model.step_seconds, lead)
    if decoding.language_model is not None:
        return _timed(_searched(heard, tokens, decoding), heard, tokens, model.step_seconds, lead)
    return word_times(_accepted(heard), tokens, model.step_seconds, lead)


def _candidates(heard: Heard, tokens: Tokens, decoding: Decoding) -> list[str]:
    """The texts that one hearing has for the vote: what was searched for, or draft and refinement."""
    if decoding.language_model is not None:
        return [tokens.decode(_searched(heard, tokens, decoding))]
    return [tokens.decode(_greedy(log_probs).token_ids) for log_probs in reversed(heard.said)]


def _accepted(heard: Heard) -> SpokenTokens:
    """Of the draft, its refinement and what both together say, the text that both together find likeliest."""
    if heard.refined is None:
        return _greedy(heard.draft)
    # Where the two say a token in different steps, their mean may miss it: so it is judged like the others.
    spoken = [_greedy(log_probs) for log_probs in (heard.together, heard.refined, heard.draft)]
    scores = sum(forward_scores(log_probs, [each.token_ids for each in spoken]) for log_probs in heard.said)
    return spoken[int(np.argmax(scores))]


def _timed(token_ids: np.ndarray, heard: Heard, tokens: Tokens, step_seconds: float, lead: float) -> list[Word]:
    if not len(token_ids):
        return []
    return word_times(viterbi(heard.together, token_ids), tokens, step_seconds, lead)


def _greedy(log_probs: np.ndarray) -> SpokenTokens:
    return greedy(log_probs[None], np.array([len(log_probs)]))[0]


def _searched(heard: Heard, tokens: Tokens, decoding: Decoding) -> np.ndarray:
    """Token ids of the best transcript that a beam search with the language model finds."""
    log_probs = heard.together
    best = beam_search(
        log_probs,
        len(log_probs),
        tokens,
        decoding.language_model,
        beam=decoding.beam,
        lm_weight=decoding.lm_weight,
        word_bonus=decoding.word_bonus,
        unknown_bonus=decoding.unknown_bonus,
        best=1,
    )[0]
    return np.array(best.token_ids, np.int32)
