"""How much each token weighs in the loss, by how common it is."""

import numpy as np

from keras_stt.errors import InputError

CLASS_WEIGHTINGS = ("none", "inverse_frequency", "effective_number", "focal")
BETA = 0.999  # of the effective number of samples: beyond some 1,000 sightings a token counts as common


def class_weights(counts, method: str, pad_id: int | None = None, pad_weight: float = 1.0) -> list[float] | None:
    """The weight of every token, of mean one over the tokens that training asks for: the loss keeps its scale.

    Args:
        counts: `(V,)`, how often training asks for each token. A token never seen weighs as one seen once.
        method: one of `CLASS_WEIGHTINGS`. `inverse_frequency` weighs by 1 / count. `effective_number` weighs by
            (1 - b) / (1 - b^count), so that common words differ little among themselves (Cui et al., 2019: Class-
            Balanced Loss Based on Effective Number of Samples). `none` and `focal` weigh all alike here; focal
            weights move with the answer, see `MaskedTokenLoss`.
        pad_id: the token that fills slots in which no word is heard.
        pad_weight: what the weight of `pad_id` is multiplied with; with 0 its slots teach nothing.

    Returns:
        `V` floats, or None where all weigh one.

    Raises:
        InputError: no such method, frequencies in place of counts, a negative weight, or nothing asked that weighs more
            than 0.
    """
    counts = np.asarray(counts, np.float64)
    if method not in CLASS_WEIGHTINGS:
        raise InputError(f"class weighting: {method!r} is not one of {', '.join(CLASS_WEIGHTINGS)}")
    if np.any(counts != np.round(counts)):
        raise InputError("class weighting: counts must be whole numbers; give counts, not frequencies")
    if pad_weight < 0:
        raise InputError(f"class weighting: the weight {pad_weight} of padding is negative; give 0 or more")
    if method in ("none", "focal") and (pad_id is None or pad_weight == 1):
        return None
    seen = np.maximum(counts, 1.0)
    weights = {
        "inverse_frequency": 1.0 / seen,
        "effective_number": (1.0 - BETA) / (1.0 - BETA**seen),
    }.get(method, np.ones_like(seen))
    if pad_id is not None:
        weights[pad_id] *= pad_weight
    total = np.sum(counts * weights)
    if not total > 0:
        raise InputError("class weighting: every token that training asks for weighs 0; raise the weight of padding")
    return (weights * np.sum(counts) / total).tolist()
