"""A known text on a CTC head: where its tokens are said, how likely all of it is, and the times of its words.

Connectionist temporal classification (Graves et al., 2006). NumPy alone, vectorised over the states of the text: the
only loop is over time.
"""

from collections.abc import Sequence

import numpy as np

from keras_stt.decoding.spoken_tokens import SpokenTokens
from keras_stt.decoding.stitch import Word
from keras_stt.errors import InputError
from keras_stt.tokens import Tokens

# How long a word goes on after its last piece is said. Words last some 0.06 s a letter within speech and 0.19 s more
# before a pause (LibriSpeech's TextGrids); where no pause follows, the next word's start cuts this short.
LETTER_SECONDS = 0.08
PAUSE_SECONDS = 0.05


def viterbi(log_probs: np.ndarray, token_ids: np.ndarray) -> SpokenTokens:
    """Forced alignment: the likeliest way to say exactly these tokens.

    Args:
        log_probs: `(T, n + 1)`, or logits: they are normalised here. Id 0 is the blank. The utterance's own steps,
            without padding.
        token_ids: `(U,)` of 1 to n, without blanks; U may be 0.

    Raises:
        InputError: no steps, an id that the head does not have, or more tokens than the steps have room for; equal
            neighbours need a blank between them.
    """
    log_probs = log_softmax(log_probs)
    token_ids = _checked(token_ids, log_probs.shape[1])
    steps, needed = len(log_probs), least_steps(token_ids)
    if needed > steps:
        raise InputError(
            f"text of {len(token_ids)} tokens: needs {needed} steps of audio, the recording has {steps}; "
            "give the words that are said in it, or a model with more steps a second"
        )
    labels, may_skip = _states(token_ids)
    emitted = log_probs[:, labels]
    path = _likeliest_path(emitted, may_skip)
    of_path = emitted[np.arange(steps), path]
    said = np.arange(len(token_ids)) * 2 + 1
    starts, ends = np.searchsorted(path, said, "left"), np.searchsorted(path, said, "right")
    # From one start to the next there are blanks besides the token; they are no evidence for it.
    peaks = np.maximum.reduceat(np.where(path % 2, of_path, -np.inf), starts) if len(said) else np.zeros(0)
    return SpokenTokens(
        token_ids=token_ids,
        starts=starts.astype(np.int32),
        ends=ends.astype(np.int32),
        confidences=np.exp(peaks).astype(np.float32),
        score=float(of_path.sum()),
        steps=steps,
    )


def forward_score(log_probs: np.ndarray, token_ids: np.ndarray) -> float:
    """Natural logarithm of P(text | audio), summed over all paths; see `forward_scores`."""
    return float(forward_scores(log_probs, [token_ids])[0])


def forward_scores(log_probs: np.ndarray, candidates: Sequence[np.ndarray]) -> np.ndarray:
    """How likely each of N texts is for one utterance: the forward algorithm, all texts at once.

    Args:
        log_probs: `(T, n + 1)`, as for `viterbi`.
        candidates: N arrays of token ids, each `(U,)` of its own length.

    Returns:
        `(N,)` float64, natural logarithms; minus infinity for a text that the steps have no room for.

    Raises:
        InputError: no steps, or an id that the head does not have.
    """
    log_probs = log_softmax(log_probs)
    candidates = [_checked(token_ids, log_probs.shape[1]) for token_ids in candidates]
    if not candidates:
        return np.zeros(0)
    lengths = np.array([len(token_ids) for token_ids in candidates])
    padded = np.zeros((len(candidates), lengths.max()), np.int32)
    for row, token_ids in enumerate(candidates):
        padded[row, : len(token_ids)] = token_ids
    labels, may_skip = _states(padded)
    scores = np.full(labels.shape, -np.inf)
    scores[:, :2] = log_probs[0][labels[:, :2]]
    for frame in log_probs[1:]:
        reached = scores.copy()
        reached[:, 1:] = np.logaddexp(reached[:, 1:], scores[:, :-1])
        reached[:, 2:] = np.logaddexp(reached[:, 2:], np.where(may_skip[:, 2:], scores[:, :-2], -np.inf))
        scores = reached + frame[labels]
    # Paths only go forward, so what stands behind a short text's last state has no part in it.
    rows = np.arange(len(candidates))
    without_blank = np.where(lengths > 0, scores[rows, np.maximum(2 * lengths - 1, 0)], -np.inf)
    return np.logaddexp(scores[rows, 2 * lengths], without_blank)


def word_times(alignment: SpokenTokens, tokens: Tokens, step_seconds: float, lead: float = 0.0) -> list[Word]:
    """The words of an aligned text with their times; see `spans_to_words`. A draft's will do as well."""
    a = alignment
    return spans_to_words(a.token_ids, a.starts, a.ends, a.confidences, a.steps, tokens, step_seconds, lead)


