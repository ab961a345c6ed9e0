"""Is the objective sound? The target fed back as the answer must score best, and every mistake worse (D24).

What no training curve shows: a loss that a perfect answer does not satisfy cannot be learned, however long one trains.
"""

import dataclasses
from collections.abc import Iterable

import numpy as np
from keras import ops

from keras_stt.losses import MaskedTokenLoss
from keras_stt.masking import IGNORED

_SURE_LOGIT = 20.0  # and minus that for all other tokens: in float32 as good as certain, to softmax and sigmoid
_LEAST = 1e-5  # a smaller difference, relative to the largest loss, is rounding


@dataclasses.dataclass(frozen=True)
class ObjectiveCheck:
    """What a loss said to perfect and to wrong answers.

    `perfect_loss`: mean over samples of a perfect, very sure answer. `one_wrong_loss`: that plus the least that one
    wrong token added to its sample. `commonest_loss`: the commonest token everywhere. `faults`: in plain words, empty
    for a sound loss.
    """

    perfect_loss: float
    one_wrong_loss: float
    commonest_loss: float
    faults: tuple[str, ...]

    @property
    def sound(self) -> bool:
        return not self.faults

    @property
    def verdict(self) -> str:
        """One line."""
        figures = (
            f"a perfect answer scores {self.perfect_loss:.4g}, one wrong token at least {self.one_wrong_loss:.4g}, "
            f"the commonest token everywhere {self.commonest_loss:.4g}"
        )
        return f"the loss is sound: {figures}" if self.sound else f"the loss is broken: {self.faults[0]} ({figures})"


def check_objective(
    loss, targets: Iterable[np.ndarray], vocabulary_size: int, tries: int = 200, seed: int = 0
) -> ObjectiveCheck:
    """Scores perfect answers, perfect answers with one wrong token, and the commonest token everywhere.

    Samples are scored one by one, so that a mistake is not lost in the mean of a batch.

    Args:
        loss: any `keras.losses.Loss` of ids `(B, U)` and logits `(B, U, V)`. For losses of this package a perfect
            answer is the smoothed target; for others a sure one.
        targets: batches of ids `(B, U)`, `IGNORED` where nothing is asked.
        tries: most wrong tokens tried, drawn from all of all slots; all are tried where there are no more.
    """
    rows = [row for batch in targets for row in np.asarray(batch)]
    examiner = _Examiner(loss, vocabulary_size)
    asked = [np.flatnonzero(examiner.asks(row)) for row in rows]
    rng = np.random.default_rng(seed)
    perfect = [examiner.score(row, row) for row in rows]
    more = [
        examiner.score(rows[index], said) - perfect[index]
        for index, said in _one_wrong(rows, asked, vocabulary_size, tries, rng)
    ]
    tokens = np.concatenate([row[slots] for row, slots in zip(rows, asked, strict=True)])
    commonest = np.bincount(tokens, minlength=vocabulary_size).argmax() if len(tokens) else 0
    one_word = [examiner.score(row, np.full_like(row, commonest)) for row in rows]
    faults = _faults(examiner, rows, asked, perfect, more, one_word, rng)
    return ObjectiveCheck(
        float(np.mean(perfect)),
        float(np.mean(perfect) + min(more, default=0.0)),
        float(np.mean(one_word)),
        tuple(faults),
    )


class _Examiner:
    """Puts answers to one loss."""

    def __init__(self, loss, vocabulary_size: int):
        self.loss = loss
        self.vocabulary_size = vocabulary_size
        self.weights = np.array(getattr(loss, "class_weights", None) or np.ones(vocabulary_size))
        self._alone: dict[int, float] = {}

    def asks(self, row: np.ndarray) -> np.ndarray:
        """Which slots teach anything: boolean, the shape of `row`."""
        return (row != IGNORED) & (self.weights[np.maximum(row, 0)] > 0)

    def logits(self, said: np.ndarray) -> np.ndarray:
        """Logits that say these tokens for sure, `IGNORED` as the first: `(1, U, V)`."""
        one_hot = np.zeros((1, len(said), self.vocabulary_size))
        np.put_along_axis(one_hot, np.maximum(said, 0)[None, :, None], 1.0, axis=-1)
        if isinstance(self.loss, MaskedTokenLoss):
            return self.loss.logits_of(self.loss.smooth(one_hot))
        return (_SURE_LOGIT * (2 * one_hot - 1)).astype(np.float32)

    def score(self, row: np.ndarray, said: np.ndarray) -> float:
        return self.value(row, self.logits(said))

    def value(self, row: np.ndarray, logits: np.ndarray) -> float:
        return float(ops.convert_to_numpy(self.loss(row[None], logits)))

    def alone(self, token: int) -> float:
        """What a perfect answer scores for a text of this one token."""
        if token not in self._alone:
            row = np.array([token], np.int32)
            self._alone[token] = self.score(row, row)
        return self._alone[token]


def _one_wrong(rows, asked, vocabulary_size: int, tries: int, rng: np.random.Generator):
    """Numbers of rows, each with its tokens of which one is wrong."""
    slots = [(index, slot) for index, found in enumerate(asked) for slot in found]
    wrong = vocabulary_size - 1
    for choice in rng.choice(len(slots) * wrong, min(tries, len(slots) * wrong), replace=False, shuffle=False):
        index, slot = slots[choice // wrong]
        said = rows[index].copy()
        said[slot] = (said[slot] + 1 + choice % wrong) % vocabulary_size
        yield index, said


def _faults(examiner: _Examiner, rows, asked, perfect, more, one_word, rng: np.random.Generator):
    """What is wrong with the loss, one line each, the most telling first."""
    if not np.all(np.isfinite([*perfect, *more, *one_word])):
        yield "it is no number for some answers"
        return
    scale = float(np.max(np.abs([*perfect, *more, *one_word])))
    for row, slots, value in zip(rows, asked, perfect, strict=True):
        alone = sum(examiner.alone(int(row[slot])) for slot in slots) / max(int(np.sum(row != IGNORED)), 1)
        if value > alone + _LEAST * scale:
            yield (
                f"a perfect answer scores badly, {value:.4g} for a text whose tokens score {alone:.4g} on their own; "
                "it mixes slots: is its axis that of the vocabulary?"
            )
            break
    if not more:
        yield "the targets ask nothing"
    elif min(more) <= 0:
        yield f"a wrong token scores no worse than the right one ({min(more):+.4g})"
    if any(other < value - _LEAST * scale for other, value in zip(one_word, perfect, strict=True)):
        yield "the commonest token everywhere scores better than a perfect answer"
    for row, value in zip(rows, perfect, strict=True):
        logits = examiner.logits(row)
        free = ~examiner.asks(row)
        logits[0, free] = rng.normal(0.0, _SURE_LOGIT, logits[0, free].shape)
        if abs(examiner.value(row, logits) - value) > _LEAST * scale:
            yield "what is said in slots that ask nothing changes it"
            break
