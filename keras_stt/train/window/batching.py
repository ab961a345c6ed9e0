"""From a run's options and a split to its batches."""

import functools

import numpy as np

from keras_stt.data.augment import Augmentation
from keras_stt.data.batches import RepeatedBatches, WindowBatches
from keras_stt.data.plan import WindowPlan
from keras_stt.data.windows import WindowShape
from keras_stt.errors import FlagError
from keras_stt.masking import Masking, mask_share, task_masking
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
        options.pad_token,
        options.pad_side,
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
    plan = _shuffled_plan(options, split)
    steps = options.epochs * (options.steps_per_epoch or plan.steps_per_epoch)
    augmentation = Augmentation(
        tempo=options.tempo,
        vocal_tract=options.vocal_tract,
        noise=options.noise,
        telephone=options.telephone,
        time_masks=options.time_masks,
        frequency_masks=options.frequency_masks,
    )
    return WindowBatches(
        split.index,
        split.features,
        window_shape(options),
        vocabulary,
        plan,
        functools.partial(_hide, options, steps),
        augmentation,
        options.window_jitter,
    )


def overfit_batches(options: TrainOptions, split: Split, vocabulary: Vocabulary) -> RepeatedBatches:
    """A few batches to learn by heart, for training and for evaluation.

    They never change: nothing is augmented, windows begin at their first word, and masks are drawn once, of the share
    at which the schedule ends.
    """
    plan = _shuffled_plan(options, split)
    hide = functools.partial(_hide, options, None)
    plain = WindowBatches(split.index, split.features, window_shape(options), vocabulary, plan, hide)
    return RepeatedBatches(plain, min(options.overfit_batches, plan.steps_per_epoch))


def evaluation_batches(
    options: TrainOptions,
    split: Split,
    vocabulary: Vocabulary,
    most_windows: int | None = None,
    rows: list[int] | None = None,
) -> WindowBatches:
    """In the corpus's order, as they are; windows side by side, so that each word is asked for once.

    Masks are those of training, of the schedule's end where they move.

    Args:
        most_windows: take no more than so many, of utterances spread evenly over the split; None takes all.
        rows: of the utterances that are taken; None takes all.
    """
    shape = window_shape(options, text_stride=options.text_context)
    counts = shape.count(split.word_counts())
    if rows is not None:
        counts = np.where(np.isin(np.arange(len(counts)), rows), counts, 0)
    if most_windows is not None:
        counts = _spread(counts, most_windows)
    plan = WindowPlan(counts, split.index.durations, DEV_BATCH, None)
    return WindowBatches(split.index, split.features, shape, vocabulary, plan, functools.partial(_hide, options, None))


def _shuffled_plan(options: TrainOptions, split: Split) -> WindowPlan:
    counts = window_shape(options).count(split.word_counts())
    return WindowPlan(counts, split.index.durations, options.batch_size, options.seed)


def _spread(counts: np.ndarray, most: int) -> np.ndarray:
    """The window counts of as many evenly spread utterances as have at most `most` windows in all; 0 for others."""
    usable = np.flatnonzero(counts)
    size = min(len(usable), most)
    rows = usable
    while counts[rows].sum() > most and size:
        rows = usable[np.linspace(0, len(usable) - 1, size).round().astype(int)]
        size -= 1
    kept = np.zeros_like(counts)
    kept[rows] = np.minimum(counts[rows], most)  # where a single utterance has more
    return kept


def _hide(
    options: TrainOptions, steps: int | None, token_ids: np.ndarray, step: int, rng: np.random.Generator
) -> Masking:
    """What is masked at `step` of `steps`; with `None`, as at the end of training."""
    progress = 1.0 if steps is None else min(1.0, step / max(steps, 1))
    shares = mask_share(options.mask_schedule, progress, options.mask_from, options.mask_to, rng, len(token_ids))
    return task_masking(options.task, token_ids, shares, rng)
