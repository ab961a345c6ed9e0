"""What training minimises. A target of `IGNORED` asks nothing."""

import keras
from keras import ops

from keras_stt.masking import IGNORED


@keras.saving.register_keras_serializable("keras_stt")
class MaskedTokenCrossentropy(keras.losses.Loss):
    """Cross entropy on the tokens the model must say, in nats per token, averaged over each sample's targets.

    `y_true`: ids `(B, U)`, `IGNORED` where the token was visible. `y_pred`: logits `(B, U, V)`.
    """

    def __init__(self, name="masked_token_crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        asked = ops.cast(ops.not_equal(y_true, IGNORED), y_pred.dtype)
        ids = ops.maximum(ops.cast(y_true, "int32"), 0)
        nats = ops.sparse_categorical_crossentropy(ids, y_pred, from_logits=True)
        return ops.sum(nats * asked, axis=-1) / ops.maximum(ops.sum(asked, axis=-1), 1.0)


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
