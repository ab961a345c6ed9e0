"""Greedy CTC decoding with times: logits to a draft, whose words `ctc_alignment.word_times` tells.

Connectionist temporal classification (Graves et al., 2006): of every step the likeliest token, repeats merged, blanks
dropped. NumPy alone.
"""

import numpy as np

from keras_stt.decoding.spoken_tokens import SpokenTokens
from keras_stt.tokens import Tokens


def greedy(logits: np.ndarray, lengths: np.ndarray) -> list[SpokenTokens]:
    """The draft of every utterance of a batch. Steps past its length are not read.

    Args:
        logits: `(B, T, n + 1)`, of any scale a softmax takes; id 0 is the blank.
        lengths: `(B,)`, steps of each utterance.

    Raises:
        ValueError: the shapes do not fit, or a length is negative or above T.
    """
    logits, lengths = np.asarray(logits, np.float32), np.asarray(lengths)
    if logits.ndim != 3 or lengths.shape != logits.shape[:1]:
        raise ValueError(f"logits {logits.shape} with lengths {lengths.shape}: give (B, T, n + 1) and (B,)")
    if lengths.size and not 0 <= lengths.min() <= lengths.max() <= logits.shape[1]:
        raise ValueError(f"lengths {lengths.min()} to {lengths.max()} steps in logits of {logits.shape[1]}")
    likeliest = logits.argmax(axis=-1).astype(np.int32)
    # The likeliest logit less itself is 0, so that its log-probability is what the softmax divides by.
    log_probabilities = -np.log(np.exp(logits - logits.max(axis=-1, keepdims=True)).sum(axis=-1))
    return [_collapse(likeliest[row, :length], log_probabilities[row, :length]) for row, length in enumerate(lengths)]


def _collapse(path: np.ndarray, log_probabilities: np.ndarray) -> SpokenTokens:
    """One utterance: the path `(T,)` with repeats merged and blanks dropped."""
    first = np.ones(len(path), bool)
    first[1:] = path[1:] != path[:-1]
    starts = np.flatnonzero(first)
    ends = np.append(starts, len(path))[1:]
    peaks = np.maximum.reduceat(log_probabilities, starts) if len(path) else log_probabilities
    said = path[starts] != Tokens.blank_id
    return SpokenTokens(
        token_ids=path[starts][said],
        starts=starts[said].astype(np.int32),
        ends=ends[said].astype(np.int32),
        confidences=np.exp(peaks[said]),
        score=float(log_probabilities.sum(dtype=np.float64)),
        steps=len(path),
    )
