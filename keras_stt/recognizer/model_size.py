"""How many weights a config asks for at least, counted without building anything."""

from keras_stt.layers.pooling import split_stride

_FEED_FORWARD = 8  # times the width squared: two layers, four times as wide between them
_ATTENTION = 4  # query, key, value, output
_CROSS_BLOCK = 2 * (_FEED_FORWARD + 2 * _ATTENTION)
_FRAME_MS = 10


def least_window_values(config: dict) -> int:
    """Of a `MaskedTokenModel`: at most the number of its weights, and not much less.

    Args:
        config: all arguments of the model.
    """
    dim, blocks = config["model_dim"], config["blocks"]
    learned = dim if config["position"] == "learned" else 0
    values = 2 * len(config["vocabulary"]) * dim + learned * config["text_context"]
    if not blocks:
        return values
    values += _pooling(config["audio_pooling"], config["audio_stride_ms"] // _FRAME_MS, config["mel_bands"], dim)
    values += learned * config["audio_context"]
    values += (blocks * _CROSS_BLOCK + config["audio_blocks"] * _FEED_FORWARD) * dim**2
    if config["position"] == "relative":  # each attention has a table
        values += 4 * blocks * config["relative_window"] * (dim // max(1, config["attention_heads"]))
    return values


def least_utterance_values(config: dict) -> int:
    """Of an `UtteranceModel`: at most the number of its weights, and not much less.

    Args:
        config: all arguments of the model.
    """
    dim, count = config["model_dim"], config["audio_blocks"]
    heads = 1 + bool(config["middle_ctc"]) + 2 * bool(config["refiner_blocks"])
    values = (heads * config["token_count"] + len(config["phones"])) * dim
    values += _pooling("conv", config["subsampling"], config["mel_bands"], dim)
    parts = [
        (count // 2, config["audio_mixer"]),
        (count - count // 2, config["audio_mixer"]),
        (config["refiner_blocks"], config["refiner_mixer"]),
    ]
    return values + sum(_mixing(blocks, mixer, config["mixer_kernel"]) for blocks, mixer in parts) * dim**2


def _mixing(blocks: int, mixer: str, kernel: int) -> int:
    """Of blocks whose mixers take turns, in widths squared."""
    mixers = mixer.split(",")
    turns = [mixers[i % len(mixers)] for i in range(blocks)]
    convolutions, attentions = (sum(turn in (kind, "both") for turn in turns) for kind in ("conv", "attention"))
    return _FEED_FORWARD * blocks + kernel * convolutions + _ATTENTION * attentions


def _pooling(method: str, stride: int, bands: int, dim: int) -> int:
    if method != "conv":
        return bands * dim * (stride if method == "stack" else 1)
    first, rest = split_stride(stride)  # the kernels are as long at least
    hidden = max(1, dim // 2)
    return first * bands * hidden + rest * hidden * dim
