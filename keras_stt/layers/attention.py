"""Scaled dot-product attention in several heads, within one domain or across two."""

import keras
from keras import ops

from keras_stt.errors import InputError
from keras_stt.layers.positions import score_layer

MASKED_SCORE = -1e9


def padding_bias(valid, dtype):
    """`(B, 1, 1, T)` to add to attention scores: zero where `valid` `(B, T)`, `MASKED_SCORE` on padding."""
    return ops.expand_dims(ops.cast(ops.where(valid, 0.0, MASKED_SCORE), dtype), (1, 2))


def attention_activation(name: str):
    """An activation by its name in Keras; `none` is none.

    Raises:
        InputError: Keras has none of this name.
    """
    if name == "none":
        return None
    try:
        activation = keras.activations.get(name)
        kept = ops.shape(activation(ops.zeros((1, 4)))) == (1, 4)
    except (TypeError, ValueError):  # unknown, or in need of more arguments
        kept = False
    if not kept:
        raise InputError(f"attention activation {name!r}: give none or one of Keras that keeps the shape, like relu")
    return activation


@keras.saving.register_keras_serializable("keras_stt")
class MultiHeadAttention(keras.layers.Layer):
    """Every query looks at all keys and takes a weighted mean of their values (Vaswani et al., 2017).

    Unlike Keras's own layer it takes a bias on the scores, which relative positions need, and always returns the
    weights, from which word times are read. Keys and values come from one fused projection.

    Args:
        dim: width of queries, keys and output.
        heads: number of heads; divides `dim`.
        dropout: share of attention weights dropped in training.
        activation: of the output, by its name in Keras; `none`.
        position: kind of positions; those that act on scores act here, see `layers.positions`.
        relative_window: places to each side, for the kinds that have a window.

    Call: queries `(B, U, dim)`, memory `(B, T, dim)`, `bias` broadcastable to `(B, heads, U, T)`, for example
        `MASKED_SCORE` where memory is padding; `query_places`, `memory_places` and `memory_valid` as in
        `DotProductScores`. Returns `(B, U, dim)` and weights `(B, heads, U, T)`, which sum to one over the last axis.
        `mix` returns `(B, U, dim)` alone and keeps no weights, which a backend may do in one fused operation.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        dropout: float = 0.0,
        activation: str = "none",
        position: str = "none",
        relative_window: int = 16,
        **kwargs,
    ):
        # Places keep their float32 under mixed precision; all else is cast by the layers within.
        super().__init__(autocast=False, **kwargs)
        if dim % heads:
            raise ValueError(f"attention: {heads} heads do not divide a width of {dim}")
        self.dim, self.heads, self.dropout_rate, self.activation = dim, heads, dropout, activation
        self.position, self.relative_window = position, relative_window
        self.query = keras.layers.Dense(dim, name="query", dtype=self.dtype_policy)
        self.key_value = keras.layers.Dense(2 * dim, name="key_value", dtype=self.dtype_policy)
        self.output_projection = keras.layers.Dense(
            dim, activation=attention_activation(activation), name="output", dtype=self.dtype_policy
        )
        self.dropout = keras.layers.Dropout(dropout, name="dropout", dtype=self.dtype_policy)
        self.scores = score_layer(position, relative_window, name="scores", dtype=self.dtype_policy)

    def build(self, queries_shape, memory_shape):
        for layer, shape in (
            (self.query, queries_shape),
            (self.key_value, memory_shape),
            (self.output_projection, queries_shape),
        ):
            layer.build(shape)
        width = self.dim // self.heads
        self.scores.build(*((shape[0], self.heads, shape[1], width) for shape in (queries_shape, memory_shape)))

    def _split_heads(self, values):
        batch, length, width = ops.shape(values)
        values = ops.reshape(values, (batch, length, self.heads, width // self.heads))
        return ops.transpose(values, (0, 2, 1, 3))

    def call(
        self,
        queries,
        memory,
        bias=None,
        query_places=None,
        memory_places=None,
        memory_valid=None,
        training=None,
    ):
        query, key, value = self._projections(queries, memory)
        scores = self.scores(query, key, query_places, memory_places, memory_valid)
        if bias is not None:
            scores = scores + ops.cast(bias, scores.dtype)
        weights = ops.softmax(scores, axis=-1)
        mixed = ops.matmul(self.dropout(weights, training=training), value)
        return self._merged(mixed), weights

    def mix(self, queries, memory, bias=None, query_places=None, memory_places=None, memory_valid=None, training=None):
        if not self.scores.turns_alone or (training and self.dropout_rate):
            return self(queries, memory, bias, query_places, memory_places, memory_valid, training=training)[0]
        query, key, value = self._projections(queries, memory)
        query, key = self.scores.turned(query, query_places), self.scores.turned(key, memory_places)
        query, key, value = (ops.transpose(part, (0, 2, 1, 3)) for part in (query, key, value))
        bias = None if bias is None else ops.cast(bias, query.dtype)
        mixed = ops.dot_product_attention(query, key, value, bias=bias, scale=1.0)
        return self._merged(ops.transpose(mixed, (0, 2, 1, 3)))

    def _projections(self, queries, memory):
        """Query, already scaled, key and value, each `(B, heads, length, width)`."""
        query = self.query(queries) * (self.dim // self.heads) ** -0.5
        key, value = ops.split(self.key_value(memory), 2, axis=-1)
        return self._split_heads(query), self._split_heads(key), self._split_heads(value)

    def _merged(self, mixed):
        """The output for what heads found, `(B, heads, U, width)`."""
        batch, _, length, _ = ops.shape(mixed)
        return self.output_projection(ops.reshape(ops.transpose(mixed, (0, 2, 1, 3)), (batch, length, self.dim)))

    def compute_output_shape(self, queries_shape, memory_shape):
        return queries_shape, (queries_shape[0], self.heads, queries_shape[1], memory_shape[1])

    def get_config(self):
        config = {"dim": self.dim, "heads": self.heads, "dropout": self.dropout_rate, "activation": self.activation}
        config |= {"position": self.position, "relative_window": self.relative_window}
        return {**super().get_config(), **config}
