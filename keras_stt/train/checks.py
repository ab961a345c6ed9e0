"""Checks of a set-up before it is trusted with a long run: is the objective sound, can the model learn one batch?"""

import keras

from keras_stt.objective_check import check_objective
from keras_stt.train.callbacks.progress import EpochLine, Stopwatch
from keras_stt.train.callbacks.wer import WordErrorRate
from keras_stt.train.fit import compiled_model, fit
from keras_stt.train.setup import Setup
from keras_stt.train.summary import training_summary
from keras_stt.train.versions import versions

HEALTHY_LOSS = 0.01  # nats per token that a batch learned by heart stays below
IDENTITY_BATCHES = 4


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
    stopwatch, learned = Stopwatch(), LearnedByHeart()
    model = compiled_model(setup)
    wer = WordErrorRate(setup.dev_batches, setup.vocabulary, setup.options.passes)
    line = EpochLine(setup.options.epochs, setup.unigram_loss())
    checkpoint = fit(model, setup, [wer, learned, stopwatch, line])
    last = checkpoint.history[-1]
    verdict = "the set-up can learn" if learned.passed else "the set-up is ill, or needs another learning rate"
    return {
        **training_summary(model, setup, stopwatch, checkpoint.history),
        "overfit_batches": setup.options.overfit_batches,
        "healthy": learned.passed,
        "verdict": f"after {stopwatch.steps} steps loss {last['dev_nats']:.4f} (healthy: below {HEALTHY_LOSS}) and WER "
        f"{last['dev_wer']:.1%} (healthy: 0): {verdict}",
    }


class LearnedByHeart(keras.callbacks.Callback):
    """Stops training when the batches it is trained on are known by heart. Comes after `WordErrorRate`."""

    def __init__(self):
        super().__init__()
        self.passed = False

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        self.passed = logs["dev_nats"] < HEALTHY_LOSS and logs["dev_wer"] == 0
        self.model.stop_training = self.model.stop_training or self.passed
