"""Iterative unmasking: say all masked words, keep the surest, mask the rest again, and say those once more."""

import dataclasses
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True)
class Decoded:
    """What the model said.

    Attributes:
        token_ids: `(B, U)`, the given tokens where nothing was asked.
        confidences: `(B, U)`, probability of each token; 1 where nothing was asked.
        attention: `(B, U, T)`, where each word was heard.
        first_logits: `(B, U, V)`, of the first pass, as the model gave them.
    """

    token_ids: np.ndarray
    confidences: np.ndarray
    attention: np.ndarray
    first_logits: np.ndarray


def softmax(logits: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def refine(
    predict,
    inputs: dict,
    vocabulary,
    passes: int = 1,
    asked: np.ndarray | None = None,
    watch: Callable[[np.ndarray, np.ndarray], None] | None = None,
) -> Decoded:
    """Fills the `<mask>` tokens of a batch in `passes` passes (mask-predict, Ghazvininejad et al., 2019).

    Masks are those of training: the same token, in the same place (the diary's D29). After pass `k` of `K` the share
    `k / K` of the masked words that the model is surest of stay; the last pass says the rest. Visible tokens are shown
    as they are in every pass; where they are asked for, what the model says of them is taken all the same.
    `<mask>` and `<unk>` are never said.

    Args:
        predict: from the model's inputs to its outputs, as NumPy arrays; `model.predict_on_batch`.
        inputs: as `MaskedTokenModel` takes them.
        vocabulary: gives the special ids.
        passes: at least 1.
        asked: boolean `(B, U)`, visible tokens that the model is to say too; None asks for the masked ones alone,
            which always are.
        watch: told of every pass what the model read, token ids `(B, U)`, and how probable it found each token in each
            slot, `(B, U, V)`.
    """
    given = np.asarray(inputs["token_ids"])
    masked = given == vocabulary.mask_id
    reread = np.zeros_like(masked) if asked is None else asked & ~masked
    shown, confidences = given, np.ones(given.shape, np.float32)
    for done in range(1, passes + 1):
        outputs = predict({**inputs, "token_ids": shown})
        logits = np.array(outputs["tokens"], np.float32)  # a copy: what the model gave stays as it is
        if done == 1:
            first_logits = np.asarray(outputs["tokens"], np.float32)
        logits[..., list(vocabulary.unsaid_ids)] = -np.inf
        probabilities = softmax(logits)
        if watch is not None:
            watch(shown, probabilities)
        likeliest = probabilities.argmax(axis=-1)
        open_slots = shown == vocabulary.mask_id
        confidences = np.where(open_slots | reread, probabilities.max(axis=-1), confidences)
        shown = np.where(open_slots, likeliest, shown).astype(np.int32)
        if done < passes:
            surest = np.where(masked, -confidences, np.inf).argsort(axis=1).argsort(axis=1)
            keep = np.ceil(masked.sum(axis=1) * done / passes)
            shown = np.where(masked & (surest >= keep[:, None]), vocabulary.mask_id, shown)
    token_ids = np.where(reread, likeliest, shown).astype(np.int32)
    return Decoded(token_ids, confidences, np.asarray(outputs["attention"], np.float32), first_logits)
