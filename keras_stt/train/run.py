"""A training run from its options to everything it leaves in its folder."""

import contextlib
import csv
import dataclasses
import io
import json
import os
import platform
from importlib import metadata
from pathlib import Path

import keras
import numpy as np

import keras_stt
from keras_stt.data.index import Index
from keras_stt.data.pipeline import tf_dataset
from keras_stt.errors import FlagError
from keras_stt.evaluation import (
    evaluate_utterances,
    masked_word_report,
    summarize,
    unigram_distribution,
    unigram_loss,
    window_errors,
)
from keras_stt.export import check_saved_model, export_saved_model
from keras_stt.formats.lines import write_text
from keras_stt.losses import AttentionGuide, MaskedTokenCrossentropy
from keras_stt.recognizer import Recognizer
from keras_stt.report.html import write_report
from keras_stt.text import Vocabulary
from keras_stt.train.batching import evaluation_batches, require_window_fits, train_batches
from keras_stt.train.callbacks.progress import EpochLine, Stopwatch, peak_memory_mb
from keras_stt.train.callbacks.wer import WordErrorRate
from keras_stt.train.checkpoint import Checkpoint, load_checkpoint, require_checkpoint
from keras_stt.train.corpus import Split, open_splits
from keras_stt.train.options import TrainOptions


def train(options: TrainOptions, flags: str = "") -> dict:
    """Trains a model and writes `model.keras`, `summary.json`, `history.csv`, `report.html` and more.

    Args:
        flags: the flagfile that gives these options again; written to `flags.cfg` and into the model.

    Returns:
        The contents of `summary.json`.

    Raises:
        FlagError, InputError: the options make no sense, or the corpus is not there.
    """
    output = _output_folder(options)
    if options.resume:
        require_checkpoint(output / "checkpoint")
    splits = open_splits(options)
    require_window_fits(options, splits)
    vocabulary = Vocabulary.from_counts(splits["train"].index.vocabulary_counts(), options.vocabulary_size or None)
    batches = train_batches(options, splits["train"], vocabulary)
    dev_batches = evaluation_batches(options, splits["dev"], vocabulary)
    _print_corpus(splits, vocabulary, batches)

    unigram = unigram_distribution(batches, vocabulary)
    # Not before: what prepares a corpus may draw random numbers, and does so only the first time.
    keras.utils.set_random_seed(options.seed)
    model = build_model(options, vocabulary)
    steps_per_epoch = options.steps_per_epoch or len(batches)
    compile_model(model, options, options.epochs * steps_per_epoch)
    print(f"model: {model.count_params():,} parameters, {keras.backend.backend()}", flush=True)
    stopwatch = Stopwatch()
    wer = WordErrorRate(dev_batches, vocabulary, options.passes)
    deaf_loss = unigram_loss(batches, unigram)
    checkpoint = _fit(model, options, batches, steps_per_epoch, [wer, stopwatch, EpochLine(options.epochs, deaf_loss)])

    summary = _summary(options, model, splits, vocabulary, batches, stopwatch, wer, checkpoint.history)
    summary["unigram_loss"] = deaf_loss
    results = _evaluate(model, options, splits["test"].index, summary)
    summary |= {
        f"test_window_{name}": value
        for name, value in window_errors(
            model.predict_on_batch, evaluation_batches(options, splits["test"], vocabulary), vocabulary, options.passes
        ).items()
    }
    if options.task == "infill":
        summary["dev_masked_words"] = masked_word_report(
            model.predict_on_batch, dev_batches, vocabulary, unigram, options.passes
        )
    _leave_behind(output, options, flags, model, summary, checkpoint.history, results)
    if options.export:
        summary["export"] = _export(output, splits["test"].index)
        _write_summary(output, summary)
    return summary


def build_model(options: TrainOptions, vocabulary: Vocabulary) -> Recognizer:
    return Recognizer(
        vocabulary.to_list(),
        text_context=options.text_context,
        audio_context=options.audio_context,
        audio_stride_ms=options.audio_stride_ms,
        audio_pooling=options.audio_pooling,
        mel_bands=options.mel_bands,
        model_dim=options.model_dim,
        audio_blocks=options.audio_blocks,
        audio_mixer=options.audio_mixer,
        blocks=options.blocks,
        attention_heads=options.attention_heads,
        dropout=options.dropout,
        residual=options.residual,
        position=options.position,
        word_clock=options.word_clock,
    )


