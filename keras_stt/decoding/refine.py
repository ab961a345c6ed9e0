"""Iterative unmasking: say all masked words, keep the surest, mask the rest again, and say those once more."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Decoded:
    """What the model said.

    Attributes:
        token_ids: `(B, U)`, visible tokens as they were given.
        confidences: `(B, U)`, probability of each token; 1 where it was visible.
        attention: `(B, U, T)`, where each word was heard.
    """

    token_ids: np.ndarray
    confidences: np.ndarray
    attention: np.ndarray


def softmax(logits: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def refine(predict, inputs: dict, vocabulary, passes: int = 1) -> Decoded:
    """Fills the `<mask>` tokens of a batch in `passes` passes (mask-predict, Ghazvininejad et al., 2019).

    Masks are those of training: the same token, in the same place (the diary's D29). After pass `k` of `K` the share
    `k / K` of the masked words that the model is surest of stay; the last pass says the rest. Special tokens other
    than `<sil>` are never said.

    Args:
        predict: from the model's inputs to its outputs, as NumPy arrays; `model.predict_on_batch`.
        inputs: as `MaskedTokenModel` takes them.
        vocabulary: gives the special ids.
        passes: at least 1.
    """
    given = np.asarray(inputs["token_ids"])
    masked = given == vocabulary.mask_id
    token_ids, confidences = given.copy(), np.ones(given.shape, np.float32)
    unsaid = [vocabulary.pad_id, vocabulary.mask_id, vocabulary.unk_id]
    for done in range(1, passes + 1):
        outputs = predict({**inputs, "token_ids": token_ids})
        logits = np.asarray(outputs["tokens"], np.float32)
        logits[..., unsaid] = -np.inf
        probabilities = softmax(logits)
        asked = token_ids == vocabulary.mask_id
        token_ids = np.where(asked, probabilities.argmax(axis=-1), token_ids)
        confidences = np.where(asked, probabilities.max(axis=-1), confidences)
        if done < passes:
            surest = np.where(masked, -confidences, -np.inf).argsort(axis=1).argsort(axis=1)
            visible = (~masked).sum(axis=1)
            keep = visible + np.ceil(masked.sum(axis=1) * done / passes)
            token_ids = np.where(masked & (surest >= keep[:, None]), vocabulary.mask_id, token_ids)
    return Decoded(token_ids.astype(np.int32), confidences, np.asarray(outputs["attention"], np.float32))
