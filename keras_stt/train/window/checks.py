"""Checks of a set-up before it is trusted with a long run: is the objective sound, can the model learn one batch?"""

import math

import keras

from keras_stt.data.pipeline import training_data
from keras_stt.objective_check import check_objective
from keras_stt.train.callbacks.progress import EpochLine, Stopwatch
from keras_stt.train.summary import training_summary
from keras_stt.train.versions import versions
from keras_stt.train.window.evaluation import figures
from keras_stt.train.window.model import compiled_model
from keras_stt.train.window.setup import Setup
from keras_stt.train.window.watchers import epoch_line
from keras_stt.train.window.wer import WordErrorRate

HEALTHY_LOSS = 0.01  # nats per token that a batch learned by heart stays below
IDENTITY_BATCHES = 4


def check(setup: Setup) -> dict | None:
    """The check that the flags ask for instead of training, done; None where they ask for none."""
    if setup.options.task == "identity":
        return identity(setup)
    return overfit(setup) if setup.options.overfit_batches else None


def identity(setup: Setup) -> dict:
    """The diary's identity test: feeds the targets back as a perfect answer, which must score the least."""
    targets = [setup.batches[step][1]["tokens"] for step in range(min(IDENTITY_BATCHES, len(setup.batches)))]
    found = check_objective(setup.token_loss(), targets, len(setup.vocabulary))
    return {
        **{name: getattr(setup.options, name) for name in ("task", "dataset", "loss", "class_weighting", "seed")},
        **{name: getattr(found, name) for name in ("perfect_loss", "one_wrong_loss", "commonest_loss", "verdict")},
        "healthy": found.sound,
        "versions": versions(),
    }


def overfit(setup: Setup) -> dict:
    """Trains on some batches alone until they are known by heart, which a healthy set-up reaches in minutes."""
    options = setup.options
    model, stopwatch, learned = compiled_model(setup), Stopwatch(), LearnedByHeart(healthy_loss(setup))
    watch = [WordErrorRate(setup.dev_batches, setup.vocabulary, options.passes), learned, stopwatch]
    history = model.fit(
        training_data(setup.batches, 0, setup.steps),
        epochs=options.epochs,
        steps_per_epoch=setup.steps_per_epoch,
        callbacks=[*watch, EpochLine(options.epochs, epoch_line(setup))],
        shuffle=False,
        verbose=0,
    ).history
    epochs = [dict(zip(history, values, strict=True)) for values in zip(*history.values(), strict=True)]
    verdict = "the set-up can learn" if learned.passed else "the set-up is ill, or needs another learning rate"
    return {
        **training_summary(model, setup, stopwatch, epochs, epochs[-1]),
        **figures(setup, epochs),
        "overfit_batches": options.overfit_batches,
        "healthy": learned.passed,
        "verdict": f"after {stopwatch.steps} steps loss {epochs[-1]['dev_nats']:.4f} (healthy: below "
        f"{learned.healthy_loss:.2f}) and WER {epochs[-1]['dev_wer']:.1%} (healthy: 0): {verdict}",
    }


def healthy_loss(setup: Setup) -> float:
    """Nats per token that batches learned by heart stay below; smoothed targets leave some to a perfect answer."""
    smoothing = setup.options.label_smoothing
    return HEALTHY_LOSS - math.log(1 - smoothing + smoothing / len(setup.vocabulary))


class LearnedByHeart(keras.callbacks.Callback):
    """Stops training when the batches it is trained on are known by heart. Comes after `WordErrorRate`."""

    def __init__(self, healthy_loss: float):
        super().__init__()
        self.healthy_loss, self.passed = healthy_loss, False

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        self.passed = logs["dev_nats"] < self.healthy_loss and logs["dev_wer"] == 0
        self.model.stop_training = self.model.stop_training or self.passed