def compile_model(model: Recognizer, options: TrainOptions, steps: int) -> None:
    """Adam with decoupled weight decay, warm-up and a cosine to nothing, over `steps` steps."""
    warmup = options.warmup_steps
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup), warmup_target=options.learning_rate, warmup_steps=warmup
    )
    # Clipped weight by weight: the word clock's gradient has a long tail, and a step in which it is large should not
    # hold up all others.
    optimizer = keras.optimizers.AdamW(
        rate,
        weight_decay=options.weight_decay,
        beta_2=0.98,
        clipnorm=options.clip_norm or None,
        use_ema=options.weight_average > 0,
        ema_momentum=options.weight_average,
    )
    model.compile(
        optimizer=optimizer,
        loss={"tokens": MaskedTokenCrossentropy(), "attention": AttentionGuide()},
        loss_weights={"tokens": 1.0, "attention": options.attention_guide},
    )
    optimizer.build(model.trainable_variables)


def _output_folder(options: TrainOptions) -> Path:
    output = Path(options.output_dir)
    try:
        output.mkdir(parents=True, exist_ok=True)
        probe = output / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise FlagError("output_dir", f"{output} cannot be written ({error.strerror}); name another folder") from error
    return output


def _print_corpus(splits: dict[str, Split], vocabulary: Vocabulary, batches) -> None:
    for name, split in splits.items():
        words = int(split.index.word_counts.sum())
        unknown = _unknown_words(split.index, vocabulary)
        short = int((split.index.word_counts < batches.shape.text_context).sum())
        skipped = {**split.index.skipped, **split.features.skipped}
        index = split.index
        print(
            f"{name}: {len(index):,} utterances, {index.hours:.2f} h, {len(index.speakers)} speakers, "
            f"{words:,} words ({unknown / max(words, 1):.1%} unknown); {short:,} utterances shorter than a window"
            + (f"; skipped {skipped}" if skipped else ""),
            flush=True,
        )
    print(f"vocabulary: {len(vocabulary):,} tokens; {batches.plan.size:,} training windows", flush=True)


def _unknown_words(index: Index, vocabulary: Vocabulary) -> int:
    return sum(count for word, count in index.vocabulary_counts().items() if word not in vocabulary)


def _fit(model, options: TrainOptions, batches, steps_per_epoch: int, callbacks: list) -> Checkpoint:
    """Trains from the start or from the last checkpoint; the model ends with the weights that were best on dev."""
    folder = Path(options.output_dir) / "checkpoint"
    progress = load_checkpoint(model, folder) if options.resume else {"epoch": 0, "history": []}
    checkpoint = Checkpoint(folder, progress["history"])
    callbacks = [*_averaging(options, progress), *callbacks, checkpoint, *_tensorboard(options)]
    epochs = options.epochs - progress["epoch"]
    if epochs > 0:
        dataset = tf_dataset(batches, progress["epoch"] * steps_per_epoch, epochs * steps_per_epoch)
        model.fit(
            dataset,
            initial_epoch=progress["epoch"],
            epochs=options.epochs,
            steps_per_epoch=steps_per_epoch,
            callbacks=callbacks,
            shuffle=False,  # the plan has shuffled
            verbose="auto" if os.isatty(1) else 0,
        )
    model.load_weights(checkpoint.best_weights)
    return checkpoint


def _averaging(options: TrainOptions, progress: dict) -> list:
    """Puts the average of the weights into the model at the end of each epoch, before it is evaluated and saved."""
    if not options.weight_average:
        return []
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    # A checkpoint is written while the average is in the model: resumed, the first epoch begins by taking it out.
    swap._ema_weights_in_model = progress["epoch"] > 0
    return [swap]


def _tensorboard(options: TrainOptions) -> list:
    """TensorBoard's logs, for those who have it installed."""
    try:
        metadata.version("tensorboard")
    except metadata.PackageNotFoundError:
        return []
    return [keras.callbacks.TensorBoard(Path(options.output_dir) / "logs", write_graph=False)]


