"""Scaled dot-product attention in several heads, within one domain or across two."""

import keras
from keras import ops

MASKED_SCORE = -1e9


@keras.saving.register_keras_serializable("keras_stt")
class MultiHeadAttention(keras.layers.Layer):
    """Every query looks at all keys and takes a weighted mean of their values (Vaswani et al., 2017).

    Unlike Keras's own layer it takes a bias on the scores, which relative positions need, and always returns the
    weights, from which word times are read. Keys and values come from one fused projection.

    Args:
        dim: width of queries, keys and output.
        heads: number of heads; divides `dim`.
        dropout: share of attention weights dropped in training.

    Call: queries `(B, U, dim)`, memory `(B, T, dim)`, `bias` broadcastable to `(B, heads, U, T)`, for example
        `MASKED_SCORE` where memory is padding. Returns `(B, U, dim)` and weights `(B, heads, U, T)`, which sum to one
        over the last axis.
    """

    def __init__(self, dim: int, heads: int, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        if dim % heads:
            raise ValueError(f"attention: {heads} heads do not divide a width of {dim}")
        self.dim, self.heads, self.dropout_rate = dim, heads, dropout
        self.query = keras.layers.Dense(dim, name="query", dtype=self.dtype_policy)
        self.key_value = keras.layers.Dense(2 * dim, name="key_value", dtype=self.dtype_policy)
        self.output_projection = keras.layers.Dense(dim, name="output", dtype=self.dtype_policy)
        self.dropout = keras.layers.Dropout(dropout, name="dropout", dtype=self.dtype_policy)

    def build(self, queries_shape, memory_shape):
        for layer, shape in (
            (self.query, queries_shape),
            (self.key_value, memory_shape),
            (self.output_projection, queries_shape),
        ):
            layer.build(shape)

    def _split_heads(self, values):
        batch, length, width = ops.shape(values)
        values = ops.reshape(values, (batch, length, self.heads, width // self.heads))
        return ops.transpose(values, (0, 2, 1, 3))

    def call(self, queries, memory, bias=None, training=None):
        query = self._split_heads(self.query(queries) * (self.dim // self.heads) ** -0.5)
        key, value = ops.split(self.key_value(memory), 2, axis=-1)
        scores = ops.matmul(query, ops.transpose(self._split_heads(key), (0, 1, 3, 2)))
        if bias is not None:
            scores = scores + ops.cast(bias, scores.dtype)
        weights = ops.softmax(scores, axis=-1)
        mixed = ops.matmul(self.dropout(weights, training=training), self._split_heads(value))
        batch, length, _ = ops.shape(queries)
        mixed = ops.reshape(ops.transpose(mixed, (0, 2, 1, 3)), (batch, length, self.dim))
        return self.output_projection(mixed), weights

    def compute_output_shape(self, queries_shape, memory_shape):
        return queries_shape, (queries_shape[0], self.heads, queries_shape[1], memory_shape[1])

    def get_config(self):
        config = {"dim": self.dim, "heads": self.heads, "dropout": self.dropout_rate}
        return {**super().get_config(), **config}
