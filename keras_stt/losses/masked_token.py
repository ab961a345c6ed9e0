"""Losses on the tokens a model must say. A target of `IGNORED` asks nothing.

All take `y_true`, ids `(B, U)`, `IGNORED` where the token was visible, and `y_pred`, logits `(B, U, V)`, and average
over each sample's asked tokens. What they differ in is how one slot is scored.
"""

import keras
import numpy as np
from keras import ops

from keras_stt.errors import InputError
from keras_stt.masking import IGNORED

FOCAL_GAMMA = 2.0  # the best of Lin et al. (2017)
SURE = 1e-12  # the least probability that is put into logits


class MaskedTokenLoss(keras.losses.Loss):
    """The mean over each sample's asked tokens of what a subclass scores a slot with.

    A sample's loss is `sum(weight * score) / asked slots`, not divided by the weights: a sample that asks for one
    token alone (`--task=last_word`) would otherwise not feel how much that token weighs.

    Args:
        label_smoothing: share of a target that is spread over all tokens alike, at least 0 and below 1.
        class_weights: `V` weights by target token, or None for equal ones; see `losses.class_weights`. A target of
            weight 0 teaches nothing.
        focal_gamma: weighs a slot with its distance from the target to this power, so that tokens said well count
            little; 0 weighs all alike. The distance is half the sum of absolute differences of probabilities:
            without smoothing, 1 - p of the target token, so that cross entropy becomes the focal loss (Lin et al.,
            2017); with it, zero at the smoothed target, as in the quality focal loss (Li et al., 2020).

    Raises:
        InputError: an argument outside its range, or class weights that are not as many as the logits.
    """

    def __init__(self, label_smoothing=0.0, class_weights=None, focal_gamma=0.0, name="masked_token", **kwargs):
        super().__init__(name=name, **kwargs)
        if not 0 <= label_smoothing < 1:
            raise InputError(f"label smoothing: {label_smoothing} is not at least 0 and below 1")
        if focal_gamma != 0 and not focal_gamma >= 1:
            raise InputError(f"focal gamma: {focal_gamma} is neither 0 nor at least 1; try {FOCAL_GAMMA}")
        if class_weights is not None and not all(0 <= weight < np.inf for weight in class_weights):
            raise InputError("class weights: one is negative or no number")
        self.label_smoothing = float(label_smoothing)
        self.class_weights = None if class_weights is None else [float(weight) for weight in class_weights]
        self.focal_gamma = float(focal_gamma)

    def call(self, y_true, y_pred):
        asked = ops.not_equal(y_true, IGNORED)
        ids = ops.maximum(ops.cast(y_true, "int32"), 0)
        scores = self.score(ids, y_pred)
        if self.class_weights is not None:
            if len(self.class_weights) != y_pred.shape[-1]:
                raise InputError(
                    f"class weights: {len(self.class_weights)} for {y_pred.shape[-1]} tokens; give one each"
                )
            scores = scores * ops.take(ops.convert_to_tensor(self.class_weights, y_pred.dtype), ids)
        scores = ops.where(asked, scores, ops.zeros_like(scores))
        return ops.sum(scores, axis=-1) / ops.maximum(ops.sum(ops.cast(asked, y_pred.dtype), axis=-1), 1.0)

    def score(self, ids, logits):
        """Loss of every slot, `(B, U)`, for target `ids`, `(B, U)`, none of them `IGNORED`."""
        raise NotImplementedError

    def smooth(self, probabilities):
        """Probabilities `(..., V)` of which the share `label_smoothing` is spread over all tokens."""
        return probabilities * (1.0 - self.label_smoothing) + self.label_smoothing / probabilities.shape[-1]

    def logits_of(self, probabilities: np.ndarray) -> np.ndarray:
        """The logits, float32 `(..., V)`, with which a model says these probabilities to this loss."""
        return np.log(np.maximum(probabilities, SURE)).astype(np.float32)

    def get_config(self):
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
            "class_weights": self.class_weights,
            "focal_gamma": self.focal_gamma,
        }

    def _target(self, ids, logits):
        return self.smooth(ops.one_hot(ids, logits.shape[-1], dtype=logits.dtype))

    def _focus(self, scores, distance):
        return scores * ops.power(distance, self.focal_gamma) if self.focal_gamma else scores


