"""From a run's options and a split to its batches."""

import functools

import numpy as np

from keras_stt.data.augment import Augmentation
from keras_stt.data.batches import WindowBatches
from keras_stt.data.plan import WindowPlan
from keras_stt.data.windows import WindowShape
from keras_stt.errors import FlagError
from keras_stt.masking import hide_all, hide_share, mask_share
from keras_stt.text import Vocabulary
from keras_stt.train.corpus import Split
from keras_stt.train.options import TrainOptions

DEV_BATCH = 64  # windows; nothing is learned from them, so that memory alone bounds it


def window_shape(options: TrainOptions, text_stride: int | None = None) -> WindowShape:
    return WindowShape(
        options.text_context,
        options.audio_context,
        options.audio_stride_ms // 10,
        options.text_stride if text_stride is None else text_stride,
    )


def require_window_fits(options: TrainOptions, splits: dict[str, Split]) -> None:
    """Raises FlagError when no utterance is as long as a window, which would train on padding alone."""
    longest_text = max(int(split.index.word_counts.max()) for split in splits.values())
    longest_audio = max(float(split.index.durations.max()) for split in splits.values())
    if options.text_context > longest_text:
        raise FlagError(
            "text_context",
            f"{options.text_context} words, but the longest utterance has {longest_text}; give at most {longest_text}",
        )
    shape = window_shape(options)
    if shape.seconds > longest_audio:
        most = int(longest_audio * 1000 / options.audio_stride_ms)
        raise FlagError(
            "audio_context",
            f"{options.audio_context} steps are {shape.seconds:.1f} s, but the longest utterance lasts "
            f"{longest_audio:.1f} s; give at most {most}",
        )


def train_batches(options: TrainOptions, split: Split, vocabulary: Vocabulary) -> WindowBatches:
    """Shuffled, augmented, masked by the schedule."""
    shape = window_shape(options)
    plan = WindowPlan(shape.count(split.word_counts()), split.index.durations, options.batch_size, options.seed)
    steps = options.epochs * (options.steps_per_epoch or plan.steps_per_epoch)
    augmentation = Augmentation(
        tempo=options.tempo,
        vocal_tract=options.vocal_tract,
        noise=options.noise,
        telephone=options.telephone,
        time_masks=options.time_masks,
        frequency_masks=options.frequency_masks,
    )
    hide = functools.partial(_hide, options, steps)
    return WindowBatches(
        split.index, split.features, shape, vocabulary, plan, hide, augmentation, options.window_jitter
    )


def evaluation_batches(options: TrainOptions, split: Split, vocabulary: Vocabulary) -> WindowBatches:
    """In the corpus's order, as they are; windows side by side, so that each word is asked for once."""
    shape = window_shape(options, text_stride=options.text_context)
    plan = WindowPlan(shape.count(split.word_counts()), split.index.durations, DEV_BATCH, None)
    return WindowBatches(split.index, split.features, shape, vocabulary, plan, functools.partial(_hide, options, 0))


def _hide(options: TrainOptions, steps: int, token_ids: np.ndarray, step: int, rng: np.random.Generator) -> np.ndarray:
    """What is masked at `step` of `steps`; with `steps=0`, for evaluation, the share training begins with."""
    if options.task == "transcribe":
        return hide_all(token_ids)
    schedule = options.mask_schedule if steps else "constant"
    progress = min(1.0, step / max(steps, 1))
    shares = mask_share(schedule, progress, options.mask_from, options.mask_to, rng, len(token_ids))
    return hide_share(token_ids, shares, rng)
