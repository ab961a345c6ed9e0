"""Connectionist temporal classification, in nats for a token."""

import keras
from keras import ops

from keras_stt.layers.ctc_head import BLANK_ID


@keras.saving.register_keras_serializable("keras_stt")
class TokenCTC(keras.losses.Loss):
    """The CTC loss of a batch (Graves et al., 2006), divided by the tokens of a text as they are on average.

    So long texts weigh more than short ones, as they should, and the loss is a number that can be compared between
    batches and corpora. With `consistency`, rows 2i and 2i + 1 are two views of one utterance, and each is also asked
    to say in every step what the other says there: CR-CTC (Yao et al., "CR-CTC", 2025).

    Args:
        consistency: weight of the divergence of the two views; 0: rows have nothing to do with each other.

    Call: token ids `(B, U)`, padded with the blank, and logits `(B, T, tokens)` whose padded steps are sure blanks; see
        `layers.CTCHead`. Returns the loss of every row, `(B,)`.
    """

    def __init__(self, consistency: float = 0.0, name: str = "token_ctc", **kwargs):
        super().__init__(name=name, **kwargs)
        self.consistency = consistency

    def call(self, token_ids, logits):
        token_ids, logits = ops.cast(token_ids, "int32"), ops.cast(logits, "float32")
        counts = ops.sum(ops.cast(token_ids != BLANK_ID, "int32"), axis=-1)
        steps = ops.full_like(counts, ops.shape(logits)[1])
        nats = ops.ctc_loss(token_ids, logits, counts, steps, mask_index=BLANK_ID)
        if self.consistency:
            nats = nats + self.consistency * view_divergence(logits)
        return nats / ops.maximum(ops.mean(ops.cast(counts, "float32")), 1.0)

    def get_config(self):
        return {**super().get_config(), "consistency": self.consistency}


def view_divergence(logits):
    """How far row 2i is from what row 2i + 1 says, and the other way round: KL over all steps in nats, `(B,)`.

    Each row is drawn to the other, which stands still for it.
    """
    batch, steps, size = ops.shape(logits)
    pairs = ops.reshape(ops.log_softmax(logits, axis=-1), (batch // 2, 2, steps, size))
    others = ops.stop_gradient(ops.flip(pairs, axis=1))
    apart = ops.sum(ops.exp(others) * (others - pairs), axis=(2, 3))
    return ops.reshape(apart, (batch,))
