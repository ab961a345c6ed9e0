"""A model, of whatever view, trained as the flags say: from the start, or from the last checkpoint that is whole."""

import dataclasses
import importlib.util
import os
from pathlib import Path

import keras

from keras_stt.data.pipeline import for_short_epoch
from keras_stt.errors import InputError, RunError
from keras_stt.train.callbacks.averaging import AveragedWeights
from keras_stt.train.callbacks.on_one_device import OnOneDevice
from keras_stt.train.callbacks.resumed import ResumedEpoch
from keras_stt.train.checkpoints import (
    Checkpoint,
    CheckpointFolder,
    Progress,
    copy_weights,
    load_weights,
    parts_weighed,
    restore_state,
)
from keras_stt.train.distribution.alone import Alone
from keras_stt.train.not_a_number import LossIsANumber, NotANumber, keep_batch
from keras_stt.train.options import TrainOptions
from keras_stt.train.stop_signals import StopSignals
from keras_stt.train.views import Setup, View


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


def fit(view: View, setup: Setup, callbacks: list, distribution: Alone) -> tuple[keras.Model, Progress]:
    """Trains to the end; the model has the weights that `--keep` names, and lies on one device.

    Where the loss is no number, training goes back to the last checkpoint with half the learning rate, at most
    `--nan_retries` times.

    Args:
        callbacks: what measures; it sees the averaged weights at the end of an epoch. Those that have `state()` and
            `restore(state)` go on where they were. In process 0 alone they are called.
        distribution: over devices and processes.

    Raises:
        RunError: the loss was no number once too often.
        Stopped: a signal asked for it.
    """
    options = setup.options
    folder = checkpoint_folder(options)
    if distribution.process == 0:
        folder.sweep() if options.resume else folder.clear()
    distribution.any(False)  # waits for that
    state, progress = folder.newest() or ({}, Progress())
    _require_same_run(setup, progress, distribution)
    with StopSignals() as stop:
        while True:
            try:
                return _train(view, setup, callbacks, distribution, folder, stop, state, progress), progress
            except NotANumber as found:
                halvings = progress.halvings + 1
                state, progress = folder.newest() or ({}, Progress())
                progress.halvings, progress.run = halvings, run_flags(options, setup.steps_per_epoch)
                _go_back(setup, found, progress, distribution)


def _require_same_run(setup: Setup, progress: Progress, distribution: Alone) -> None:
    """Raises InputError where the checkpoint is of a run of other batches, or the processes see different ones."""
    given = run_flags(setup.options, setup.steps_per_epoch)
    for name, value in progress.run.items():
        if given.get(name) != value:
            raise InputError(
                f"--resume: the checkpoint was made with --{name}={value}, now it is {given.get(name)}; give the flags "
                "of its flags.cfg, or train elsewhere"
            )
    progress.run = given
    at = progress.at(setup.steps_per_epoch) + 1
    if distribution.total(at) != at * distribution.processes:
        raise InputError("--output_dir: the processes see different checkpoints in it; give all the same folder")


def checkpoint_folder(options: TrainOptions) -> CheckpointFolder:
    """Where the checkpoints of a run lie."""
    return CheckpointFolder(Path(options.output_dir) / "checkpoint", options.keep_checkpoints)


def _go_back(setup: Setup, found: NotANumber, progress: Progress, distribution: Alone) -> None:
    """Keeps the batch and says what comes next; raises RunError where that is the end."""
    options = setup.options
    what = str(found)
    if distribution.process == 0:
        kept = keep_batch(setup.batches, found.step, Path(options.output_dir) / "not_a_number")
        what += f"; its batch is in {kept}"
    if progress.halvings > options.nan_retries:
        raise RunError(
            f"{what}; gone back {options.nan_retries} times: lower --learning_rate or --clip_norm, or look at the batch"
        )
    rate = _at_rate(setup, progress).options.learning_rate
    print(
        f"{what}; back to step {progress.at(setup.steps_per_epoch)} with half the learning rate, {rate:.3g} at most "
        f"({progress.halvings} of {options.nan_retries})",
        flush=True,
    )


def _at_rate(setup: Setup, progress: Progress) -> Setup:
    options = setup.options
    rate = options.learning_rate / 2**progress.halvings
    return dataclasses.replace(setup, options=dataclasses.replace(options, learning_rate=rate))


