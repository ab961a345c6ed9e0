"""What a training run is asked for. Defaults live with the flags, in `train_main.py`."""

import dataclasses
import math

from keras_stt.data.windows import PAD_SIDES, PAD_TOKENS
from keras_stt.errors import FlagError, InputError
from keras_stt.layers import AUDIO_MIXERS, NORMALIZATIONS, POOLINGS, POSITIONS, attention_activation
from keras_stt.losses import CLASS_WEIGHTINGS, TOKEN_LOSSES
from keras_stt.masking import MASK_SCHEDULES, TASKS
from keras_stt.text import SPECIAL_TOKENS
from keras_stt.train.optimizers import OPTIMIZERS, SCHEDULES


@dataclasses.dataclass(frozen=True)
class TrainOptions:
    """One attribute for each training flag, of the same name; `train_main.py --help` says what each means."""

    dataset: str
    data_dir: str
    archive_dir: str
    train_splits: str
    dev_splits: str
    test_splits: str
    dev_speakers: list[str]
    test_speakers: list[str]
    extra_train_dataset: str
    download: bool
    cache_dir: str
    feature_cache: bool
    alignment: str
    alignment_dir: str
    train_known_times: bool
    vocabulary_size: int
    max_utterances: int

    text_context: int
    audio_context: int
    text_stride: int
    audio_stride_ms: int
    audio_pooling: str
    mel_bands: int

    pad_token: str
    pad_side: str
    pad_weight: float

    task: str
    mask_schedule: str
    mask_from: float
    mask_to: float

    model_dim: int
    audio_blocks: int
    audio_mixer: str
    blocks: int
    attention_heads: int
    dropout: float
    residual: bool
    normalization: str
    attention_activation: str
    position: str
    relative_window: int
    word_clock: bool

    batch_size: int
    epochs: int
    steps_per_epoch: int
    budget_cpu_s: float
    overfit_batches: int
    loss: str
    label_smoothing: float
    class_weighting: str
    optimizer: str
    schedule: str
    learning_rate: float
    warmup_steps: int
    weight_decay: float
    clip_norm: float
    keep: str
    weight_average: float
    attention_guide: float

    window_jitter: float
    tempo: float
    vocal_tract: float
    noise: float
    telephone: float
    time_masks: int
    frequency_masks: int

    passes: int
    hop_ms: int
    test_utterances: int

    stop_on_collapse: bool
    gradient_norms: bool
    output_dir: str
    resume: bool
    export: bool
    seed: int

    def __post_init__(self):
        self._require_choices()
        self._require_positive()
        if self.audio_stride_ms % 10:
            raise FlagError("audio_stride_ms", f"{self.audio_stride_ms} ms is no multiple of the 10 ms between frames")
        if self.model_dim % self.attention_heads:
            raise FlagError(
                "attention_heads", f"{self.attention_heads} heads do not divide --model_dim={self.model_dim}"
            )
        try:
            attention_activation(self.attention_activation)
        except InputError as error:
            raise FlagError("attention_activation", str(error).partition(": ")[2] or str(error)) from error
        if self.position == "rotary" and self.model_dim // self.attention_heads % 2:
            raise FlagError("attention_heads", "rotary positions turn pairs: give heads of an even width")
        if self.overfit_batches and not self.pad_weight:
            raise FlagError("pad_weight", "0 asks nothing of empty slots, which --overfit_batches waits for; give more")
        if self.overfit_batches and (self.resume or self.export):
            raise FlagError("overfit_batches", "is a check that leaves no model; leave --resume and --export out")
        if self.budget_cpu_s and self.resume:
            raise FlagError(
                "budget_cpu_s", "was spent on a number of steps when the run began; resume with its flags.cfg"
            )
        if not self.output_dir:
            raise FlagError("output_dir", "is empty; name a folder for the model and the report")

    def _require_choices(self):
        for name, choices in (
            ("pad_token", PAD_TOKENS),
            ("pad_side", PAD_SIDES),
            ("task", TASKS),
            ("mask_schedule", MASK_SCHEDULES),
            ("audio_pooling", POOLINGS),
            ("audio_mixer", AUDIO_MIXERS),
            ("normalization", NORMALIZATIONS),
            ("position", tuple(POSITIONS)),
            ("loss", TOKEN_LOSSES),
            ("class_weighting", CLASS_WEIGHTINGS),
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("keep", KEPT),
        ):
            if getattr(self, name) not in choices:
                raise FlagError(name, f"{getattr(self, name)!r} is not one of {', '.join(choices)}")

    def _require_positive(self):
        for name in _POSITIVE:
            if getattr(self, name) < 1:
                raise FlagError(name, f"{getattr(self, name)} is too small; give at least 1")
        for name in _NOT_NEGATIVE:
            if not 0 <= getattr(self, name) < math.inf:
                raise FlagError(name, f"{getattr(self, name)} is no number from 0 up; give 0 or more")
        if self.relative_window > self.audio_context:
            raise FlagError(
                "relative_window", f"{self.relative_window} is more than the window's {self.audio_context} steps"
            )
        if self.mel_bands > MOST_MEL_BANDS:
            raise FlagError(
                "mel_bands", f"{self.mel_bands} are too narrow for a window of 25 ms; at most {MOST_MEL_BANDS}"
            )
        if not 0 < self.learning_rate < math.inf:
            raise FlagError("learning_rate", f"{self.learning_rate} is no number above 0; try 0.002")
        for name in ("mask_from", "mask_to", "window_jitter", "telephone"):
            if not 0 <= getattr(self, name) <= 1:
                raise FlagError(name, f"{getattr(self, name)} is not a share between 0 and 1")
        for name in ("dropout", "label_smoothing", "tempo", "vocal_tract", "weight_average"):
            if not 0 <= getattr(self, name) < 1:
                raise FlagError(name, f"{getattr(self, name)} is not at least 0 and below 1")
        if 0 < self.vocabulary_size <= len(SPECIAL_TOKENS):
            raise FlagError("vocabulary_size", f"{self.vocabulary_size} leaves no room for a word; 0 keeps all words")


MOST_MEL_BANDS = 128  # with more, the lowest bands hold no frequency of a 25 ms window
KEPT = ("best", "last")
_POSITIVE = (
    *("text_context", "audio_context", "text_stride", "audio_stride_ms", "mel_bands"),
    *("model_dim", "attention_heads", "relative_window", "batch_size", "epochs", "passes", "hop_ms"),
)
_NOT_NEGATIVE = (
    *("vocabulary_size", "max_utterances", "pad_weight", "audio_blocks", "blocks", "steps_per_epoch", "budget_cpu_s"),
    *("overfit_batches", "warmup_steps", "weight_decay", "clip_norm", "attention_guide", "noise", "time_masks"),
    *("frequency_masks", "test_utterances", "seed"),
)
