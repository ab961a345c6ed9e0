"""A compiled model, of whatever view, trained as the flags say."""

import os
from importlib import metadata
from pathlib import Path

import keras

from keras_stt.data.pipeline import training_data
from keras_stt.train.callbacks.averaging import AveragedWeights
from keras_stt.train.callbacks.progress import Stopwatch
from keras_stt.train.checkpoint import Checkpoint, load_checkpoint
from keras_stt.train.options import TrainOptions
from keras_stt.train.views import Setup


def build_training(model, inputs: dict, targets: dict) -> None:
    """Makes the optimizer's variables and those in which Keras sums up each loss, the latter on one small batch.

    Made at the first step, they would have TensorFlow trace that step twice. On other backends `fit` makes them without
    computing, while jax would here compile every operation of the model by itself.
    """
    model.optimizer.build(model.trainable_variables)
    if keras.backend.backend() != "tensorflow":
        return
    model.compute_loss(y=targets, y_pred=model(inputs, training=False))
    model.reset_metrics()


def fit(model, setup: Setup, callbacks: list) -> Checkpoint:
    """Trains from the start or from the last checkpoint; the model ends with the weights that `--keep` names.

    Args:
        callbacks: what measures; it sees the averaged weights at the end of an epoch.
    """
    options, steps_per_epoch = setup.options, setup.steps_per_epoch
    folder = Path(options.output_dir) / "checkpoint"
    progress = load_checkpoint(model, folder) if options.resume else {"epoch": 0, "history": []}
    checkpoint = Checkpoint(folder, progress["history"])
    for callback in callbacks:
        if isinstance(callback, Stopwatch):
            callback.go_on(progress["history"])
    callbacks = [*_averaging(options, progress), *callbacks, checkpoint, *_tensorboard(options)]
    epochs = options.epochs - progress["epoch"]
    if epochs > 0:
        model.fit(
            training_data(setup.batches, progress["epoch"] * steps_per_epoch, epochs * steps_per_epoch),
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
    # A checkpoint is written while the average is in the model: resumed, the first epoch begins by taking it out.
    return [AveragedWeights(in_model=progress["epoch"] > 0)] if options.weight_average else []


def _tensorboard(options: TrainOptions) -> list:
    """TensorBoard's logs, for those who have it installed."""
    try:
        metadata.version("tensorboard")
    except metadata.PackageNotFoundError:
        return []
    return [keras.callbacks.TensorBoard(Path(options.output_dir) / "logs", write_graph=False)]
