"""Signals that ask a run to stop: it ends with a checkpoint, not in the middle of a step."""

import signal
import sys
import threading


class Stopped(Exception):
    """A run has done what a signal asked.

    Attributes:
        exit_code: of the process, 128 and the signal's number, as shells have it: 130 for Ctrl-C, 143 for SIGTERM.
        step: the steps that are saved.
    """

    def __init__(self, signal_number: int, step: int):
        super().__init__(f"{signal.Signals(signal_number).name} after step {step}")
        self.exit_code, self.step = 128 + signal_number, step


class StopSignals:
    """Within `with`, Ctrl-C and SIGTERM (what a cluster sends before it kills) only set `asked`; a second one of the
    same kind acts at once, as if this were not here.

    In other threads than the main one signals cannot be caught, and nothing is changed.
    """

    caught = (signal.SIGINT, signal.SIGTERM)

    def __init__(self):
        self.asked: int | None = None
        self._before: dict = {}

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in self.caught}
        return self

    def __exit__(self, *raised) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame) -> None:
        self.asked = number
        signal.signal(number, self._before[number])
        print("stopping with a checkpoint after this step; once more stops at once", file=sys.stderr, flush=True)

    def obey(self, step: int) -> None:
        """Raises Stopped; where another process was asked, as if this one were."""
        raise Stopped(self.asked or signal.SIGTERM, step)
