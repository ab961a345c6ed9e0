"""What values the training flags may have: each by itself, from tables of bounds; then those that depend on others."""

import math

from keras_stt.data.windows import PAD_SIDES, PAD_TOKENS
from keras_stt.errors import FlagError, InputError
from keras_stt.layers import AUDIO_MIXERS, NORMALIZATIONS, POOLINGS, POSITIONS, attention_activation
from keras_stt.layers.positions.value_position import NoPosition
from keras_stt.losses import CLASS_WEIGHTINGS, TOKEN_LOSSES
from keras_stt.masking import MASK_SCHEDULES, TASKS
from keras_stt.text import SPECIAL_TOKENS
from keras_stt.tokens import KINDS
from keras_stt.train.optimizers import OPTIMIZERS, SCHEDULES

TOKENS_OF_WARM_START = "warm_start"  # of --tokens: those of the model that training begins with

VIEWS = ("window", "utterance")  # modules of keras_stt.train, see views.py
KEPT = ("best", "last")
UTTERANCE_POSITIONS = tuple(name for name, kind in POSITIONS.items() if kind.values is NoPosition)
SUBSAMPLINGS = (2, 4, 6, 8)
DISTRIBUTIONS = ("none", "data", "model")
PRECISIONS = ("float32", "mixed_bfloat16")
MOST_RETRIES = 20  # a millionth of the rate
MOST_MEL_BANDS = 128  # with more, the lowest bands hold no frequency of a 25 ms window

_CHOICES = {
    "view": VIEWS,
    "pad_token": PAD_TOKENS,
    "pad_side": PAD_SIDES,
    "task": TASKS,
    "mask_schedule": MASK_SCHEDULES,
    "audio_pooling": POOLINGS,
    "normalization": NORMALIZATIONS,
    "position": tuple(POSITIONS),
    "loss": TOKEN_LOSSES,
    "class_weighting": CLASS_WEIGHTINGS,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "keep": KEPT,
    "tokens": (*KINDS, TOKENS_OF_WARM_START),
    "precision": PRECISIONS,
    "distribution": DISTRIBUTIONS,
}
_POSITIVE = (
    *("text_context", "audio_context", "text_stride", "audio_stride_ms", "mel_bands"),
    *("model_dim", "attention_heads", "relative_window", "batch_size", "epochs", "hop_ms"),
    *("token_count", "mixer_kernel", "frequency_mask_bands", "keep_checkpoints"),
    *("model_shards", "batch_multiple"),
)
_NOT_NEGATIVE = (
    *("vocabulary_size", "max_utterances", "pad_weight", "audio_blocks", "blocks", "steps_per_epoch", "budget_cpu_s"),
    *("checkpoint_steps", "nan_retries", "num_processes", "cpu_devices"),
    *("overfit_batches", "warmup_steps", "weight_decay", "clip_norm", "attention_guide", "noise", "time_masks"),
    *(
        "frequency_masks",
        "test_utterances",
        "seed",
        "passes",
        "max_seconds",
        "train_hours",
        "short_first_epochs",
        "middle_weight",
    ),
    *(
        "phone_weight",
        "known_phones_steps",
        "refiner_blocks",
        "refiner_weight",
        "consistency",
        "gain",
        "text_share",
        "text_weight",
    ),
)
_SHARES = ("mask_from", "mask_to", "window_jitter", "telephone", "max_skipped_share")
_SHARES_BELOW_ONE = (
    *("dropout", "label_smoothing", "tempo", "vocal_tract", "weight_average", "time_mask_ratio", "speed"),
)


def require_sense(options) -> None:
    """Raises FlagError, with the flag's name, where `TrainOptions` make no sense, alone or together."""
    _require_choices(options)
    _require_bounds(options)
    _require_model(options)
    _require_run(options)
    (_require_window if options.view == "window" else _require_utterance)(options)


def _require_choices(options) -> None:
    for name, choices in _CHOICES.items():
        if getattr(options, name) not in choices:
            raise FlagError(name, f"{getattr(options, name)!r} is not one of {', '.join(choices)}")


def _require_bounds(options) -> None:
    _require_mixers(
        "audio_mixer", options.audio_mixer.split(",") if options.view == "utterance" else [options.audio_mixer]
    )
    _require_mixers("refiner_mixer", options.refiner_mixer.split(","))
    for name in _POSITIVE:
        if getattr(options, name) < 1:
            raise FlagError(name, f"{getattr(options, name)} is too small; give at least 1")
    for name in _NOT_NEGATIVE:
        if not 0 <= getattr(options, name) < math.inf:
            raise FlagError(name, f"{getattr(options, name)} is no number from 0 up; give 0 or more")
    for name in _SHARES:
        if not 0 <= getattr(options, name) <= 1:
            raise FlagError(name, f"{getattr(options, name)} is not a share between 0 and 1")
    for name in _SHARES_BELOW_ONE:
        if not 0 <= getattr(options, name) < 1:
            raise FlagError(name, f"{getattr(options, name)} is not at least 0 and below 1")
    if options.nan_retries > MOST_RETRIES:
        raise FlagError("nan_retries", f"{options.nan_retries} leave no rate to learn with; at most {MOST_RETRIES}")
    if options.mel_bands > MOST_MEL_BANDS:
        raise FlagError(
            "mel_bands", f"{options.mel_bands} are too narrow for a window of 25 ms; at most {MOST_MEL_BANDS}"
        )
    if not 0 < options.learning_rate < math.inf:
        raise FlagError("learning_rate", f"{options.learning_rate} is no number above 0; try 0.002")


