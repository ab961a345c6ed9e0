"""A model built, compiled and trained as the flags say."""

import os
from importlib import metadata
from pathlib import Path

import keras

from keras_stt.data.pipeline import tf_dataset
from keras_stt.losses import AttentionGuide
from keras_stt.recognizer import Recognizer
from keras_stt.train.budget import steps_within
from keras_stt.train.checkpoint import Checkpoint, load_checkpoint
from keras_stt.train.optimizers import learning_rate, make_optimizer
from keras_stt.train.options import TrainOptions
from keras_stt.train.setup import Setup
from keras_stt.train.watchers import watchers


def compiled_model(setup: Setup) -> Recognizer:
    """The model with its losses and its optimizer, from the run's seed."""
    options = setup.options
    keras.utils.set_random_seed(options.seed)
    model = Recognizer(
        setup.vocabulary.to_list(),
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
        normalization=options.normalization,
        attention_activation=options.attention_activation,
        position=options.position,
        relative_window=options.relative_window,
        word_clock=options.word_clock,
    )
    rate = learning_rate(options.schedule, options.learning_rate, options.warmup_steps, setup.steps)
    model.compile(
        optimizer=make_optimizer(
            options.optimizer, rate, options.weight_decay, options.clip_norm, options.weight_average
        ),
        loss={"tokens": setup.token_loss(), "attention": AttentionGuide()},
        loss_weights={"tokens": 1.0, "attention": options.attention_guide},
    )
    build_training(model, setup)
    return model


def build_training(model: Recognizer, setup: Setup) -> None:
    """Makes the optimizer's variables and those in which Keras sums up each loss, the latter on one window.

    Made at the first step, they would have TensorFlow trace that step twice.
    """
    model.optimizer.build(model.trainable_variables)
    inputs, targets = setup.windows(1)
    model.compute_loss(y=targets, y_pred=model(inputs, training=False))
    model.reset_metrics()


def within_budget(setup: Setup) -> Setup:
    """The set-up with as many steps as its budget of CPU-seconds allows."""
    options = setup.options
    if not options.budget_cpu_s:
        return setup
    steps = steps_within(
        options.budget_cpu_s, compiled_model(setup), setup.batches, watchers(setup, report=_silent).all, options.epochs
    )
    print(
        f"budget of {options.budget_cpu_s:g} CPU-seconds: {steps} steps in each of {options.epochs} epochs", flush=True
    )
    return setup.with_steps_per_epoch(steps)


def _silent(line: str) -> None:
    """Takes what the watchers say of a model that is thrown away."""


def fit(model: Recognizer, setup: Setup, callbacks: list) -> Checkpoint:
    """Trains from the start or from the last checkpoint; the model ends with the weights that `--keep` names.

    Args:
        callbacks: what measures; it sees the averaged weights at the end of an epoch.
    """
    options, steps_per_epoch = setup.options, setup.steps_per_epoch
    folder = Path(options.output_dir) / "checkpoint"
    progress = load_checkpoint(model, folder) if options.resume else {"epoch": 0, "history": []}
    checkpoint = Checkpoint(folder, progress["history"])
    callbacks = [*_averaging(options, progress), *callbacks, checkpoint, *_tensorboard(options)]
    epochs = options.epochs - progress["epoch"]
    if epochs > 0:
        model.fit(
            tf_dataset(setup.batches, progress["epoch"] * steps_per_epoch, epochs * steps_per_epoch),
            initial_epoch=progress["epoch"],
            epochs=options.epochs,
            steps_per_epoch=steps_per_epoch,
            callbacks=callbacks,
            shuffle=False,  # the plan has shuffled
            verbose="auto" if os.isatty(1) else 0,
        )
    if options.keep == "best":
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