def _train(view, setup, callbacks, distribution, folder, stop, state, progress) -> keras.Model:
    """One try at it, from `state`; `progress` moves with it."""
    options, steps_per_epoch, leads = setup.options, setup.steps_per_epoch, distribution.process == 0
    model, twin = _models(view, _at_rate(setup, progress), distribution, state)
    if leads:
        parameters, shared = f"{model.count_params():,} parameters", _shared_by(distribution)
        print(f"model: {parameters}, {keras.backend.backend()}{shared}", flush=True)
    if leads and options.resume and not state:
        print("no checkpoint yet: training begins at step 0", flush=True)
    if leads and state:
        print(f"going on from step {progress.at(steps_per_epoch)}, epoch {progress.epoch + 1}", flush=True)
    watchers = [callback for callback in callbacks if leads and hasattr(callback, "restore")]
    for watcher in watchers:
        watcher.restore(progress.watchers.get(type(watcher).__name__, {}))
    first_step = progress.at(steps_per_epoch)
    steps = options.epochs * steps_per_epoch - first_step
    if steps > 0 and not distribution.any(_was_stopped(watchers)):
        if distribution.is_shared:
            callbacks = [OnOneDevice(callbacks, twin, distribution)]
        data = distribution.data(setup.batches, first_step, steps)
        with distribution.training():
            model.fit(
                for_short_epoch(data) if progress.steps else data,
                initial_epoch=progress.epoch,
                epochs=options.epochs,
                steps_per_epoch=steps_per_epoch,
                callbacks=[
                    ResumedEpoch(parts_weighed(state, distribution.parts_weight), progress.steps, steps_per_epoch),
                    LossIsANumber(progress, steps_per_epoch),
                    *_averaging(options, progress),
                    *(callbacks if leads else []),
                    Checkpoint(
                        folder, progress, watchers, options.checkpoint_steps, steps_per_epoch, stop, distribution
                    ),
                    *(_tensorboard(options) if leads else []),
                ],
                shuffle=False,  # the plan has shuffled
                verbose="auto" if os.isatty(1) and leads else 0,
            )
    if distribution.is_shared:
        copy_weights(model, twin)
    if leads and options.keep == "best" and progress.best:
        load_weights(twin, folder.read(progress.best)[0])
    return twin


def _models(view: View, setup: Setup, distribution: Alone, state: dict) -> tuple[keras.Model, keras.Model]:
    """The model that is trained, from `state` where there is one, and the one that is looked at: the same, unless it is
    shared by several devices.
    """
    with distribution.making():
        model = view.compiled_model(setup)
        if state:
            restore_state(model, state)
    return model, view.compiled_model(setup) if distribution.is_shared else model


def _shared_by(distribution: Alone) -> str:
    if not distribution.is_shared:
        return ""
    return f", {distribution.replicas} replicas in {distribution.processes} processes"


def run_flags(options: TrainOptions, steps_per_epoch: int) -> dict:
    """What makes a run's batches and their order, so that it must be the same when the run goes on."""
    names = ("view", "dataset", "task", "seed", "batch_size", "batch_seconds", "batch_multiple")
    return {**{name: getattr(options, name) for name in names}, "steps_per_epoch": steps_per_epoch}


def _was_stopped(watchers: list) -> bool:
    """Whether one of them has ended the run before its last epoch."""
    return any(getattr(watcher, "stopped_because", None) for watcher in watchers)


def _averaging(options: TrainOptions, progress: Progress) -> list:
    """Puts the average of the weights into the model at the end of each epoch, before it is evaluated and saved."""
    # A checkpoint after an epoch is written while the average is in the model: the next begins by taking it out.
    return [AveragedWeights(in_model=progress.epoch > 0 and not progress.steps)] if options.weight_average else []


def _tensorboard(options: TrainOptions) -> list:
    """TensorBoard's logs, for those who have it installed, and TensorFlow, by which Keras writes them."""
    if not all(map(importlib.util.find_spec, ("tensorboard", "tensorflow"))):
        return []
    return [keras.callbacks.TensorBoard(Path(options.output_dir) / "logs", write_graph=False)]
