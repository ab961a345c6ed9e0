"""What a run measures of itself while it trains."""

import resource
import sys
import time
from collections.abc import Callable

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
    """Times of a run: `first_step_seconds`, `train_seconds`, `train_cpu_seconds`, `steps`; adds to the logs of each
    epoch its `seconds` and the `train_seconds`, `train_cpu_seconds` and `steps` since training began, resumed or not.

    Compilation and validation are counted: they are what a user waits for.
    """

    def __init__(self):
        super().__init__()
        self.first_step_seconds = self.train_seconds = self.train_cpu_seconds = 0.0
        self.steps = 0
        self._before, self._epoch_before = (0.0, 0.0), 0.0

    def state(self) -> dict:
        """What it goes on from, in a checkpoint."""
        self._count()
        names = ("train_seconds", "train_cpu_seconds", "steps")
        return {**{name: getattr(self, name) for name in names}, "epoch_seconds": self._epoch_seconds()}

    def restore(self, state: dict) -> None:
        """Counts on from there; from nothing where it is empty."""
        self._before = state.get("train_seconds", 0.0), state.get("train_cpu_seconds", 0.0)
        self.train_seconds, self.train_cpu_seconds = self._before  # of a run that has nothing left to do, too
        self._epoch_before = state.get("epoch_seconds", 0.0)
        self.steps = int(state.get("steps", 0))

    def on_train_begin(self, logs=None):
        self._started, self._cpu_started = time.perf_counter(), cpu_seconds()

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if not self.first_step_seconds:
            self.first_step_seconds = time.perf_counter() - self._started

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch_started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self._count()
        if logs is not None:
            logs["seconds"] = self._epoch_seconds()
            logs |= {name: getattr(self, name) for name in ("train_seconds", "train_cpu_seconds", "steps")}
        self._epoch_before, self._epoch_started = 0.0, time.perf_counter()

    def on_train_end(self, logs=None):
        self._count()

    def _epoch_seconds(self) -> float:
        return self._epoch_before + time.perf_counter() - self._epoch_started

    def _count(self) -> None:
        seconds, on_cpu = self._before
        self.train_seconds = seconds + time.perf_counter() - self._started
        self.train_cpu_seconds = on_cpu + cpu_seconds() - self._cpu_started


class EpochLine(keras.callbacks.Callback):
    """Prints one line an epoch: what `describe` says of its logs, and its time."""

    def __init__(self, epochs: int, describe: Callable[[dict], str]):
        super().__init__()
        self.epochs, self.describe = epochs, describe

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        share = logs["dev_wer_seconds"] / max(logs["seconds"], 1e-9)
        print(
            f"epoch {epoch + 1}/{self.epochs}  {self.describe(logs)}  "
            f"{logs['seconds']:.0f} s, of which WER {share:.1%}",
            flush=True,
        )
