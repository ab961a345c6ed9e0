"""What a refiner hears where there is text and no audio."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_stt")
class NoAudio(keras.layers.Layer):
    """Zeros in place of audio steps: token ids `(B, S)` to `(B, S, dim)`."""

    def __init__(self, dim: int, **kwargs):
        super().__init__(**kwargs)
        self.dim = dim

    def call(self, token_ids):
        zeros = ops.zeros_like(token_ids, dtype=self.compute_dtype)
        return ops.repeat(zeros[..., None], self.dim, axis=-1)

    def compute_output_shape(self, token_ids_shape):
        return (*token_ids_shape, self.dim)

    def get_config(self):
        return {**super().get_config(), "dim": self.dim}
