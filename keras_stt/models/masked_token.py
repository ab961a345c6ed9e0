"""The masked-token model: speech and a text with masked words in, the masked words out."""

import keras

from keras_stt import features
from keras_stt.layers import AudioBlock, AudioPooling, CrossDomainBlock, FeatureNormalization, WordClock, position_layer


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
        model_dim, blocks, attention_heads, dropout, residual: of the cross-domain blocks.
        position: kind of position layer, for text and audio.
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
        position: str = "learned",
        word_clock: bool = True,
        mel_bands: int = features.MEL_BANDS,
        training: dict | None = None,
        name: str = "masked_token_model",
        **kwargs,
    ):
        stride = round(audio_stride_ms / 1000 / features.FRAME_SECONDS)
        frames = keras.Input((None, mel_bands), name="features")
        lengths = keras.Input((), dtype="int32", name="feature_lengths")
        tokens = keras.Input((text_context,), dtype="int32", name="token_ids")

        audio = FeatureNormalization(dtype="float32", name="feature_normalization")(frames, lengths)
        audio, steps = AudioPooling(audio_pooling, stride, model_dim, name="audio_pooling")(audio, lengths)
        audio = position_layer(position, audio_context, name="audio_position")(audio)
        audio = keras.layers.RMSNormalization(epsilon=1e-5, name="audio_input_norm")(audio)

        for i in range(audio_blocks):
            block = AudioBlock(model_dim, attention_heads, dropout, residual, audio_mixer, name=f"audio_block_{i}")
            audio = block(audio, steps)
        clock = (
            WordClock(text_context, attention_heads, dtype="float32", name="word_clock")(audio, steps)
            if word_clock
            else None
        )

        text = keras.layers.Embedding(len(vocabulary), model_dim, name="token_embedding")(tokens)
        text = position_layer(position, text_context, name="text_position")(text)
        for i in range(blocks):
            block = CrossDomainBlock(model_dim, attention_heads, dropout, residual, name=f"block_{i}")
            text, audio, attention = block(text, audio, steps, clock)
        text = keras.layers.RMSNormalization(epsilon=1e-5, name="output_norm")(text)
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
        self.position = position
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
            "position": self.position,
            "word_clock": self.word_clock,
            "mel_bands": self.mel_bands,
            "training": self.training_record,
            "name": self.name,
        }