def _require_mixers(flag: str, mixers: list[str]) -> None:
    for mixer in mixers:
        if mixer not in AUDIO_MIXERS:
            raise FlagError(flag, f"{mixer!r} is not one of {', '.join(AUDIO_MIXERS)}")


def _require_model(options) -> None:
    if options.model_dim % options.attention_heads:
        raise FlagError(
            "attention_heads", f"{options.attention_heads} heads do not divide --model_dim={options.model_dim}"
        )
    try:
        attention_activation(options.attention_activation)
    except InputError as error:
        raise FlagError("attention_activation", str(error).partition(": ")[2] or str(error)) from error
    if options.position == "rotary" and options.model_dim // options.attention_heads % 2:
        raise FlagError("attention_heads", "rotary positions turn pairs: give heads of an even width")


def _require_run(options) -> None:
    if options.overfit_batches and (options.resume or options.export):
        raise FlagError("overfit_batches", "is a check that leaves no model; leave --resume and --export out")
    if options.budget_cpu_s and options.resume:
        raise FlagError("budget_cpu_s", "was spent on a number of steps when the run began; resume with its flags.cfg")
    is_checked = options.overfit_batches or options.task == "identity"
    if options.distribution != "none" and (options.budget_cpu_s or is_checked):
        raise FlagError("distribution", "budgets and checks are of one process on one device; leave it out")
    if not options.output_dir:
        raise FlagError("output_dir", "is empty; name a folder for the model and the report")


# What the other view would not look at, with what it is when nobody has asked for it.
_OF_UTTERANCES = {
    "warm_start": "",
    "text_corpus": "",
    "train_hours": 0.0,
    "consistency": 0.0,
    "speed": 0.0,
    "gain": 0.0,
    "time_mask_ratio": 0.0,
    "precision": "float32",
}
_OF_WINDOWS = {
    "task": "transcribe",
    "loss": "crossentropy",
    "label_smoothing": 0.0,
    "class_weighting": "none",
    "tempo": 0.0,
    "vocabulary_size": 0,
    "overfit_batches": 0,
    "stop_on_collapse": False,
}


def _require_not_asked(options, untouched: dict, view: str) -> None:
    for name, value in untouched.items():
        if getattr(options, name) != value:
            raise FlagError(name, f"is of --view={view}; leave it out")


def _require_window(options) -> None:
    """What only a window makes impossible: its steps, its slots, its vocabulary of words."""
    _require_not_asked(options, _OF_UTTERANCES, "utterance")
    if options.passes < 1:
        raise FlagError("passes", f"{options.passes} leaves nothing said; give at least 1")
    if options.batch_size % options.batch_multiple:
        raise FlagError(
            "batch_size", f"{options.batch_size} is no multiple of --batch_multiple={options.batch_multiple}"
        )
    if options.audio_stride_ms % 10:
        raise FlagError("audio_stride_ms", f"{options.audio_stride_ms} ms is no multiple of the 10 ms between frames")
    if options.relative_window > options.audio_context:
        raise FlagError(
            "relative_window", f"{options.relative_window} is more than the window's {options.audio_context} steps"
        )
    if 0 < options.vocabulary_size <= len(SPECIAL_TOKENS):
        raise FlagError("vocabulary_size", f"{options.vocabulary_size} leaves no room for a word; 0 keeps all words")
    if options.overfit_batches and not options.pad_weight:
        raise FlagError("pad_weight", "0 asks nothing of empty slots, which --overfit_batches waits for; give more")


def _require_utterance(options) -> None:
    """What only whole utterances make impossible: places without an end, steps, batches that hold none."""
    _require_not_asked(options, _OF_WINDOWS, "window")
    if options.position not in UTTERANCE_POSITIONS:
        raise FlagError(
            "position",
            f"{options.position!r} has an end, utterances have none; one of {', '.join(UTTERANCE_POSITIONS)}",
        )
    if options.subsampling not in SUBSAMPLINGS:
        raise FlagError(
            "subsampling", f"{options.subsampling} is not one of {', '.join(map(str, SUBSAMPLINGS))} frames"
        )
    if not 0 < options.batch_seconds < math.inf:
        raise FlagError("batch_seconds", f"{options.batch_seconds} is no number above 0; try 120")
    if options.audio_blocks < 2:
        raise FlagError("audio_blocks", f"{options.audio_blocks} has no middle; give at least 2")
    if options.tokens == TOKENS_OF_WARM_START and not options.warm_start:
        raise FlagError("tokens", "of an earlier model need one; give --warm_start")
    if options.text_corpus and not options.refiner_blocks:
        raise FlagError("text_corpus", "is for the refiner to read; give --refiner_blocks=1 or more")
