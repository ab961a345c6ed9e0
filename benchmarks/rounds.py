"""How every speed is measured here: us and a peer in turn, round by round, in one process on one core.

A machine that does other work, or whose clock changes, slows both alike. So each round runs every way once, the ratio
of two ways is taken within a round, and the median over the rounds counts. Time is CPU time, which does not run while
others have the core. What is written down has the machine and all versions beside it.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from statistics import median

from keras_stt.compare.hardware import hardware
from keras_stt.formats.lines import write_text
from keras_stt.train.versions import versions

RESULTS = Path(__file__).resolve().parent / "results"
ROUNDS = 5
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    "1",
)

Seconds = dict[str, list[float]]  # of every way, those of each round


def on_one_core() -> None:
    """Starts this program again with one thread on one core; libraries count threads only when they are loaded."""
    if all(os.environ.get(name) == value for name, value in ONE_THREAD.items()):
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})


def in_turn(
    ways: dict[str, Callable[[], object]], rounds: int = ROUNDS, clock: Callable[[], float] = time.process_time
) -> Seconds:
    """What each way takes in each of so many rounds, in which every way runs once.

    Each runs once before, unmeasured: what is loaded, compiled or cached once is not what is compared. Every second
    round goes backwards, so that no way is always the one that runs on a cold cache.

    Args:
        ways: what is measured, by name.
        clock: `time.process_time`, `time.perf_counter`, or `seconds_of_children` for ways that start programs.
    """
    for run in ways.values():
        run()
    seconds: Seconds = {name: [] for name in ways}
    for number in range(rounds):
        for name in list(ways)[:: -1 if number % 2 else 1]:
            began = clock()
            ways[name]()
            seconds[name].append(clock() - began)
    return seconds


def seconds_of_children() -> float:
    """CPU time of all programs that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def times_as_fast(seconds: Seconds, ours: str, peer: str) -> float:
    """How many times as fast as `peer` our way is: the median of the ratios of each round."""
    return median(theirs / own for own, theirs in zip(seconds[ours], seconds[peer], strict=True))


def write_results(name: str, found: dict, packages: Iterable[str] = ()) -> Path:
    """Writes `results/NAME.json`: `found`, the machine, and the versions of this package, its own and `packages`."""
    known = versions() | {package: metadata.version(package) for package in packages}
    path = RESULTS / f"{name}.json"
    write_text(path, json.dumps({**found, "machine": hardware(), "versions": known}, indent=1) + "\n")
    return path


def read_results(name: str):
    """What stands in `results/NAME.json`."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
