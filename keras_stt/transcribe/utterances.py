"""A recording to its words with an utterance model: drafted, refined, and of several candidates the likeliest kept."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_stt.audio import SAMPLE_RATE
from keras_stt.decoding.beam import beam_search
from keras_stt.decoding.ctc import greedy
from keras_stt.decoding.ctc_alignment import forward_scores, log_softmax, viterbi, word_times
from keras_stt.decoding.spoken_tokens import SpokenTokens
from keras_stt.decoding.stitch import HeardWindow, Word, stitch
from keras_stt.decoding.vote import vote
from keras_stt.errors import InputError
from keras_stt.features import FRAME_SECONDS, log_mel
from keras_stt.models.utterance import CANDIDATES_SURE
from keras_stt.tokens import Tokens
from keras_stt.transcribe.transcript import Transcript

MOST_SECONDS = 30.0  # heard at once; longer recordings are heard in pieces
OVERLAP_SECONDS = 6.0  # of two pieces, half of which each leaves to the other
BATCH_SECONDS = 120.0  # of audio, padded, that is heard together
FRAME_MULTIPLE = 160  # of a batch's length: few lengths mean few compiled graphs


@dataclasses.dataclass(frozen=True)
class Decoding:
    """How a transcript is found.

    Attributes:
        passes: refinements of the draft, each of what the one before found; 0: the draft. The last is kept where
            encoder and refiner together find it likelier than the draft.
        candidates: refinements side by side, each of the draft with other tokens masked, that vote on every word.
        language_model: word n-grams that a beam search asks; None: the likeliest token of every step.
        beam, lm_weight, word_bonus, unknown_bonus: of the beam search; see `decoding.beam`.
    """

    passes: int = 1
    candidates: int = 1
    language_model: object = None
    beam: int = 32
    lm_weight: float = 0.5
    word_bonus: float = 0.0
    unknown_bonus: float = 0.0

    def __post_init__(self):
        _require_passes(self.passes)
        if not 1 <= self.candidates <= len(CANDIDATES_SURE):
            raise InputError(f"candidates {self.candidates}: give 1 to {len(CANDIDATES_SURE)}")


def _require_passes(passes: int) -> None:
    if passes < 0:
        raise InputError(f"passes {passes}: give 0 for the draft, or more to refine it")


@dataclasses.dataclass(frozen=True)
class Heard:
    """What a model makes of one utterance.

    Attributes:
        draft: log-probabilities `(S, tokens)` of the encoder.
        refined: likewise of the refiner after its last pass, for each candidate; empty where nothing was refined.
    """

    draft: np.ndarray
    refined: tuple[np.ndarray, ...] = ()

    @property
    def best(self) -> np.ndarray:
        """What was heard last: of the first candidate, or of the draft."""
        return self.refined[0] if self.refined else self.draft

    @property
    def together(self) -> np.ndarray:
        """Log-probabilities on which encoder and refiner agree: their geometric mean."""
        return log_softmax(np.mean([self.draft, *self.refined], axis=0))


def transcribe_samples(model, samples: np.ndarray, decoding: Decoding, lead: float = 0.0) -> Transcript:
    """Transcribes 16 kHz mono float32 samples `(N,)` of any length.

    Args:
        model: an `UtteranceModel`.
        lead: seconds by which the model's tokens come after their words begin.
    """
    duration = len(samples) / SAMPLE_RATE
    frames = log_mel(samples, model.mel_bands)
    pieces = _pieces(len(frames))
    heard = hear(model, [frames[start:stop] for start, stop in pieces], decoding.passes, decoding.candidates)
    words = [decode(model, said, decoding, lead) for said in heard]
    if len(pieces) == 1:
        return Transcript(_within(words[0], duration), duration)
    windows = []
    for (start, stop), said in zip(pieces, words, strict=True):
        begin = start * FRAME_SECONDS
        moved = tuple(dataclasses.replace(w, start=w.start + begin, end=w.end + begin) for w in said)
        windows.append(HeardWindow(begin, stop * FRAME_SECONDS, moved))
    return Transcript(_within(stitch(windows), duration), duration)


def _within(words: list[Word], duration: float) -> list[Word]:
    """The same words, none beyond the recording, whose last step may be longer than what is left of it.

    Nor does any last into the next, which another piece may have heard a little earlier.
    """
    starts = [min(word.start, duration) for word in words]
    limits = [*starts[1:], duration][: len(words)]
    return [
        dataclasses.replace(word, start=start, end=max(start, min(word.end, limit)))
        for word, start, limit in zip(words, starts, limits, strict=True)
    ]


def _pieces(frames: int) -> list[tuple[int, int]]:
    """First frame and the one after the last of each piece; equally long ones that overlap, where one is too long."""
    most, overlap = round(MOST_SECONDS / FRAME_SECONDS), round(OVERLAP_SECONDS / FRAME_SECONDS)
    if frames <= most:
        return [(0, frames)]
    count = -(-(frames - overlap) // (most - overlap))
    starts = np.linspace(0, frames - most, count).round().astype(int).tolist()
    return [(start, start + most) for start in starts]


def hear(model, frames: Sequence[np.ndarray], passes: int, candidates: int = 1) -> list[Heard]:
    """The model's log-probabilities for utterances, heard in batches of like length.

    Args:
        frames: log-mel frames of each, `(T, mel_bands)`.
        passes, candidates: of the refiner, where there is one.
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
        draft, refined = model.draft_and_refine(features, np.maximum(lengths, 1), passes, candidates)
        steps = -(-lengths // model.frames_per_step)
        for i, row in enumerate(rows):
            first, *others = (_log_probs(each[i, : steps[i]]) for each in (draft, *refined))
            heard[row] = Heard(first, tuple(others))
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


def decode(model, heard: Heard, decoding: Decoding, lead: float = 0.0) -> list[Word]:
    """The words of one utterance, with times from its start."""
    if not len(heard.draft):
        return []
    if decoding.language_model is not None:
        return _searched(heard, model.token_set, decoding, model.step_seconds, lead)
    if len(heard.refined) > 1:
        return _voted(heard, model.token_set, model.step_seconds, lead)
    return word_times(_accepted(heard), model.token_set, model.step_seconds, lead)


def _accepted(heard: Heard) -> SpokenTokens:
    """The refinement, or the draft where encoder and refiner together find that likelier."""
    drafts = [_greedy(log_probs) for log_probs in (heard.draft, *heard.refined)]
    if len(drafts) == 1 or np.array_equal(drafts[0].token_ids, drafts[1].token_ids):
        return drafts[-1]
    texts = [draft.token_ids for draft in drafts]
    scores = sum(forward_scores(log_probs, texts) for log_probs in (heard.draft, *heard.refined))
    return drafts[int(np.argmax(scores))]


def _voted(heard: Heard, tokens: Tokens, step_seconds: float, lead: float) -> list[Word]:
    """The words on which the draft and all its refinements agree most."""
    candidates = [tokens.decode(_greedy(log_probs).token_ids).split() for log_probs in (*heard.refined, heard.draft)]
    return _timed(tokens.encode(" ".join(vote(candidates))), heard, tokens, step_seconds, lead)


def _timed(token_ids: np.ndarray, heard: Heard, tokens: Tokens, step_seconds: float, lead: float) -> list[Word]:
    if not len(token_ids):
        return []
    return word_times(viterbi(heard.together, token_ids), tokens, step_seconds, lead)


def _greedy(log_probs: np.ndarray) -> SpokenTokens:
    return greedy(log_probs[None], np.array([len(log_probs)]))[0]


def _searched(heard: Heard, tokens: Tokens, decoding: Decoding, step_seconds: float, lead: float) -> list[Word]:
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
    return _timed(np.array(best.token_ids, np.int32), heard, tokens, step_seconds, lead)