def _evaluate(model, options: TrainOptions, index: Index, summary: dict) -> list:
    """Adds the word error rate of whole test utterances to the summary."""
    rows = range(min(len(index), options.test_utterances or len(index)))
    results = evaluate_utterances(
        model, [index[row] for row in rows], options.passes, options.hop_ms / 1000, label="test utterances"
    )
    summary["test_unreadable"] = len(rows) - len(results)
    for name, value in summarize(results).items():
        summary[f"test_{name}"] = value
    return results


def _summary(options, model, splits, vocabulary, batches, stopwatch, wer, history) -> dict:
    skipped: dict[str, int] = {}
    for split in splits.values():
        for reason, count in [*split.index.skipped.items(), *split.features.skipped.items()]:
            skipped[reason] = skipped.get(reason, 0) + count
    best = min(history, key=lambda row: row["dev_wer"])
    hours = sum(_window_hours(batches, step) for step in range(min(20, len(batches)))) / min(20, len(batches))
    measured = history[1:] or history  # the first epoch compiles
    epoch_seconds = sum(row["seconds"] for row in measured)
    return {
        "task": options.task,
        "dataset": options.dataset,
        "backend": keras.backend.backend(),
        "parameters": model.count_params(),
        "vocabulary": len(vocabulary),
        "seed": options.seed,
        "epochs": len(history),
        "steps": stopwatch.steps,
        "train_seconds": stopwatch.train_seconds,
        "train_cpu_seconds": stopwatch.train_cpu_seconds,
        "first_step_seconds": stopwatch.first_step_seconds,
        "audio_hours_per_hour": hours * stopwatch.steps / max(stopwatch.train_seconds / 3600, 1e-9),
        "peak_memory_mb": peak_memory_mb(),
        "wer_callback_share": sum(row["dev_wer_seconds"] for row in measured) / max(epoch_seconds, 1e-9),
        "dev_wer": best["dev_wer"],
        "dev_wer_with_sil": best["dev_wer_with_sil"],
        "dev_masked_error": best["dev_masked_error"],
        "loss": history[-1]["tokens_loss"],
        "skipped_records": skipped,
        "unknown_words": {name: _unknown_words(split.index, vocabulary) for name, split in splits.items()},
        "utterances_shorter_than_a_window": {
            name: int((split.index.word_counts < options.text_context).sum()) for name, split in splits.items()
        },
        "test_speakers": splits["test"].index.speakers[:40],
        "versions": versions(),
    }


def _window_hours(batches, step: int) -> float:
    inputs, _ = batches[step]
    return float(np.sum(inputs["feature_lengths"])) / 360_000


def versions() -> dict[str, str]:
    """Of Python, of this package and of what its results depend on, as far as installed."""
    found = {"python": platform.python_version(), "keras_stt": keras_stt.__version__}
    for name in ("keras", "tensorflow", "jax", "torch", "tensorflow-datasets", "librosa", "numpy"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _leave_behind(output: Path, options, flags: str, model, summary: dict, history: list, results: list) -> None:
    reached = {name: summary[name] for name in ("dev_wer", "test_wer", "test_wer_interval")}
    model.training_record = {"flags": flags, "versions": summary["versions"], **reached}
    temporary = output / ".model.keras"
    model.save(temporary)
    os.replace(temporary, output / "model.keras")
    write_text(output / "flags.cfg", flags)
    write_text(output / "history.csv", _as_csv(history))
    _write_summary(output, summary)
    write_report(output / "report.html", summary, history, results, flags=dataclasses.asdict(options))


def _write_summary(output: Path, summary: dict) -> None:
    write_text(output / "summary.json", json.dumps(summary, indent=1) + "\n")


def _as_csv(history: list[dict]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(history[0]), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue()


def _export(output: Path, index: Index) -> dict:
    export_saved_model(output / "model.keras", output / "export")
    samples = [index[row].read() for row in range(min(8, len(index)))]
    return check_saved_model(output / "model.keras", output / "export", samples)
