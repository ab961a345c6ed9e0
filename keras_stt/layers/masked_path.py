"""The draft as the refiner reads it: a path over the audio steps whose tokens are visible or masked."""

import keras
from keras import ops

from keras_stt.layers.ctc_head import BLANK_ID


@keras.saving.register_keras_serializable("keras_stt")
class MaskedPath(keras.layers.Layer):
    """CTC logits to the tokens of their best path, a mask wherever nothing is shown.

    A draft of CTC stands on its audio: every token has its steps, and the steps between are open slots in which a
    refiner may find a token that the draft missed. So text and audio share one axis, and insertions and deletions need
    no lengths (Chi et al., "Align-Refine", 2021). In training the draft is the model's own, mistakes included, and of
    its tokens a number drawn uniformly between none and all is shown, without replacement, so that the model learns to
    repair any draft and, all masked, to say everything. Otherwise tokens less sure than `threshold` are masked.

    Args:
        threshold: probability below which a token is masked when not training.
        all_masked: share of training drafts of which nothing is shown.
        seed: of the masks.

    Call: logits `(B, T, size)` to token ids `(B, T)`, `size` itself being the mask. No gradient passes.
    """

    def __init__(self, threshold: float = 0.0, all_masked: float = 0.1, seed: int | None = None, **kwargs):
        # Half precision would make ties of logits, and of a tie another token than greedy decoding says.
        super().__init__(autocast=False, **kwargs)
        self.threshold, self.all_masked, self.seed = threshold, all_masked, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, logits, training=None):
        logits = ops.stop_gradient(ops.cast(logits, "float32"))
        size = logits.shape[-1]
        # Of equals the first, as in greedy decoding. Keras's argmax of floats is nothing that ONNX can hold.
        path = ops.argmax(ops.cast(logits == ops.max(logits, axis=-1, keepdims=True), "int32"), axis=-1)
        if training:
            shown = self._drawn(path)
        else:
            sureness = ops.max(ops.softmax(logits, axis=-1), axis=-1)
            shown = sureness >= self.threshold
        return ops.where(ops.logical_and(shown, path != BLANK_ID), ops.cast(path, "int32"), size)

    def _drawn(self, path):
        """Which tokens are shown, `(B, T)`: all steps of a token share its fate."""
        batch, steps = ops.shape(path)
        before = ops.concatenate([ops.full_like(path[:, :1], -1), path[:, :-1]], axis=1)
        # Each token's draw is made at its first step and found again from its later ones.
        numbers = ops.cumsum(ops.cast(path != before, "int32"), axis=1) - 1
        draws = keras.random.uniform((batch, steps), seed=self.seed_generator)
        draws = ops.take_along_axis(draws, numbers, axis=1)
        share = keras.random.uniform((batch, 1), seed=self.seed_generator)
        none = keras.random.uniform((batch, 1), seed=self.seed_generator) < self.all_masked
        return draws < ops.where(none, 0.0, share)

    def compute_output_spec(self, logits, training=None):
        return keras.KerasTensor(logits.shape[:2], dtype="int32")

    def get_config(self):
        config = {"threshold": self.threshold, "all_masked": self.all_masked, "seed": self.seed}
        return {**super().get_config(), **config}
