"""Where on a CTC head the tokens of a known text are said: not the likeliest path alone, but all of them."""

import numpy as np

from keras_stt.decoding.ctc_alignment import log_softmax


def occupancy(log_probs: np.ndarray, token_ids: np.ndarray) -> np.ndarray:
    """How probable it is, given audio and text, that a step says a token: forward-backward (Graves et al., 2006).

    Args:
        log_probs: `(T, n + 1)`, or logits: they are normalised here. Id 0 is the blank.
        token_ids: `(U,)` of 1 to n, without blanks; no more than `least_steps` finds room for.

    Returns:
        `(U, T)`; what is missing to one in a step is the blank's.
    """
    log_probs, token_ids = log_softmax(log_probs), np.asarray(token_ids, np.int64).reshape(-1)
    if not len(token_ids):
        return np.zeros((0, len(log_probs)))
    labels = np.zeros(2 * len(token_ids) + 1, np.int64)
    labels[1::2] = token_ids
    emitted = log_probs[:, labels]
    # Backwards the text is read from its end by the same rules.
    both = _forward(emitted, labels) + _forward(emitted[::-1, ::-1], labels[::-1])[::-1, ::-1] - emitted
    both = np.exp(both - both.max(axis=1, keepdims=True))
    return (both / both.sum(axis=1, keepdims=True))[:, 1::2].T


def _forward(emitted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """`(T, S)`: logarithms of the probability to be in a state at a step, all paths to it together."""
    may_skip = labels > 0
    may_skip[2:] &= labels[2:] != labels[:-2]
    scores = np.full(emitted.shape, -np.inf)
    scores[0, :2] = emitted[0, :2]
    for step in range(1, len(emitted)):
        before = scores[step - 1]
        reached = before.copy()
        reached[1:] = np.logaddexp(reached[1:], before[:-1])
        reached[2:] = np.logaddexp(reached[2:], np.where(may_skip[2:], before[:-2], -np.inf))
        scores[step] = reached + emitted[step]
    return scores
