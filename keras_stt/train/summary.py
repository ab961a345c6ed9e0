"""What a run says of itself in `summary.json`."""

import keras
import numpy as np

from keras_stt.evaluation import evaluate_utterances, masked_word_report, summarize, window_errors
from keras_stt.train.batching import evaluation_batches
from keras_stt.train.callbacks.progress import Stopwatch, peak_memory_mb
from keras_stt.train.setup import Setup, unknown_words
from keras_stt.train.versions import versions

TRAIN_WINDOWS = 256  # of train on which the model is evaluated: enough to tell 20 % from 25 % WER
DEV_FIGURES = ("dev_wer", "dev_wer_with_sil", "dev_masked_error", "dev_nats")
UTTERANCE_TASKS = ("transcribe", "infill")  # the others are given the text, or most of it


def training_summary(model, setup: Setup, stopwatch: Stopwatch, history: list[dict]) -> dict:
    """What was trained, on what, how long, and how well it did on dev.

    `dev_wer` is of windows, as in the history; `loss` the last epoch's on tokens.
    """
    options, splits = setup.options, setup.splits
    skipped: dict[str, int] = {}
    for split in splits.values():
        for reason, count in [*split.index.skipped.items(), *split.features.skipped.items()]:
            skipped[reason] = skipped.get(reason, 0) + count
    kept = history[-1] if options.keep == "last" else min(history, key=lambda row: row["dev_wer"])
    sample = range(min(20, len(setup.batches)))
    hours = float(np.mean([_window_hours(setup.batches, step) for step in sample]))
    measured = history[1:] or history  # the first epoch compiles
    epoch_seconds = sum(row["seconds"] for row in measured)
    return {
        "task": options.task,
        "dataset": options.dataset,
        "backend": keras.backend.backend(),
        "parameters": model.count_params(),
        "vocabulary": len(setup.vocabulary),
        "seed": options.seed,
        "epochs": len(history),
        "steps": stopwatch.steps,
        "train_seconds": stopwatch.train_seconds,
        "train_cpu_seconds": stopwatch.train_cpu_seconds,
        "first_step_seconds": stopwatch.first_step_seconds,
        "audio_hours_per_hour": hours * stopwatch.steps / max(stopwatch.train_seconds / 3600, 1e-9),
        "peak_memory_mb": peak_memory_mb(),
        "wer_callback_share": sum(row["dev_wer_seconds"] for row in measured) / max(epoch_seconds, 1e-9),
        **{name: kept[name] for name in DEV_FIGURES if name in kept},
        "loss": history[-1]["tokens_loss"],
        "skipped_records": skipped,
        "unknown_words": {name: unknown_words(split.index, setup.vocabulary) for name, split in splits.items()},
        "utterances_shorter_than_a_window": {
            name: int((split.index.word_counts < options.text_context).sum()) for name, split in splits.items()
        },
        "test_speakers": splits["test"].index.speakers[:40],
        "versions": versions(),
    }


def _window_hours(batches, step: int) -> float:
    inputs, _ = batches[step]
    return float(np.sum(inputs["feature_lengths"])) / 360_000


def evaluate(model, setup: Setup) -> tuple[dict, list]:
    """Error rates on windows of train and test and on whole test utterances, and these utterances' results.

    Tasks that are given text have no whole utterances to transcribe: there `test_wer` is of the words asked for in
    windows, and `test_wer_of` says so.
    """
    options, vocabulary = setup.options, setup.vocabulary

    def errors(split: str, windows: int | None = None) -> dict:
        batches = evaluation_batches(options, setup.splits[split], vocabulary, windows)
        return window_errors(model.predict_on_batch, batches, vocabulary, options.passes)

    train, test = errors("train", TRAIN_WINDOWS), errors("test")
    found = {f"train_{name}": value for name, value in train.items()}
    found |= {f"test_window_{name}": value for name, value in test.items()}
    if options.task != "transcribe":
        found["dev_masked_words"] = masked_word_report(
            model.predict_on_batch, setup.dev_batches, vocabulary, setup.unigram, options.passes
        )
    if options.task not in UTTERANCE_TASKS:
        return found | {"test_wer": test["masked_error"], "test_wer_of": "words asked for in windows"}, []
    index = setup.splits["test"].index
    rows = range(min(len(index), options.test_utterances or len(index)))
    results = evaluate_utterances(
        model, [index[row] for row in rows], options.passes, options.hop_ms / 1000, label="test utterances"
    )
    found |= {f"test_{name}": value for name, value in summarize(results).items()}
    return found | {"test_wer_of": "whole utterances", "test_unreadable": len(rows) - len(results)}, results
