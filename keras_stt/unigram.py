"""The deaf guess: what a loss shows for a model that knows how common each word is, and nothing else.

A model that listens must come below it; one that has collapsed sits on it. In the unit of the loss itself.
"""

from collections.abc import Iterable

import numpy as np
from keras import ops

from keras_stt.losses import MaskedTokenLoss
from keras_stt.masking import IGNORED
from keras_stt.text import Vocabulary

# A focal weight spares sure answers, so that the best constant is flatter than the frequencies: by how much is tried.
_FLATTER = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)


def unigram_distribution(batches, vocabulary: Vocabulary, steps: int = 50) -> np.ndarray:
    """How often each token is asked for, `(V,)`, from the first `steps` batches, with one of each added."""
    counts = np.ones(len(vocabulary))
    for step in range(min(steps, len(batches))):
        targets = batches[step][1]["tokens"]
        counts += np.bincount(targets[targets != IGNORED], minlength=len(vocabulary))
    return counts / counts.sum()


def guess_logits(loss: MaskedTokenLoss, unigram: np.ndarray) -> np.ndarray:
    """The frequencies as the loss sees them, weighted by class and smoothed: float32 `(V,)`.

    Of all answers that are the same everywhere, these cost least, unless the loss has a focal weight.

    Args:
        unigram: how often each token is asked for, `(V,)`, of sum one.
    """
    seen = np.asarray(unigram, np.float64)
    if loss.class_weights is not None:
        seen = seen * loss.class_weights
    return loss.logits_of(loss.smooth(seen / np.sum(seen)))


def guess_loss(loss: MaskedTokenLoss, targets: Iterable[np.ndarray], unigram: np.ndarray) -> float:
    """Mean loss over samples of a model that only knows how common each token is.

    For cross entropy without smoothing or weights that is the mean of -log p. On batches of training it compares
    with the loss of training.

    Args:
        targets: batches of ids `(B, U)`, `IGNORED` where nothing is asked.
        unigram: `(V,)`, see `guess_logits`.
    """
    batches, guess = list(targets), guess_logits(loss, unigram)
    return min(_constant_loss(loss, batches, flatter * guess) for flatter in (_FLATTER if loss.focal_gamma else (1.0,)))


def _constant_loss(loss, batches: list[np.ndarray], answer: np.ndarray) -> float:
    total = samples = 0
    for batch in batches:
        logits = np.broadcast_to(answer, (*batch.shape, len(answer)))
        total += len(batch) * float(ops.convert_to_numpy(loss(batch, logits)))
        samples += len(batch)
    return total / max(samples, 1)
