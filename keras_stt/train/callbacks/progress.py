"""What a run measures of itself while it trains."""

import resource
import sys
import time

import keras


def cpu_seconds() -> float:
    """User and system time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_memory_mb() -> float:
    """The most memory this process has held, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kilobytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


class Stopwatch(keras.callbacks.Callback):
    """Times of a run: `first_step_seconds`, `train_seconds`, `train_cpu_seconds`; and `seconds` of each epoch.

    Compilation and validation are counted: they are what a user waits for.
    """

    def __init__(self):
        super().__init__()
        self.first_step_seconds = self.train_seconds = self.train_cpu_seconds = 0.0
        self.steps = 0

    def on_train_begin(self, logs=None):
        self._started, self._cpu_started = time.perf_counter(), cpu_seconds()

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps == 1:
            self.first_step_seconds = time.perf_counter() - self._started

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch_started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs["seconds"] = time.perf_counter() - self._epoch_started

    def on_train_end(self, logs=None):
        self.train_seconds = time.perf_counter() - self._started
        self.train_cpu_seconds = cpu_seconds() - self._cpu_started


class EpochLine(keras.callbacks.Callback):
    """Prints one line an epoch: loss beside the loss of the unigram guess, dev WER, time."""

    def __init__(self, epochs: int, unigram_loss: float):
        super().__init__()
        self.epochs, self.unigram_loss = epochs, unigram_loss

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        share = logs["dev_wer_seconds"] / max(logs["seconds"], 1e-9)
        print(
            f"epoch {epoch + 1}/{self.epochs}  loss {logs['tokens_loss']:.3f} (unigram guess {self.unigram_loss:.3f})  "
            f"dev window WER {logs['dev_wer']:.1%} ({logs['dev_wer_with_sil']:.1%} with <sil>)  "
            f"{logs['seconds']:.0f} s, of which WER {share:.1%}",
            flush=True,
        )
