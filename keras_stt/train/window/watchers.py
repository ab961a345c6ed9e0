"""What watches a run on windows after every epoch."""

import dataclasses
from collections.abc import Callable

import keras

from keras_stt.errors import InputError
from keras_stt.text import Vocabulary
from keras_stt.train.callbacks.collapse import CollapseMonitor
from keras_stt.train.callbacks.gradients import GradientNorms
from keras_stt.train.window.setup import Setup
from keras_stt.train.window.wer import WordErrorRate

COLLAPSE_WINDOWS = 128  # of dev, each predicted twice
GRADIENT_WINDOWS = 8  # of the first batch: the gradient is taken without a compiled graph


@dataclasses.dataclass(frozen=True)
class Watchers:
    """Callbacks that add to the logs, in the order in which they must come."""

    wer: WordErrorRate
    collapse: CollapseMonitor
    gradients: GradientNorms | None

    @property
    def all(self) -> list[keras.callbacks.Callback]:
        return [watcher for watcher in (self.wer, self.collapse, self.gradients) if watcher is not None]

    def summary(self) -> dict:
        """Whether the model listens."""
        return {"collapse": self.collapse.summary()}


def watchers(setup: Setup, report: Callable[[str], None] = print) -> Watchers:
    """Word errors, signs of collapse and, unless the flags say no, gradients; `report` is told what is wrong.

    Raises:
        InputError: dev is a single window: whether a model listens is told by shuffling the audio of several.
    """
    options = setup.options
    if setup.dev_batches.window_count < 2:
        raise InputError(f"{options.dataset}: dev has a single utterance; give dev two or more (--dev_speakers)")
    reads = options.task == "autoencode"  # the text alone tells it what to say
    return Watchers(
        WordErrorRate(setup.dev_batches, setup.vocabulary, options.passes),
        CollapseMonitor(
            setup.dev_batches,
            output="tokens",
            from_logits=True,
            names=setup.vocabulary.to_list(),
            blanks=Vocabulary.fill_ids,
            shuffle=("token_ids",) if reads else ("features", "feature_lengths"),
            input_name="the text" if reads else "the audio",
            samples=COLLAPSE_WINDOWS,
            stop=options.stop_on_collapse,
            report=report,
        ),
        GradientNorms(*setup.windows(GRADIENT_WINDOWS), report=report) if options.gradient_norms else None,
    )


def epoch_line(setup: Setup) -> Callable[[dict], str]:
    """The loss on tokens beside that of the unigram guess, and WER on dev."""
    guess = setup.unigram_loss

    def describe(logs: dict) -> str:
        return (
            f"loss {logs['tokens_loss']:.3f} (unigram guess {guess:.3f})  "
            f"dev window WER {logs['dev_wer']:.1%} ({logs['dev_wer_with_sil']:.1%} with <sil>)"
        )

    return describe
