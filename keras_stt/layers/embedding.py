"""Vectors of tokens."""

import keras
from keras import ops


# The name is Keras's too, by which the weights are found in files that were saved with Keras's own layer.
@keras.saving.register_keras_serializable("keras_stt")
class Embedding(keras.layers.Embedding):
    """Keras's embedding, whose gradient is one array on every backend.

    TensorFlow keeps the gradient of a lookup as a list of rows, in which a token stands once for every time it was
    looked up. Keras's optimizers square and clip these rows one by one, so that a token that comes often, such as the
    mask, would take larger steps there than it does on jax and torch.

    Call: token ids `(B, U)` to `(B, U, output_dim)`.
    """

    def call(self, inputs):
        # Behind a product, whose gradient is dense.
        vectors = ops.multiply(self.embeddings, 1.0)
        return ops.cast(ops.take(vectors, inputs, axis=0), self.compute_dtype)
