"""Word error rate on windows of dev after every epoch."""

import time

import keras

from keras_stt.evaluation import window_errors
from keras_stt.text import Vocabulary


class WordErrorRate(keras.callbacks.Callback):
    """Decodes the windows of dev in batches and adds to the logs:

    `dev_wer`, `dev_wer_with_sil` (in which `<sil>` counts as a word), `dev_masked_error` (hidden words not said in
    their own slot) and `dev_wer_seconds`, what this took.

    Args:
        batches: of dev, with as many windows as cover each word once, so that it stays cheap beside the epoch.
        passes: refinement passes.
    """

    def __init__(self, batches, vocabulary: Vocabulary, passes: int = 1):
        super().__init__()
        self.batches, self.vocabulary, self.passes = batches, vocabulary, passes
        self.seconds: list[float] = []

    def on_epoch_end(self, epoch, logs=None):
        started = time.perf_counter()
        errors = window_errors(self.model.predict_on_batch, self.batches, self.vocabulary, self.passes)
        self.seconds.append(time.perf_counter() - started)
        if logs is not None:
            logs.update({f"dev_{name}": value for name, value in errors.items()})
            logs["dev_wer_seconds"] = self.seconds[-1]
