"""Audio steps to the logits of connectionist temporal classification."""

import keras
from keras import ops

from keras_stt.layers.lengths import length_mask

BLANK_ID = 0
NEVER = -1e4  # a logit whose probability is zero in float32


@keras.saving.register_keras_serializable("keras_stt")
class CTCHead(keras.layers.Layer):
    """Logits of every token at every step, and sure blanks on padding.

    Keras's CTC loss and decoders that take the padded length for the length of every row give, on sure blanks, what
    they would give on the rows alone (Graves et al., 2006).

    Args:
        size: tokens, the blank (id 0) among them.

    Call: audio `(B, T, dim)` and lengths `(B,)` in steps to logits `(B, T, size)` in float32.
    """

    def __init__(self, size: int, **kwargs):
        super().__init__(**kwargs)
        self.size = size
        self.project = keras.layers.Dense(size, name="project", dtype=self.dtype_policy)

    def build(self, audio_shape, lengths_shape=None):
        self.project.build(audio_shape)

    def call(self, audio, lengths):
        logits = ops.cast(self.project(audio), "float32")
        valid = ops.expand_dims(length_mask(lengths, ops.shape(audio)[1]), -1)
        sure_blank = ops.where(ops.arange(self.size) == BLANK_ID, 0.0, NEVER)
        return ops.where(valid, logits, ops.cast(sure_blank, "float32"))

    def compute_output_spec(self, audio, lengths):
        return keras.KerasTensor((*audio.shape[:2], self.size), dtype="float32")

    def get_config(self):
        return {**super().get_config(), "size": self.size}