def spans_to_words(
    token_ids: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    confidences: np.ndarray,
    steps: int,
    tokens: Tokens,
    step_seconds: float,
    lead: float = 0.0,
) -> list[Word]:
    """Words from the spans of their tokens: the one rule for drafts and for known text.

    A CTC head says a token in one or two steps, some time after the sound began, and blanks for the rest of it. So
    all spans are moved `lead` seconds earlier, and then a word starts where its first piece with letters does (a "▁"
    of its own is no part of it) and goes on after its last piece's start for `PAUSE_SECONDS` and `LETTER_SECONDS`
    times the letters of that piece, at least to the end of the span, and at most to where the next word starts or
    the utterance ends. Every word lasts half a step at least.

    A word is right only where all of it is, so its confidence is that of its least sure piece.

    Args:
        token_ids, starts, ends, confidences: `(U,)` each, of `SpokenTokens`, in order; spans in steps.
        steps: length of the utterance.
        tokens: of the ids.
        step_seconds: what a step of the CTC head lasts.
        lead: seconds by which this model's head lags; to be chosen on recordings whose word starts are known.
            Negative for a head that speaks too early.
    """
    groups = word_groups(token_ids, tokens)
    if not groups:
        return []
    firsts, lasts = [group[0] for group in groups], [group[-1] for group in groups]
    order, least = np.arange(len(groups)), step_seconds / 2
    total = steps * step_seconds
    begins = np.asarray(starts)[firsts] * step_seconds - lead
    # Words begin a step apart; moved out of the utterance, they keep half of that.
    begins = np.clip(begins, order * least, total - (len(groups) - order) * least)
    letters = np.array([len(tokens.letters[token_ids[last]]) for last in lasts])
    spoken = np.asarray(starts)[lasts] * step_seconds + PAUSE_SECONDS + LETTER_SECONDS * letters
    stops = np.maximum(spoken, np.asarray(ends)[lasts] * step_seconds) - lead
    stops = np.minimum(np.maximum(stops, begins + least), np.append(begins[1:], total))
    return [
        Word(
            "".join(tokens.letters[token_ids[place]] for place in group),
            float(begin),
            float(stop),
            float(min(confidences[place] for place in group)),
        )
        for group, begin, stop in zip(groups, begins, stops, strict=True)
    ]


def word_groups(token_ids: np.ndarray, tokens: Tokens) -> list[list[int]]:
    """For each word, the places in `token_ids` of its pieces with letters."""
    groups: list[list[int]] = []
    begins = True
    for place, token in enumerate(token_ids):
        begins = begins or bool(tokens.word_starts[token])
        if tokens.letters[token]:
            if begins:
                groups.append([])
            groups[-1].append(place)
            begins = False
    return groups


def log_softmax(log_probs: np.ndarray) -> np.ndarray:
    """Logits or log-probabilities `(T, n + 1)` of one utterance as float64 log-probabilities.

    Raises:
        InputError: another shape, or no steps at all.
    """
    log_probs = np.asarray(log_probs, np.float64)
    if log_probs.ndim != 2 or log_probs.shape[1] < 2:
        raise InputError(f"CTC output of shape {log_probs.shape}: give one utterance, (steps, tokens and a blank)")
    if not len(log_probs):
        raise InputError("the recording has no audio frames; give one that is longer than a step of the model")
    shifted = log_probs - log_probs.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def least_steps(token_ids: np.ndarray) -> int:
    """The fewest steps that can say these tokens: one each, and a blank between equal neighbours."""
    return len(token_ids) + int(np.sum(token_ids[1:] == token_ids[:-1]))


def _checked(token_ids, width: int) -> np.ndarray:
    token_ids = np.asarray(token_ids, np.int32).reshape(-1)
    if token_ids.size and not 1 <= token_ids.min() <= token_ids.max() < width:
        raise InputError(
            f"token ids {token_ids.min()} to {token_ids.max()}: the CTC head has 1 to {width - 1}; "
            "encode the text with the model's own tokens"
        )
    return token_ids


def _states(token_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What each of the 2 U + 1 states says, blanks in between, and whether it may follow the one before the last."""
    labels = np.zeros((*token_ids.shape[:-1], 2 * token_ids.shape[-1] + 1), np.int32)
    labels[..., 1::2] = token_ids
    may_skip = labels > 0
    may_skip[..., 2:] &= labels[..., 2:] != labels[..., :-2]
    return labels, may_skip


def _likeliest_path(emitted: np.ndarray, may_skip: np.ndarray) -> np.ndarray:
    """The state of every step, `(T,)`, for the log-probabilities `(T, S)` of what the states say."""
    steps, states = emitted.shape
    came = np.zeros((steps, states), np.int8)  # how many states further on than a step earlier
    scores = np.full(states, -np.inf)
    scores[:2] = emitted[0, :2]
    reached = np.full((3, states), -np.inf)
    for step in range(1, steps):
        reached[0] = scores
        reached[1, 1:] = scores[:-1]
        reached[2, 2:] = np.where(may_skip[2:], scores[:-2], -np.inf)
        came[step] = reached.argmax(axis=0)
        scores = reached.max(axis=0) + emitted[step]
    path = np.empty(steps, np.int64)
    path[-1] = states - 1 if states == 1 or scores[-1] >= scores[-2] else states - 2
    for step in range(steps - 1, 0, -1):
        path[step - 1] = path[step] - came[step, path[step]]
    return path
