"""Programs that wait for each other: where two ways cannot share one, as with two backends of Keras.

A benchmark starts itself again as `PROGRAM --work KIND ...`, which makes ready what it measures, says so in a line of
JSON, and answers every line it is sent with another.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

BACKENDS = ("torch", "tensorflow", "jax")
# What a user's home or environment holds of JAX's compiled programs would make a first step look short.
NOTHING_COMPILED = {"JAX_ENABLE_COMPILATION_CACHE": "false"}


def work(said: dict, do: Callable[[dict], object]) -> None:
    """The program's side: says `said`, then does what is asked for, and tells what that took and what it gave."""
    print(json.dumps(said), flush=True)
    for line in sys.stdin:
        began = time.process_time()
        gave = do(json.loads(line))
        print(json.dumps({"cpu_seconds": time.process_time() - began, "gave": gave}), flush=True)


class Worker:
    """The benchmark's side.

    Attributes:
        said: what the program said when it was ready.
        cpu_seconds: of all that it was asked for.
        gave: what it gave, each time.
    """

    def __init__(self, program: str, *arguments: str, backend: str | None = None):
        """Starts a benchmark with `--work` and these arguments, under a backend of Keras where one is given."""
        environment = {**os.environ, **NOTHING_COMPILED, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        if backend:
            environment["KERAS_BACKEND"] = backend
        command, pipe = [sys.executable, program, "--work", *arguments], subprocess.PIPE
        self.process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)
        self.said, self.cpu_seconds, self.gave = self._answer(), 0.0, []

    def __call__(self, asked: dict | None = None) -> None:
        self.process.stdin.write(json.dumps(asked or {}) + "\n")
        self.process.stdin.flush()
        answer = self._answer()
        self.cpu_seconds += answer["cpu_seconds"]
        self.gave.append(answer["gave"])

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()

    def _answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{' '.join(self.process.args[1:])}: ended with code {self.process.wait()}")
        return json.loads(line)


def clock_of(workers: dict[str, Worker]) -> Callable[[], float]:
    """The time that all of them have worked, as `rounds.in_turn` takes a clock."""
    return lambda: sum(worker.cpu_seconds for worker in workers.values())
