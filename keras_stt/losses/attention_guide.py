"""The loss that shows attention where known words are."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_stt")
class AttentionGuide(keras.losses.Loss):
    """Minus the logarithm of the attention that falls inside the word, averaged over each sample's words.

    Where word times are known, this tells each text slot where its word is heard; without it a model must find the
    alignment and the words at once, and sits on the commonest word until it has. How the attention spreads within the
    word stays free. Follows guided attention (Tachibana et al., 2018).

    `y_true`: first and one-past-last audio step of each word, `(B, U, 2)`; `(0, 0)` where unknown. `y_pred`:
    attention `(B, U, T)` that sums to one over `T`.
    """

    def __init__(self, name="attention_guide", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        first, stop = ops.split(ops.cast(y_true, y_pred.dtype), 2, axis=-1)
        steps = ops.cumsum(ops.ones_like(y_pred), axis=-1) - 1.0
        inside = ops.cast(ops.logical_and(steps >= first, steps < stop), y_pred.dtype)
        known = ops.cast(stop[..., 0] > first[..., 0], y_pred.dtype)
        missed = -ops.log(ops.sum(y_pred * inside, axis=-1) + 1e-4)
        return ops.sum(missed * known, axis=-1) / ops.maximum(ops.sum(known, axis=-1), 1.0)
