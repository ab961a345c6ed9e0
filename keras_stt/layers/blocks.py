"""Residual blocks: audio alone, and text and audio that attend to each other."""

import keras
from keras import ops

from keras_stt.layers.attention import MultiHeadAttention, padding_bias
from keras_stt.layers.lengths import length_mask
from keras_stt.layers.normalization import normalization_layer
from keras_stt.layers.positions.places import slot_places

AUDIO_MIXERS = ("attention", "conv", "both")


@keras.saving.register_keras_serializable("keras_stt")
class FeedForward(keras.layers.Layer):
    """Two dense layers with ReLU between, `expansion` times as wide inside."""

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
        normalization: before each part: see `layers.normalization_layer`.
        attention_activation: of what attention found, by its name in Keras; `none`.
        position, relative_window: of the scores of attention, as in `MultiHeadAttention`.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        dropout: float = 0.0,
        residual: bool = True,
        normalization: str = "rms",
        attention_activation: str = "none",
        position: str = "none",
        relative_window: int = 16,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.dim, self.heads, self.dropout_rate, self.residual = dim, heads, dropout, residual
        self.normalization, self.attention_activation = normalization, attention_activation
        self.position, self.relative_window = position, relative_window
        self.dropout = keras.layers.Dropout(dropout, name="dropout", dtype=self.dtype_policy)

    def _add_attention(self, name):
        attention = MultiHeadAttention(
            self.dim,
            self.heads,
            self.dropout_rate,
            self.attention_activation,
            self.position,
            self.relative_window,
            name=name,
            dtype=self.dtype_policy,
        )
        self._add_part(attention)

    def _add_feed_forward(self, name):
        self._add_part(FeedForward(self.dim, 4, self.dropout_rate, name=name, dtype=self.dtype_policy))

    def _add_part(self, layer):
        norm = normalization_layer(self.normalization, name=f"{layer.name}_norm", dtype=self.dtype_policy)
        setattr(self, layer.name, layer)
        setattr(self, norm.name, norm)

    def _build_part(self, name, shape, memory_shape=None):
        getattr(self, f"{name}_norm").build(shape)
        getattr(self, name).build(*[shape, memory_shape] if memory_shape else [shape])

    def _attend(self, name, values, training, memory=None, **attention):
        """Adds what `values` find in `memory`, or in themselves; also returns the weights."""
        normed = getattr(self, f"{name}_norm")(values)
        memory = normed if memory is None else memory
        found, weights = getattr(self, name)(normed, memory, training=training, **attention)
        return self._add(values, found, training), weights

    def _mix(self, name, values, training, **attention):
        """Adds what `values` find in themselves, without the weights."""
        normed = getattr(self, f"{name}_norm")(values)
        return self._add(values, getattr(self, name).mix(normed, normed, training=training, **attention), training)

    def _feed(self, name, values, training):
        normed = getattr(self, f"{name}_norm")(values)
        return self._add(values, getattr(self, name)(normed, training=training), training)

    def _add(self, values, change, training):
        change = self.dropout(change, training=training)
        return values + change if self.residual else change

    def get_config(self):
        config = {"dim": self.dim, "heads": self.heads, "dropout": self.dropout_rate, "residual": self.residual}
        config |= {"normalization": self.normalization, "attention_activation": self.attention_activation}
        config |= {"position": self.position, "relative_window": self.relative_window}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable("keras_stt")
