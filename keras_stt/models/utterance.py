"""The utterance model: speech of any length in, a draft and its refinement out."""

import functools

import keras

from keras_stt import features
from keras_stt.layers import (
    AudioBlock,
    AudioPooling,
    CTCHead,
    Embedding,
    FeatureNormalization,
    MaskedPath,
    NoAudio,
    normalization_layer,
)

SURE = 0.9  # tokens of a draft less probable than this are masked when it is refined


@keras.saving.register_keras_serializable("keras_stt")
class UtteranceModel(keras.Model):
    """A functional model that hears a whole utterance, drafts its text, and refines the draft.

    The encoder turns speech into audio steps and, by CTC (Graves et al., 2006), into a draft. The refiner reads both:
    the audio steps and, on them, the tokens of the draft of which some are masked (see `layers.MaskedPath`), and says
    the whole text, again by CTC over the same steps.

    Inputs (a dict):
        `features`: log-mel frames `(B, T, mel_bands)`, zero where padded.
        `feature_lengths`: valid frames `(B,)`.
        `text_path`, `text_steps`: `(B', S')` and `(B',)`, texts without audio on paths, where the model reads such.
    Outputs (a dict), logits over steps `T / subsampling`, padded steps being sure blanks:
        `draft`: `(B, S, tokens)` of the encoder.
        `refined`: `(B, S, tokens)` of the refiner, where there is one.
        `middle`: `(B, S, tokens)` of the encoder's middle, where asked for.
        `phones`: `(B, S, phones)`, which phone sounds in a step, where asked for.
        `text`: `(B', S', tokens)` of the refiner, from text alone.

    Args:
        tokens: config of `keras_stt.tokens`, with which text is written.
        token_count: tokens with the blank, `Tokens.size`.
        subsampling: frames of 10 ms in an audio step.
        model_dim, attention_heads, dropout, position, normalization: of all blocks; see `layers.AudioBlock`.
        audio_blocks, mixer_kernel: blocks of the encoder, and over how many steps a convolution in them hears.
        audio_mixer: how steps look at each other in a block, or in several in turn (`conv,conv,both`): convolutions
            are cheap, attention is not. The turns begin anew in each half of the encoder.
        middle_ctc: whether a CTC head listens halfway (Lee and Watanabe, 2021), and what it says goes back in
            (self-conditioning: Nozaki and Komatsu, 2021).
        phones: names of the phones that are told apart halfway; none: no such head.
        refiner_blocks: 0: no refiner.
        refiner_mixer: as `audio_mixer`, of the refiner's blocks.
        reads_text: whether the refiner is also given texts without audio, as in training with a text corpus.
        mel_bands: of the log-mel frames.
        training: plain values the file should carry: flags, versions, WER reached.

    Attributes:
        encoder: `features`, `feature_lengths` to `audio` `(B, S, dim)`, `steps` `(B,)` and the encoder's heads.
        refiner: `audio`, `steps` and `path` `(B, S)` to the refined logits; None where there is none.
    """

    def __init__(
        self,
        tokens: dict,
        token_count: int,
        subsampling: int = 4,
        model_dim: int = 256,
        audio_blocks: int = 6,
        audio_mixer: str = "both",
        mixer_kernel: int = 5,
        attention_heads: int = 4,
        dropout: float = 0.0,
        position: str = "rotary",
        normalization: str = "rms",
        middle_ctc: bool = True,
        phones: list[str] | tuple[str, ...] = (),
        refiner_blocks: int = 2,
        refiner_mixer: str = "conv",
        reads_text: bool = False,
        mel_bands: int = features.MEL_BANDS,
        training: dict | None = None,
        name: str = "utterance_model",
        **kwargs,
    ):
        config = {
            "tokens": tokens,
            "token_count": token_count,
            "subsampling": subsampling,
            "model_dim": model_dim,
            "audio_blocks": audio_blocks,
            "audio_mixer": audio_mixer,
            "mixer_kernel": mixer_kernel,
            "attention_heads": attention_heads,
            "dropout": dropout,
            "position": position,
            "normalization": normalization,
            "middle_ctc": middle_ctc,
            "phones": list(phones),
            "refiner_blocks": refiner_blocks,
            "refiner_mixer": refiner_mixer,
            "reads_text": reads_text,
            "mel_bands": mel_bands,
        }
        encoder = _encoder(config)
        refiner = _refiner(config) if refiner_blocks else None
        inputs = {
            "features": keras.Input((None, mel_bands), name="features"),
            "feature_lengths": keras.Input((), dtype="int32", name="feature_lengths"),
        }
        heard = encoder(dict(inputs))
        outputs = {name: heard[name] for name in ("draft", "middle", "phones") if name in heard}
        if refiner is not None:
            path = MaskedPath(SURE, name="masked_path")(heard["draft"])
            outputs["refined"] = refiner({"audio": heard["audio"], "steps": heard["steps"], "path": path})
            if reads_text:
                inputs["text_path"] = keras.Input((None,), dtype="int32", name="text_path")
                inputs["text_steps"] = keras.Input((), dtype="int32", name="text_steps")
                silence = NoAudio(model_dim, name="no_audio")(inputs["text_path"])
                read = {"audio": silence, "steps": inputs["text_steps"], "path": inputs["text_path"]}
                outputs["text"] = refiner(read)
        super().__init__(inputs, outputs, name=name, **kwargs)
        self.encoder, self.refiner = encoder, refiner
        self.config = config
        self.training_record = dict(training or {})
        # Behind a function, so that saving does not find the weights once more.
        self.decoder = functools.lru_cache(self._decoder)

    def _decoder(self, passes: int) -> keras.Model:
        """One graph from the model's inputs to `draft` and, with passes and a refiner, `refined` after the last."""
        inputs = {name: self.input[name] for name in ("features", "feature_lengths")}
        heard = self.encoder(inputs)
        outputs = {"draft": heard["draft"]}
        said = heard["draft"]
        for number in range(passes if self.refiner else 0):
            path = MaskedPath(SURE, name=f"path_{number}")(said)
            said = outputs["refined"] = self.refiner({"audio": heard["audio"], "steps": heard["steps"], "path": path})
        return keras.Model(inputs, outputs, name=f"decoder_{passes}")

    @property
    def mel_bands(self) -> int:
        return self.config["mel_bands"]

    @property
    def frames_per_step(self) -> int:
        """Log-mel frames in an audio step."""
        return self.config["subsampling"]

    @property
    def step_seconds(self) -> float:
        """Seconds between two audio steps."""
        return self.frames_per_step * features.FRAME_SECONDS

    def get_config(self):
        return {**self.config, "training": self.training_record, "name": self.name}


