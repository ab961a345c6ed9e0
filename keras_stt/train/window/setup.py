"""What a run on windows trains on: the corpus opened, its vocabulary, and the batches of its task."""

import dataclasses
import functools
from pathlib import Path

import numpy as np

from keras_stt.data.batches import RepeatedBatches, WindowBatches
from keras_stt.data.index import Index
from keras_stt.losses import MaskedTokenLoss, class_weights, token_loss
from keras_stt.text import Vocabulary
from keras_stt.train.corpus import Split, open_splits
from keras_stt.train.options import TrainOptions
from keras_stt.train.window.batching import evaluation_batches, overfit_batches, require_window_fits, train_batches
from keras_stt.unigram import guess_loss, unigram_distribution


@dataclasses.dataclass(frozen=True)
class Setup:
    """All that training reads.

    Attributes:
        options: as resolved.
        splits: train, dev and test by name.
        batches, dev_batches: what is trained on and what each epoch is judged by; the same with `overfit_batches`.
        unigram: how common each token is among those asked for, `(V,)`.
    """

    options: TrainOptions
    splits: dict[str, Split]
    vocabulary: Vocabulary
    batches: WindowBatches | RepeatedBatches
    dev_batches: WindowBatches | RepeatedBatches
    unigram: np.ndarray

    @property
    def steps_per_epoch(self) -> int:
        return self.options.steps_per_epoch or len(self.batches)

    @property
    def steps(self) -> int:
        return self.options.epochs * self.steps_per_epoch

    def token_loss(self) -> MaskedTokenLoss:
        """The loss on tokens that the flags ask for, its weights by how often training asks for each token."""
        options, asked = self.options, self.batches.window_count * self.options.text_context
        pad_id = self.batches.shape.pad_id(self.vocabulary)
        weights = class_weights(np.rint(self.unigram * asked), options.class_weighting, pad_id, options.pad_weight)
        focal = options.class_weighting == "focal"
        return token_loss(options.loss, options.label_smoothing, weights, focal)

    @functools.cached_property
    def unigram_loss(self) -> float:
        """What that loss shows for a model that only knows how common each token is."""
        steps = range(min(GUESSED_STEPS, len(self.batches)))
        return guess_loss(self.token_loss(), (self.batches[step][1]["tokens"] for step in steps), self.unigram)

    def windows(self, count: int) -> tuple[dict, dict]:
        """The first windows of training, at most a batch: inputs and targets."""
        inputs, targets = self.batches[0]
        return tuple({name: value[:count] for name, value in part.items()} for part in (inputs, targets))

    def with_steps_per_epoch(self, steps: int) -> "Setup":
        """The same with so many steps in an epoch; what is masked moves with them."""
        options = dataclasses.replace(self.options, steps_per_epoch=steps, budget_cpu_s=0.0)
        return dataclasses.replace(self, options=options, batches=_train_batches(options, self.splits, self.vocabulary))


GUESSED_STEPS = 50  # on which the loss of the unigram guess is taken
# Options of the over-fit check, which ends as soon as it is passed.
OVERFIT = {"steps_per_epoch": 50, "epochs": 30, "weight_average": 0.0, "keep": "last"}


def prepare(options: TrainOptions, output: Path | None = None) -> Setup:
    """Opens the corpus; what was skipped of it is listed in the folder `output`.

    Raises:
        FlagError, InputError: the corpus is not there, or no window fits into it.
    """
    if options.overfit_batches:
        options = dataclasses.replace(options, **OVERFIT)
    splits = open_splits(options, output)
    require_window_fits(options, splits)
    vocabulary = Vocabulary.from_counts(splits["train"].index.vocabulary_counts(), options.vocabulary_size or None)
    batches = _train_batches(options, splits, vocabulary)
    dev_batches = batches if options.overfit_batches else evaluation_batches(options, splits["dev"], vocabulary)
    setup = Setup(options, splits, vocabulary, batches, dev_batches, unigram_distribution(batches, vocabulary))
    _print_corpus(setup)
    return setup


def _train_batches(options: TrainOptions, splits: dict[str, Split], vocabulary: Vocabulary):
    make = overfit_batches if options.overfit_batches else train_batches
    return make(options, splits["train"], vocabulary)


def _print_corpus(setup: Setup) -> None:
    for name, split in setup.splits.items():
        index = split.index
        words = int(index.word_counts.sum())
        unknown = unknown_words(index, setup.vocabulary)
        short = int((index.word_counts < setup.options.text_context).sum())
        print(
            f"{name}: {len(index):,} utterances, {index.hours:.2f} h, {len(index.speakers)} speakers, "
            f"{words:,} words ({unknown / max(words, 1):.1%} unknown); {short:,} utterances shorter than a window"
            + (f"; skipped {split.skipped}" if split.skipped else ""),
            flush=True,
        )
    print(f"vocabulary: {len(setup.vocabulary):,} tokens; {setup.batches.window_count:,} training windows", flush=True)


def unknown_words(index: Index, vocabulary: Vocabulary) -> int:
    """Words of the corpus, counted as often as they are said, that are not in the vocabulary."""
    return sum(count for word, count in index.vocabulary_counts().items() if word not in vocabulary)
