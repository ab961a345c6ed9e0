"""Tokens on the steps of an utterance: what greedy decoding finds, and what forced alignment finds of a known text."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class SpokenTokens:
    """The tokens of one utterance, and when they are said.

    Attributes:
        token_ids: `(U,)` int32, no blanks.
        starts: `(U,)` int32, the first step of each token.
        ends: `(U,)` int32, the step after its last.
        confidences: `(U,)` float32, 0 to 1: its highest probability within its span. The steps beside a spike are
            shared with the blank and say little of whether the token is right.
        score: natural logarithm of the probability of the path on which they lie.
        steps: length of the utterance in steps.
    """

    token_ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    confidences: np.ndarray
    score: float
    steps: int
