"""Which tokens the model must say: what each task hides, and how the hidden share moves over training."""

import numpy as np

IGNORED = -1  # a target that asks for nothing: the token was visible
TASKS = ("transcribe", "infill")
MASK_SCHEDULES = ("constant", "linear", "cosine", "uniform")


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


def hide_all(token_ids: np.ndarray) -> np.ndarray:
    """The transcribe task: every token is hidden. Boolean, the shape of `token_ids`."""
    return np.ones(token_ids.shape, bool)


def hide_share(token_ids: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The infill task: in each row the given share of tokens, at least one, drawn without replacement.

    Drawn so, all-masked rows do occur when the share is one, and the model learns to transcribe as well.

    Args:
        token_ids: `(B, U)`.
        shares: `(B,)`, 0 to 1.

    Returns:
        Boolean `(B, U)`.
    """
    batch, length = token_ids.shape
    counts = np.clip(np.round(shares * length), 1, length).astype(int)
    ranks = rng.random((batch, length)).argsort(axis=1).argsort(axis=1)
    return ranks < counts[:, None]