class AudioBlock(ResidualBlock):
    """Audio steps look at each other, then feed forward: audio `(B, T, dim)`, lengths `(B,)` to `(B, T, dim)`.

    Args:
        mixer: how they look: `attention` at all steps, `conv` at the `kernel` nearest (a plain convolution: sounds are
            local, and it learns their order at once where attention has to find it in the positions), `both`.
        kernel: steps.
        kwargs: as in `ResidualBlock`.
    """

    def __init__(self, dim: int, heads: int, mixer: str = "conv", kernel: int = 5, **kwargs):
        super().__init__(dim, heads, **kwargs)
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
        valid = length_mask(audio_lengths, ops.shape(audio)[1])
        if self.mixer != "conv":
            bias = padding_bias(valid, audio.dtype)
            audio = self._mix("attention", audio, training, bias=bias, memory_valid=valid)
        if self.mixer != "attention":
            # Padding must look like the zeros beyond the edge.
            seen = self.convolution_norm(audio) * ops.expand_dims(ops.cast(valid, audio.dtype), -1)
            local = ops.relu(self.convolution(seen))
            audio = self._add(audio, local, training)
        return self._feed("feed_forward", audio, training)

    def attention_weights(self, audio, audio_lengths):
        """Where each step looks when the block is called with these inputs, `(B, heads, T, T)`.

        Sums to one over the last axis. The call itself may use a fused operation that keeps no weights.

        Raises:
            ValueError: a block of convolutions alone.
        """
        if self.mixer == "conv":
            raise ValueError(f"{self.name}: a block of convolutions alone has no attention")
        valid = length_mask(audio_lengths, ops.shape(audio)[1])
        normed = self.attention_norm(audio)
        bias = padding_bias(valid, normed.dtype)
        return self.attention(normed, normed, bias=bias, memory_valid=valid, training=False)[1]

    def compute_output_shape(self, audio_shape, audio_lengths_shape=None):
        return audio_shape

    def get_config(self):
        return {**super().get_config(), "mixer": self.mixer, "kernel": self.kernel}


@keras.saving.register_keras_serializable("keras_stt")
class CrossDomainBlock(ResidualBlock):
    """Text and audio attend to themselves and to each other.

    In order: audio to audio, audio to text, audio feed-forward; text to text, text to audio, text feed-forward. Audio
    goes first, so that the text of the last block reads finished audio and no weight is idle.

    Args:
        steps_per_word: audio steps that a word takes. Where attention goes by places, text slot u and audio step t are
            compared as if the words of a window were all equally long; within text, slots are one apart.
        kwargs: as in `ResidualBlock`.

    Call: text `(B, U, dim)`, audio `(B, T, dim)`, audio lengths `(B,)` in steps, and optionally `clock`, a bias
        `(B, heads, U, T)` on where text looks. Returns text, audio and where text looked in the audio, `(B, U, T)` in
        float32: the mean of the heads, which sums to one over the steps.
    """

    def __init__(self, dim: int, heads: int, steps_per_word: float = 1.0, **kwargs):
        super().__init__(dim, heads, **kwargs)
        self.steps_per_word = steps_per_word
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
        valid = length_mask(audio_lengths, ops.shape(audio)[1])
        bias = padding_bias(valid, audio.dtype)
        slots = slot_places(ops.shape(text)[1], self.steps_per_word)
        audio, _ = self._attend("audio_self", audio, training, bias=bias, memory_valid=valid)
        audio, _ = self._attend("audio_cross", audio, training, text, memory_places=slots)
        audio = self._feed("audio_feed_forward", audio, training)
        text, _ = self._attend("text_self", text, training)
        bias = bias if clock is None else bias + clock
        text, weights = self._attend(
            "text_cross", text, training, audio, bias=bias, query_places=slots, memory_valid=valid
        )
        text = self._feed("text_feed_forward", text, training)
        return text, audio, ops.mean(ops.cast(weights, "float32"), axis=1)

    def compute_output_spec(self, text, audio, audio_lengths, clock=None, training=None):
        seen = keras.KerasTensor((text.shape[0], text.shape[1], audio.shape[1]), dtype="float32")
        return (
            keras.KerasTensor(text.shape, dtype=self.compute_dtype),
            keras.KerasTensor(audio.shape, dtype=self.compute_dtype),
            seen,
        )

    def get_config(self):
        return {**super().get_config(), "steps_per_word": self.steps_per_word}
