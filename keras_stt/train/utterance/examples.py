"""The utterances that a run on whole utterances shows in its report."""

import numpy as np

from keras_stt.evidence.example import Example
from keras_stt.evidence.utterance import utterance_examples
from keras_stt.train.corpus import with_records
from keras_stt.train.utterance.setup import Setup


def examples(model, setup: Setup, results: list, found: dict) -> list[tuple[Example, np.ndarray]]:
    """Each with its samples, 16 kHz; `found` are the figures of the evaluation."""
    chosen = with_records(setup.splits["test"], results, setup.options.test_utterances)
    return utterance_examples(model, chosen, setup.options.passes, found.get("lead", 0.0))
