"""The views of the data that a run can train in: what a sample is, and all that follows from it.

A view is a module, imported when a run asks for it by `--view`, that has the functions of `View`. What views share is
beside this file and never imports one: options, corpus, optimizers, budget, the loop and its checkpoints, outputs.
"""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import keras

from keras_stt.train.corpus import Split
from keras_stt.train.options import TrainOptions

PACKAGE = "keras_stt.train"  # each view is the module of its name in it; the names are in `option_checks.VIEWS`


class Setup(Protocol):
    """All that training reads.

    Attributes:
        options: as resolved.
        splits: train, dev and test by name.
        batches: what is trained on; `batches[step]` is `(inputs, targets)`, dicts of arrays, a pure function of the
            step for any step of the run; `len(batches)` steps see all once. `inputs["feature_lengths"]` counts frames
            of 10 ms.
        steps_per_epoch: of the flags, or else `len(batches)`.
    """

    options: TrainOptions
    splits: dict[str, Split]
    batches: object
    steps_per_epoch: int

    def with_steps_per_epoch(self, steps: int) -> "Setup":
        """The same with so many steps in an epoch and the budget of CPU-seconds, which gave that number, spent."""


class Watchers(Protocol):
    """What watches a run after every epoch.

    Attributes:
        all: callbacks in the order in which they must come. At the end of an epoch, when the averaged weights are in
            the model, they add to the logs `dev_wer`, by which the best epoch is found, `dev_wer_seconds`, what it
            took, and whatever else history and summary are to show; the summary takes all that begins with `dev_`.
    """

    all: list[keras.callbacks.Callback]

    def summary(self) -> dict:
        """What they found in the whole run, for `summary.json`."""


class View(Protocol):
    """The functions that `run.train` calls, in this order."""

    def prepare(self, options: TrainOptions, output: Path | None = None) -> Setup:
        """Opens the corpus, prints what it is, and makes batches; FlagError or InputError where that cannot be.

        Records that are not used are listed in the folder `output`, by then or by the time of the error.
        """

    def check(self, setup: Setup) -> dict | None:
        """What a check of the set-up found, where the flags ask for one instead of training; None where they do not.

        A check has `healthy`, true or false, and `verdict`, a sentence.
        """

    def compiled_model(self, setup: Setup) -> keras.Model:
        """The model from the run's seed, compiled, with the variables of optimizer and losses made.

        It has a `training_record`, a dict that `model.save` keeps.
        """

    def watchers(self, setup: Setup, report: Callable[[str], None] = print) -> Watchers:
        """What watches this run; `report` is told what is wrong."""

    def epoch_line(self, setup: Setup) -> Callable[[dict], str]:
        """Logs of an epoch to what the line of progress says of them; what it compares them with is computed now."""

    def figures(self, setup: Setup, history: list[dict]) -> dict:
        """What `summary.json` says of this view's corpus and training, `loss` at least; `history` is of every epoch."""

    def evaluate(self, model, setup: Setup) -> tuple[dict, list]:
        """Final figures, and the results of test utterances for the report.

        The figures have `test_wer` and `test_wer_of`, what it is measured on, and `test_wer_interval` where it is
        measured on whole utterances.
        """

    def examples(self, model, setup: Setup, results: list, found: dict) -> list:
        """Test utterances worth looking at, `evidence.example.Example` and samples of each, for the report.

        `results` and `found` are what `evaluate` gave.
        """


def view_of(options: TrainOptions) -> View:
    """The view that the options ask for."""
    return importlib.import_module(f"{PACKAGE}.{options.view}")
