"""What a training run is asked for. Defaults live with the flags, in `train_main.py`."""

import dataclasses

from keras_stt.train.option_checks import require_sense


@dataclasses.dataclass(frozen=True)
class TrainOptions:
    """One attribute for each training flag, of the same name; `train_main.py --help` says what each means."""

    view: str

    dataset: str
    data_dir: str
    archive_dir: str
    train_splits: str
    dev_splits: str
    test_splits: str
    dev_speakers: list[str]
    test_speakers: list[str]
    extra_train_dataset: list[str]
    download: bool
    cache_dir: str
    feature_cache: bool
    alignment: str
    alignment_dir: str
    alignment_model: str
    train_known_times: bool
    vocabulary_size: int
    max_utterances: int
    max_skipped_share: float

    tokens: str
    token_count: int
    max_seconds: float
    train_hours: float
    batch_seconds: float
    short_first_epochs: int

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

    subsampling: int
    mixer_kernel: int
    middle_weight: float
    phone_weight: float
    known_phones_steps: int
    refiner_blocks: int
    refiner_mixer: str
    refiner_weight: float
    consistency: float
    text_corpus: str
    text_share: float
    text_weight: float
    precision: str
    warm_start: str

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
    time_mask_ratio: float
    frequency_masks: int
    frequency_mask_bands: int
    speed: float
    gain: float

    passes: int
    hop_ms: int
    test_utterances: int

    stop_on_collapse: bool
    gradient_norms: bool
    output_dir: str
    resume: bool
    checkpoint_steps: int
    keep_checkpoints: int
    nan_retries: int

    distribution: str
    num_processes: int
    process_id: int
    job_addresses: str
    cpu_devices: int
    model_shards: int
    layout: list[str]
    batch_multiple: int
    export: bool
    seed: int

    def __post_init__(self):
        """Raises FlagError where the flags make no sense."""
        require_sense(self)
