"""The masked-token model: speech and a text with masked words in, the masked words out."""

import keras

from keras_stt import features
from keras_stt.layers import (
    AudioBlock,
    AudioPooling,
    CrossDomainBlock,
    Embedding,
    FeatureNormalization,
    UniformAttention,
    WordClock,
    normalization_layer,
    position_layer,
)

SECONDS_PER_WORD = 0.4  # in read speech: 150 words a minute
MOST_WORDS_PER_STEP = 0.9  # with which a word clock can begin, however long a step is


@keras.saving.register_keras_serializable("keras_stt")
class MaskedTokenModel(keras.Model):
    """A functional model that reads a window of speech and text and says the masked words.

    Inputs (a dict):
        `features`: log-mel frames `(B, T, mel_bands)`, `T <= audio_context * frames_per_step`.
        `feature_lengths`: valid frames `(B,)`.
        `token_ids`: `(B, text_context)`, with the vocabulary's `<mask>` where a word is to be said.
    Outputs (a dict):
        `tokens`: logits `(B, text_context, vocabulary)`.
        `attention`: where in the audio each word was found, `(B, text_context, steps)`; sums to one over the steps.

    Args:
        vocabulary: the tokens in the order of their ids, special ones first.
        text_context: words in a window.
        audio_context: audio steps in a window.
        audio_stride_ms: milliseconds between audio steps, a multiple of 10.
        audio_pooling: see `layers.AudioPooling`.
        audio_blocks, audio_mixer: blocks for audio alone, before it meets the text; see `layers.AudioBlock`.
        word_clock: whether text slots find their words by a clock that counts words; see `layers.WordClock`.
        model_dim, attention_heads, dropout, residual, attention_activation: of all blocks; see `layers.AudioBlock`.
        blocks: cross-domain blocks. 0 makes a model that does not listen, nor lets words see each other: text and its
            positions go straight to the output, and `attention` is the same on all valid steps.
        normalization: `none`, `layer` or `rms`: before every part of a block, of the audio that enters the blocks, and
            before the output.
        position: kind of positions, for text and audio; see `layers.POSITIONS`.
        relative_window: places to each side, for the kinds that have a window.
        mel_bands: of the log-mel frames.
        training: plain values the file should carry: flags, versions, WER reached.
    """

    def __init__(
        self,
        vocabulary: list[str],
        text_context: int = 8,
        audio_context: int = 128,
        audio_stride_ms: int = 60,
        audio_pooling: str = "conv",
        model_dim: int = 128,
        audio_blocks: int = 2,
        audio_mixer: str = "conv",
        blocks: int = 1,
        attention_heads: int = 4,
        dropout: float = 0.0,
        residual: bool = True,
        normalization: str = "rms",
        attention_activation: str = "none",
        position: str = "learned",
        relative_window: int = 16,
        word_clock: bool = True,
        mel_bands: int = features.MEL_BANDS,
        training: dict | None = None,
        name: str = "masked_token_model",
        **kwargs,
    ):
        step_seconds = audio_stride_ms / 1000
        stride = round(step_seconds / features.FRAME_SECONDS)
        frames = keras.Input((None, mel_bands), name="features")
        lengths = keras.Input((), dtype="int32", name="feature_lengths")
        tokens = keras.Input((text_context,), dtype="int32", name="token_ids")
        shared = {
            "dim": model_dim,
            "heads": attention_heads,
            "dropout": dropout,
            "residual": residual,
            "normalization": normalization,
            "attention_activation": attention_activation,
            "position": position,
            "relative_window": relative_window,
        }

        if blocks:
            pooling = AudioPooling(audio_pooling, stride, model_dim, name="audio_pooling")
            audio, steps = _pooled_audio(frames, lengths, pooling, audio_context, position, normalization)
            for i in range(audio_blocks):
                audio = AudioBlock(mixer=audio_mixer, **shared, name=f"audio_block_{i}")(audio, steps)
            clock = _clock(text_context, attention_heads, step_seconds)(audio, steps) if word_clock else None
        else:
            attention = UniformAttention(text_context, stride, name="uniform_attention")(frames, lengths)

        text = Embedding(len(vocabulary), model_dim, name="token_embedding")(tokens)
        text = position_layer(position, text_context, name="text_position")(text)
        for i in range(blocks):
            block = CrossDomainBlock(steps_per_word=SECONDS_PER_WORD / step_seconds, **shared, name=f"block_{i}")
            text, audio, attention = block(text, audio, steps, clock)
        text = normalization_layer(normalization, name="output_norm")(text)
        logits = keras.layers.Dense(len(vocabulary), dtype="float32", name="tokens")(text)
        super().__init__(
            inputs={"features": frames, "feature_lengths": lengths, "token_ids": tokens},
            outputs={"tokens": logits, "attention": attention},
            name=name,
            **kwargs,
        )
        self.vocabulary = list(vocabulary)
        self.text_context = text_context
        self.audio_context = audio_context
        self.audio_stride_ms = audio_stride_ms
        self.frames_per_step = stride
        self.audio_pooling = audio_pooling
        self.model_dim = model_dim
        self.audio_blocks = audio_blocks
        self.audio_mixer = audio_mixer
        self.blocks = blocks
        self.attention_heads = attention_heads
        self.dropout = dropout
        self.residual = residual
        self.normalization = normalization
        self.attention_activation = attention_activation
        self.position = position
        self.relative_window = relative_window
        self.word_clock = word_clock
        self.mel_bands = mel_bands
        self.training_record = dict(training or {})

    @property
    def audio_frames(self) -> int:
        """Log-mel frames in a whole window."""
        return self.audio_context * self.frames_per_step

    def get_config(self):
        return {
            "vocabulary": self.vocabulary,
            "text_context": self.text_context,
            "audio_context": self.audio_context,
            "audio_stride_ms": self.audio_stride_ms,
            "audio_pooling": self.audio_pooling,
            "model_dim": self.model_dim,
            "audio_blocks": self.audio_blocks,
            "audio_mixer": self.audio_mixer,
            "blocks": self.blocks,
            "attention_heads": self.attention_heads,
            "dropout": self.dropout,
            "residual": self.residual,
            "normalization": self.normalization,
            "attention_activation": self.attention_activation,
            "position": self.position,
            "relative_window": self.relative_window,
            "word_clock": self.word_clock,
            "mel_bands": self.mel_bands,
            "training": self.training_record,
            "name": self.name,
        }


def _pooled_audio(frames, lengths, pooling: AudioPooling, audio_context: int, position: str, normalization: str):
    """Log-mel frames as normalised audio steps `(B, T, dim)` that know their places, and their lengths `(B,)`."""
    audio = FeatureNormalization(dtype="float32", name="feature_normalization")(frames, lengths)
    audio, steps = pooling(audio, lengths)
    audio = position_layer(position, audio_context, name="audio_position")(audio, steps)
    return normalization_layer(normalization, name="audio_input_norm")(audio), steps


def _clock(slots: int, heads: int, step_seconds: float) -> WordClock:
    words_per_step = min(step_seconds / SECONDS_PER_WORD, MOST_WORDS_PER_STEP)
    return WordClock(slots, heads, words_per_step, dtype="float32", name="word_clock")
