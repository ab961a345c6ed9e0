"""What each task hides from the model and what it asks for, and how the hidden share moves over training."""

import dataclasses

import numpy as np

from keras_stt.text import Vocabulary

IGNORED = -1  # a target that asks for nothing
TASKS = ("transcribe", "infill", "last_word", "autoencode", "identity")
MASK_SCHEDULES = ("constant", "linear", "cosine", "uniform")


@dataclasses.dataclass(frozen=True)
class Masking:
    """What is done with the tokens of a batch.

    Attributes:
        hidden: boolean `(B, U)`, where the model reads `<mask>` and not the token.
        asked: boolean `(B, U)`, where the model must say the token; at least what is hidden.
    """

    hidden: np.ndarray
    asked: np.ndarray

    def inputs(self, token_ids: np.ndarray) -> np.ndarray:
        """What the model reads, int32 `(B, U)`."""
        return np.where(self.hidden, Vocabulary.mask_id, token_ids).astype(np.int32)

    def targets(self, token_ids: np.ndarray) -> np.ndarray:
        """What the model must say, int32 `(B, U)`; `IGNORED` where nothing is asked."""
        return np.where(self.asked, token_ids, IGNORED).astype(np.int32)


def mask_share(schedule: str, progress: float, mask_from: float, mask_to: float, rng: np.random.Generator, size: int):
    """Share of tokens to hide in each of `size` samples.

    Args:
        schedule: `constant` stays at `mask_from`; `linear` and `cosine` move from `mask_from` to `mask_to` over
            training; `uniform` draws between the two for every sample.
        progress: how much of training is over, 0 to 1.

    Returns:
        float `(size,)`.
    """
    if schedule == "uniform":
        return rng.uniform(min(mask_from, mask_to), max(mask_from, mask_to), size)
    moved = {"constant": 0.0, "linear": progress, "cosine": 0.5 - 0.5 * np.cos(np.pi * progress)}[schedule]
    return np.full(size, mask_from + (mask_to - mask_from) * moved)


def task_masking(task: str, token_ids: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> Masking:
    """What one of `TASKS` hides and asks for.

    `transcribe` hides all tokens, `infill` the given shares of them, `last_word` the last word; all three ask for what
    they hide. `autoencode` hides nothing and asks for all; `identity` is the same batch, on which a perfect answer
    rather than a model is scored.

    Args:
        token_ids: `(B, U)`.
        shares: `(B,)`, 0 to 1; for `infill` alone.
    """
    if task == "infill":
        return hide_share(token_ids, shares, rng)
    return {
        "transcribe": hide_all,
        "last_word": hide_last_word,
        "autoencode": hide_nothing,
        "identity": hide_nothing,
    }[task](token_ids)


def hide_all(token_ids: np.ndarray) -> Masking:
    """Every token is hidden and asked for."""
    return _ask_what_is_hidden(np.ones(token_ids.shape, bool))


def hide_nothing(token_ids: np.ndarray) -> Masking:
    """Every token is visible and asked for: the model must say again what it reads."""
    return Masking(np.zeros(token_ids.shape, bool), np.ones(token_ids.shape, bool))


def hide_last_word(token_ids: np.ndarray) -> Masking:
    """The last word of each row is hidden and asked for; slots that say "nothing here" stay visible wherever they are.

    A row without a word asks nothing.
    """
    spoken = ~np.isin(token_ids, Vocabulary.fill_ids)
    words_after = spoken[:, ::-1].cumsum(axis=1)[:, ::-1] - spoken
    return _ask_what_is_hidden(spoken & (words_after == 0))


def hide_share(token_ids: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> Masking:
    """In each row the given share of tokens, at least one, drawn without replacement, is hidden and asked for.

    Drawn so, all-masked rows do occur when the share is one, and the model learns to transcribe as well.

    Args:
        token_ids: `(B, U)`.
        shares: `(B,)`, 0 to 1.
    """
    batch, length = token_ids.shape
    counts = np.clip(np.round(shares * length), 1, length).astype(int)
    ranks = rng.random((batch, length)).argsort(axis=1).argsort(axis=1)
    return _ask_what_is_hidden(ranks < counts[:, None])


def _ask_what_is_hidden(hidden: np.ndarray) -> Masking:
    return Masking(hidden, hidden)
