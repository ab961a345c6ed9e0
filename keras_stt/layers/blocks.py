"""Residual blocks: audio alone, and text and audio that attend to each other."""

import keras
from keras import ops

from keras_stt.layers.attention import MASKED_SCORE, MultiHeadAttention
from keras_stt.layers.lengths import length_mask

AUDIO_MIXERS = ("attention", "conv", "both")


def padding_bias(lengths, size, dtype):
    """`(B, 1, 1, size)` to add to attention scores: zero on valid places, `MASKED_SCORE` on padding."""
    return ops.cast(ops.where(length_mask(lengths, size), 0.0, MASKED_SCORE), dtype)[:, None, None, :]


@keras.saving.register_keras_serializable("keras_stt")
class FeedForward(keras.layers.Layer):
    """Two dense layers with GELU between, `expansion` times as wide inside."""

    def __init__(self, dim: int, expansion: int = 4, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.dim, self.expansion, self.dropout_rate = dim, expansion, dropout
        self.inner = keras.layers.Dense(expansion * dim, activation="relu", name="inner", dtype=self.dtype_policy)
        self.outer = keras.layers.Dense(dim, name="outer", dtype=self.dtype_policy)
        self.dropout = keras.layers.Dropout(dropout, name="dropout", dtype=self.dtype_policy)

    def build(self, input_shape):
        self.inner.build(input_shape)
        self.outer.build((*input_shape[:-1], self.expansion * self.dim))

    def call(self, values, training=None):
        return self.outer(self.dropout(self.inner(values), training=training))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = {"dim": self.dim, "expansion": self.expansion, "dropout": self.dropout_rate}
        return {**super().get_config(), **config}


class ResidualBlock(keras.layers.Layer):
    """What both blocks share: parts with a normalisation before them (pre-norm) and a path around them.

    Args:
        dim, heads, dropout: as in `MultiHeadAttention`.
        residual: whether each part adds to its input or replaces it (the diary's D11).
    """

    def __init__(self, dim: int, heads: int, dropout: float = 0.0, residual: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.dim, self.heads, self.dropout_rate, self.residual = dim, heads, dropout, residual
        self.dropout = keras.layers.Dropout(dropout, name="dropout", dtype=self.dtype_policy)

    def _add_attention(self, name):
        self._add_part(MultiHeadAttention(self.dim, self.heads, self.dropout_rate, name=name, dtype=self.dtype_policy))

    def _add_feed_forward(self, name):
        self._add_part(FeedForward(self.dim, 4, self.dropout_rate, name=name, dtype=self.dtype_policy))

    def _add_part(self, layer):
        norm = keras.layers.RMSNormalization(epsilon=1e-5, name=f"{layer.name}_norm", dtype=self.dtype_policy)
        setattr(self, layer.name, layer)
        setattr(self, norm.name, norm)

    def _build_part(self, name, shape, memory_shape=None):
        getattr(self, f"{name}_norm").build(shape)
        getattr(self, name).build(*[shape, memory_shape] if memory_shape else [shape])

    def _attend(self, name, values, memory, bias, training):
        """Adds what `values` find in `memory`; `memory=None` is the values themselves."""
        normed = getattr(self, f"{name}_norm")(values)
        memory = normed if memory is None else memory
        found, weights = getattr(self, name)(normed, memory, bias=bias, training=training)
        return self._add(values, found, training), weights

    def _feed(self, name, values, training):
        normed = getattr(self, f"{name}_norm")(values)
        return self._add(values, getattr(self, name)(normed, training=training), training)

    def _add(self, values, change, training):
        change = self.dropout(change, training=training)
        return values + change if self.residual else change

    def get_config(self):
        config = {"dim": self.dim, "heads": self.heads, "dropout": self.dropout_rate, "residual": self.residual}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable("keras_stt")
class AudioBlock(ResidualBlock):
    """Audio steps look at each other, then feed forward: audio `(B, T, dim)`, lengths `(B,)` to `(B, T, dim)`.

    Args:
        mixer: how they look: `attention` at all steps, `conv` at the `kernel` nearest (a plain convolution: sounds are
            local, and it learns their order at once where attention has to find it in the positions), `both`.
        kernel: steps.
    """

    def __init__(self, dim, heads, dropout=0.0, residual=True, mixer: str = "conv", kernel: int = 5, **kwargs):
        super().__init__(dim, heads, dropout, residual, **kwargs)
        if mixer not in AUDIO_MIXERS:
            raise ValueError(f"audio mixer {mixer!r}: expected one of {', '.join(AUDIO_MIXERS)}")
        self.mixer, self.kernel = mixer, kernel
        if mixer != "conv":
            self._add_attention("attention")
        if mixer != "attention":
            convolution = keras.layers.Conv1D(dim, kernel, padding="same", name="convolution", dtype=self.dtype_policy)
            self._add_part(convolution)
        self._add_feed_forward("feed_forward")

    def build(self, audio_shape, audio_lengths_shape=None):
        if self.mixer != "conv":
            self._build_part("attention", audio_shape, audio_shape)
        if self.mixer != "attention":
            self._build_part("convolution", audio_shape)
        self._build_part("feed_forward", audio_shape)

    def call(self, audio, audio_lengths, training=None):
        steps = ops.shape(audio)[1]
        if self.mixer != "conv":
            bias = padding_bias(audio_lengths, steps, audio.dtype)
            audio, _ = self._attend("attention", audio, None, bias, training)
        if self.mixer != "attention":
            # Padding must look like the zeros beyond the edge.
            valid = ops.cast(length_mask(audio_lengths, steps), audio.dtype)[..., None]
            local = ops.relu(self.convolution(self.convolution_norm(audio) * valid))
            audio = self._add(audio, local, training)
        return self._feed("feed_forward", audio, training)

    def compute_output_shape(self, audio_shape, audio_lengths_shape=None):
        return audio_shape

    def get_config(self):
        return {**super().get_config(), "mixer": self.mixer, "kernel": self.kernel}


@keras.saving.register_keras_serializable("keras_stt")
class CrossDomainBlock(ResidualBlock):
    """Text and audio attend to themselves and to each other.

    In order: audio to audio, audio to text, audio feed-forward; text to text, text to audio, text feed-forward. Audio
    goes first, so that the text of the last block reads finished audio and no weight is idle.

    Call: text `(B, U, dim)`, audio `(B, T, dim)`, audio lengths `(B,)` in steps, and optionally `clock`, a bias
        `(B, heads, U, T)` on where text looks. Returns text, audio and where text looked in the audio, `(B, U, T)` in
        float32: the mean of the heads, which sums to one over the steps.
    """

    def __init__(self, dim: int, heads: int, dropout: float = 0.0, residual: bool = True, **kwargs):
        super().__init__(dim, heads, dropout, residual, **kwargs)
        for domain in ("audio", "text"):
            self._add_attention(f"{domain}_self")
            self._add_attention(f"{domain}_cross")
            self._add_feed_forward(f"{domain}_feed_forward")

    def build(self, text_shape, audio_shape, audio_lengths_shape=None, clock_shape=None):
        for domain, shape, other in (("audio", audio_shape, text_shape), ("text", text_shape, audio_shape)):
            self._build_part(f"{domain}_self", shape, shape)
            self._build_part(f"{domain}_cross", shape, other)
            self._build_part(f"{domain}_feed_forward", shape)

    def call(self, text, audio, audio_lengths, clock=None, training=None):
        bias = padding_bias(audio_lengths, ops.shape(audio)[1], audio.dtype)
        audio, _ = self._attend("audio_self", audio, None, bias, training)
        audio, _ = self._attend("audio_cross", audio, text, None, training)
        audio = self._feed("audio_feed_forward", audio, training)
        text, _ = self._attend("text_self", text, None, None, training)
        text, weights = self._attend("text_cross", text, audio, bias if clock is None else bias + clock, training)
        text = self._feed("text_feed_forward", text, training)
        return text, audio, ops.mean(ops.cast(weights, "float32"), axis=1)

    def compute_output_spec(self, text, audio, audio_lengths, clock=None, training=None):
        seen = keras.KerasTensor((text.shape[0], text.shape[1], audio.shape[1]), dtype="float32")
        return (
            keras.KerasTensor(text.shape, dtype=self.compute_dtype),
            keras.KerasTensor(audio.shape, dtype=self.compute_dtype),
            seen,
        )