def _blocks(config: dict, count: int, name: str, audio, steps, mixer: str):
    """The audio after `count` blocks."""
    mixers = mixer.split(",")
    for i in range(count):
        audio = AudioBlock(
            config["model_dim"],
            config["attention_heads"],
            mixer=mixers[i % len(mixers)],
            kernel=config["mixer_kernel"],
            dropout=config["dropout"],
            position=config["position"],
            normalization=config["normalization"],
            name=f"{name}_{i}",
        )(audio, steps)
    return audio


def _encoder(config: dict) -> keras.Model:
    frames = keras.Input((None, config["mel_bands"]), name="features")
    lengths = keras.Input((), dtype="int32", name="feature_lengths")
    dim, norm, middle = config["model_dim"], config["normalization"], config["audio_blocks"] // 2
    audio = FeatureNormalization(dtype="float32", name="feature_normalization")(frames, lengths)
    audio, steps = AudioPooling("conv", config["subsampling"], dim, name="subsampling")(audio, lengths)
    audio = keras.layers.Dense(dim, name="audio_input")(audio)
    outputs = {}
    audio = _blocks(config, middle, "lower_block", audio, steps, config["audio_mixer"])
    if config["phones"] or config["middle_ctc"]:
        normed = normalization_layer(norm, name="middle_norm")(audio)
    if config["phones"]:
        outputs["phones"] = keras.layers.Dense(len(config["phones"]), dtype="float32", name="phones")(normed)
    if config["middle_ctc"]:
        outputs["middle"] = CTCHead(config["token_count"], name="middle")(normed, steps)
        said = keras.layers.Softmax(name="middle_posteriors")(outputs["middle"])
        audio = keras.layers.Add(name="self_conditioned")([audio, keras.layers.Dense(dim, name="said_halfway")(said)])
    audio = _blocks(config, config["audio_blocks"] - middle, "upper_block", audio, steps, config["audio_mixer"])
    outputs["audio"] = normalization_layer(norm, name="audio_norm")(audio)
    outputs["draft"] = CTCHead(config["token_count"], name="draft")(outputs["audio"], steps)
    outputs["steps"] = steps
    return keras.Model({"features": frames, "feature_lengths": lengths}, outputs, name="encoder")


def _refiner(config: dict) -> keras.Model:
    dim = config["model_dim"]
    audio = keras.Input((None, dim), name="audio")
    steps = keras.Input((), dtype="int32", name="steps")
    path = keras.Input((None,), dtype="int32", name="path")
    text = Embedding(config["token_count"] + 1, dim, name="token_embedding")(path)
    both = keras.layers.Add(name="text_on_audio")([audio, text])
    both = _blocks(config, config["refiner_blocks"], "refiner_block", both, steps, config["refiner_mixer"])
    both = normalization_layer(config["normalization"], name="refined_norm")(both)
    refined = CTCHead(config["token_count"], name="refined")(both, steps)
    return keras.Model({"audio": audio, "steps": steps, "path": path}, refined, name="refiner")
