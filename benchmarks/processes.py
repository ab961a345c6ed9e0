"""Trains one run on one device and again shared by several devices and processes of this machine: weights and losses
must be the same, of windows and of utterances. Then kills one of the processes in the middle, and goes on with another
number of them.

    python benchmarks/processes.py --folder=NEW_FOLDER

Writes `benchmarks/results/processes.json`.
"""

import argparse
import itertools
import json
import os
import signal
import time
from pathlib import Path

from training_runs import LONGEST, ROOT, finish, history_difference, largest_difference, newest_step, said, start

RESULT = ROOT / "benchmarks/results/processes.json"
VIEWS = {
    "windows": ("--flagfile=flags/tiny.cfg",),
    # All that is drawn is drawn for a row: neither dropout nor masks, which devices draw by themselves.
    "utterances": (
        *("--dataset=synthetic_tiny", "--view=utterance", "--speed=0.1", "--time_masks=2", "--consistency=0.2"),
        *("--model_dim=32", "--audio_blocks=2", "--refiner_blocks=0", "--dropout=0", "--batch_seconds=60"),
        *("--attention_heads=2", "--position=rotary"),
    ),
}
SIZE = (
    *("--epochs=2", "--steps_per_epoch=6", "--checkpoint_steps=2", "--warmup_steps=2"),
    *("--batch_multiple=4", "--test_utterances=2"),
)
DATA = "--distribution=data"
WAYS = {
    "jax": {
        "4 devices": (DATA, "--cpu_devices=4"),
        "4 devices, 2 to a model": ("--distribution=model", "--model_shards=2", "--cpu_devices=4"),
        "2 processes": (DATA, "--num_processes=2"),
        "4 processes": (DATA, "--num_processes=4"),
        "2 processes of 2 devices": (DATA, "--num_processes=2", "--cpu_devices=2"),
    },
    "tensorflow": {
        "4 devices": (DATA, "--cpu_devices=4"),
        "2 processes": (DATA, "--num_processes=2"),
        "4 processes": (DATA, "--num_processes=4"),
    },
}
TOLERANCE = 1e-5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--backends", default="jax,tensorflow", help="comma-separated")
    parser.add_argument("--folder", type=Path, required=True, help="for runs and caches; must be new or empty")
    args = parser.parse_args()
    found = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for backend in args.backends.split(","):
        for view, way in itertools.product(VIEWS, (*WAYS[backend], "one killed")):
            folder = args.folder / backend / view
            killed = way == "one killed"
            result = one_killed(folder, backend, view, 2, 4) if killed else shared(folder, backend, view, way)
            found[f"{backend}, {view}, {way}"] = result
            RESULT.write_text(json.dumps(found, indent=1) + "\n")
            print(f"{backend}, {view}, {way}: {result}", flush=True)


def size_of(folder: Path, view: str) -> tuple[str, ...]:
    return (*VIEWS[view], *SIZE, f"--cache_dir={folder / 'cache'}")


def alone(folder: Path, backend: str, view: str, more: tuple = ()) -> Path:
    """The run on one device, trained where that was not done before."""
    if not (folder / "alone/summary.json").exists():
        finish(folder / "alone", backend, *size_of(folder, view), *more)
    return folder / "alone"


def shared(folder: Path, backend: str, view: str, way: str, more: tuple = ()) -> dict:
    """The run shared in this way, compared with the one that is not.

    Args:
        more: flags of both runs.

    Raises:
        AssertionError: it differs.
    """
    output = folder / way.replace(" ", "_").replace(",", "")
    finish(output, backend, *size_of(folder, view), *WAYS[backend][way], *more)
    return compared(alone(folder, backend, view, more), output)


def compared(one: Path, other: Path) -> dict:
    weights, measured = largest_difference(one, other), history_difference(one, other)
    assert weights < TOLERANCE, f"weights differ by {weights}"
    losses = [abs(json.loads((folder / "summary.json").read_text())["loss"]) for folder in (one, other)]
    assert abs(losses[0] - losses[1]) < TOLERANCE, f"losses: {losses}"
    return {
        "largest_difference_of_a_weight": weights,
        "difference_of_the_loss": abs(losses[0] - losses[1]),
        "largest_difference_in_history": measured,
    }


def one_killed(folder: Path, backend: str, view: str, processes: int, later: int, more: tuple = ()) -> dict:
    """Kills the last of so many processes in the second epoch, and goes on with others.

    Args:
        more: flags of all runs.

    Raises:
        AssertionError: the others did not end, nobody said why, or the result is another.
    """
    output, size = folder / "one_killed", (*size_of(folder, view), *more)
    launcher = start(output, backend, *size, DATA, f"--num_processes={processes}")
    until = time.monotonic() + LONGEST
    while newest_step(output) < 8 and launcher.poll() is None:
        assert time.monotonic() < until, said(output)
        time.sleep(0.01)
    os.kill(children(launcher.pid)[-1], signal.SIGKILL)
    killed = time.monotonic()
    assert launcher.wait(LONGEST) == 1, said(output)
    ended = time.monotonic() - killed
    assert f"process {processes - 1} of {processes} was killed by SIGKILL; the others were stopped" in said(output)
    step = newest_step(output)
    finish(output, backend, *size, *((DATA, f"--num_processes={later}") if later > 1 else ()))
    assert f"going on from step {step}," in said(output)
    return {
        "processes": processes,
        "then": later,
        "killed_after_step": step,
        "seconds_until_all_had_ended": round(ended, 1),
        **compared(alone(folder, backend, view, more), output),
    }


def children(pid: int) -> list[int]:
    """The processes that this one has started, oldest first."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            status = Path(f"/proc/{name}/stat").read_text()
        except OSError:
            continue
        if int(status.rpartition(")")[2].split()[1]) == pid:
            found.append(int(name))
    return sorted(found)


if __name__ == "__main__":
    main()