def _distance(target, probabilities):
    return 0.5 * ops.sum(ops.abs(target - probabilities), axis=-1)


@keras.saving.register_keras_serializable("keras_stt")
class MaskedTokenCrossentropy(MaskedTokenLoss):
    """Cross entropy in nats per token. The one to train with: a sure mistake costs without bound.

    Unsmoothed it takes the sparse way, focal or not: no one-hot target as wide as the vocabulary.
    """

    def score(self, ids, logits):
        if not self.label_smoothing:
            nats = ops.sparse_categorical_crossentropy(ids, logits, from_logits=True)
            return self._focus(nats, ops.maximum(-ops.expm1(-nats), 0.0))  # 1 - p, exact where p is almost one
        target = self._target(ids, logits)
        nats = ops.categorical_crossentropy(target, logits, from_logits=True)
        return self._focus(nats, _distance(target, ops.softmax(logits)))


@keras.saving.register_keras_serializable("keras_stt")
class MaskedTokenSquaredError(MaskedTokenLoss):
    """Squared error between softmax and one-hot target, averaged over the vocabulary: Keras's "mse" on a softmax.

    Why it collapses (the diary's D17): its best constant answer is the mean target, the frequencies of the words, and
    once there little pulls away. The gradient at the logits is that of the probabilities times p (1 - p), next to
    nothing for a rare word whose probability is small, and the mean over the vocabulary divides it by `V` again.
    """

    def score(self, ids, logits):
        target, probabilities = self._target(ids, logits), ops.softmax(logits)
        return self._focus(keras.losses.mean_squared_error(target, probabilities), _distance(target, probabilities))


@keras.saving.register_keras_serializable("keras_stt")
class MaskedTokenBinaryCrossentropy(MaskedTokenLoss):
    """Every word of the vocabulary as a yes or no of its own, in nats averaged over the vocabulary.

    Why it collapses (D18): of `V` questions `V - 1` are answered no, so saying a faint yes to common words and no to
    all others costs next to nothing, and the one question that matters is a `V`th of the loss. Words do not compete,
    as they do in a softmax: nothing that is learned about one tells the others.

    The focal weight is of each question, as Lin et al. (2017) have it: with one for the slot, a yes to all words
    would score like the right answer. Smoothing spreads its share over all tokens as in the other losses; Keras's own
    would push every no towards one half.
    """

    def score(self, ids, logits):
        target = self._target(ids, logits)
        nats = ops.binary_crossentropy(target, logits, from_logits=True)
        return ops.mean(self._focus(nats, ops.abs(target - ops.sigmoid(logits))), axis=-1)

    def logits_of(self, probabilities):
        probabilities = np.clip(np.asarray(probabilities, np.float64), SURE, 1.0 - SURE)
        return (np.log(probabilities) - np.log1p(-probabilities)).astype(np.float32)


_CLASSES = {
    "crossentropy": MaskedTokenCrossentropy,
    "mse": MaskedTokenSquaredError,
    "binary_crossentropy": MaskedTokenBinaryCrossentropy,
    "focal": MaskedTokenCrossentropy,
}
TOKEN_LOSSES = tuple(_CLASSES)


def token_loss(
    kind: str, label_smoothing: float = 0.0, class_weights: list[float] | None = None, focal: bool = False
) -> MaskedTokenLoss:
    """The loss of that name, one of `TOKEN_LOSSES`; the other arguments as `MaskedTokenLoss` takes them.

    Args:
        focal: weigh each slot by how badly it is said, with `FOCAL_GAMMA`; the kind `focal` is cross entropy so.

    Raises:
        InputError: no such kind, or an argument outside its range.
    """
    if kind not in _CLASSES:
        raise InputError(f"loss: {kind!r} is not one of {', '.join(TOKEN_LOSSES)}")
    gamma = FOCAL_GAMMA if focal or kind == "focal" else 0.0
    return _CLASSES[kind](label_smoothing, class_weights, gamma)
