"""What every run says of itself in `summary.json`."""

import keras
import numpy as np

from keras_stt.train.callbacks.progress import Stopwatch, peak_memory_mb
from keras_stt.train.skipped import skipped_counts
from keras_stt.train.versions import versions
from keras_stt.train.views import Setup


def training_summary(model, setup: Setup, stopwatch: Stopwatch, history: list[dict], kept: dict) -> dict:
    """What was trained, on what, how long, and how well it did on dev after the epoch whose weights are kept.

    Args:
        history: the logs of every epoch.
        kept: those of the epoch whose weights are kept.

    What begins with `dev_` is as in the history, in the window view of windows.
    """
    options, splits = setup.options, setup.splits
    sample = range(min(20, len(setup.batches)))
    hours = float(np.mean([_audio_hours(setup.batches, step) for step in sample]))
    measured = history[1:] or history  # the first epoch compiles
    epoch_seconds = sum(row["seconds"] for row in measured)
    return {
        "view": options.view,
        "task": options.task,
        "dataset": options.dataset,
        "backend": keras.backend.backend(),
        "parameters": model.count_params(),
        "seed": options.seed,
        "epochs": len(history),
        "steps": stopwatch.steps,
        "train_seconds": stopwatch.train_seconds,
        "train_cpu_seconds": stopwatch.train_cpu_seconds,
        "first_step_seconds": stopwatch.first_step_seconds,
        "audio_hours_per_hour": hours * stopwatch.steps / max(stopwatch.train_seconds / 3600, 1e-9),
        "peak_memory_mb": peak_memory_mb(),
        "wer_callback_share": sum(row["dev_wer_seconds"] for row in measured) / max(epoch_seconds, 1e-9),
        **{name: kept[name] for name in kept if name.startswith("dev_") and name != "dev_wer_seconds"},
        "skipped_records": skipped_counts(splits),
        "test_speakers": splits["test"].index.speakers[:40],
        "versions": versions(),
    }


def _audio_hours(batches, step: int) -> float:
    """Of a batch."""
    inputs, _ = batches[step]
    return float(np.sum(inputs["feature_lengths"])) / 360_000
