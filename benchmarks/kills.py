"""Kills training at random moments and in the middle of writing checkpoints, and resumes it each time; at the end
weights and history must be those of a run that nobody killed.

    python benchmarks/kills.py --kills=20 --folder=NEW_FOLDER

For each backend and view an unbroken run, then one that is killed so often. Writes `benchmarks/results/kills.json`.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from training_runs import (
    LONGEST,
    ROOT,
    begun,
    finish,
    history_difference,
    largest_difference,
    newest_step,
    said,
    start,
)

sys.path.insert(0, str(ROOT))
from keras_stt.formats.whole_file import TEMPORARY  # noqa: E402 (of this very copy)

RESULT = ROOT / "benchmarks/results/kills.json"
EVERY = 5  # steps between checkpoints
SIZE = ("--epochs=3", "--steps_per_epoch=40", f"--checkpoint_steps={EVERY}", "--warmup_steps=5", "--test_utterances=2")
VIEWS = {
    "window": ("--flagfile=flags/tiny.cfg", "--task=infill", "--mask_schedule=linear", "--dropout=0.1"),
    "utterance": (
        *("--dataset=synthetic_tiny", "--view=utterance", "--phone_weight=0", "--speed=0.1", "--time_masks=2"),
        *("--model_dim=32", "--audio_blocks=2", "--refiner_blocks=1", "--dropout=0.1", "--batch_seconds=20"),
        *("--attention_heads=2", "--passes=1", "--position=rotary"),
    ),
}
TOLERANCE = {"tensorflow": 0.0, "jax": 0.0, "torch": 1e-6}  # of a weight
FORK_SECONDS = 0.7  # after a checkpoint, the latest moment of a kill


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=20, help="of each run")
    parser.add_argument("--backends", default="tensorflow,jax,torch", help="comma-separated")
    parser.add_argument("--views", default=",".join(VIEWS), help="comma-separated")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--folder", type=Path, required=True, help="for runs and caches; must be new or empty")
    args = parser.parse_args()
    found = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for backend in args.backends.split(","):
        for view in args.views.split(","):
            result = survive(args.folder / f"{backend}-{view}", backend, view, args.kills, args.seed)
            found[f"{backend}, {view}"] = result
            RESULT.write_text(json.dumps(found, indent=1) + "\n")
            print(f"{backend}, {view}: {result}", flush=True)


def survive(folder: Path, backend: str, view: str, kills: int, seed: int, more: tuple = ()) -> dict:
    """An unbroken run and a killed one in `folder`, compared.

    Args:
        more: flags of both.

    Raises:
        AssertionError: something was lost.
    """
    rng = random.Random(f"{seed} {backend} {view}")
    whole, broken = folder / "whole", folder / "broken"
    flags = (*VIEWS[view], *SIZE, f"--cache_dir={folder / 'cache'}", *more)
    finish(whole, backend, *flags)
    deaths: list[dict] = []
    while len(deaths) < kills:
        death = one_life(broken, backend, flags, rng, in_writing=len(deaths) % 2 == 1)
        if death is None:  # it came to its end before
            break
        deaths.append(death)
    finish(broken, backend, *flags)
    difference, measured = largest_difference(whole, broken), history_difference(whole, broken)
    assert difference <= TOLERANCE[backend], f"weights differ by {difference}"
    assert measured <= (1e-3 if TOLERANCE[backend] else 0), f"histories differ by {measured}"
    left = [path.name for path in (broken / "checkpoint").iterdir() if path.name.startswith(".")]
    assert not left, f"half-written files are left: {left}"
    return {
        "kills": len(deaths),
        "while_writing_a_checkpoint": sum(death["writing"] for death in deaths),
        "before_the_first_checkpoint": sum(death["step"] == 0 for death in deaths),
        "newest_checkpoint_at_each_kill": [death["step"] for death in deaths],
        "steps_between_checkpoints": EVERY,
        "largest_difference_of_a_weight": difference,
        "largest_difference_in_history": measured,
    }


def one_life(output: Path, backend: str, flags: tuple, rng: random.Random, in_writing: bool) -> dict | None:
    """Starts or resumes a run and kills it; None where it has ended by itself.

    Raises:
        AssertionError: it did not go on from the newest checkpoint that was there.
    """
    before, resumed = newest_step(output), begun(output)
    process = start(output, backend, *flags)
    if in_writing:
        wait_for_writing(process, output, rng.randint(1, 4))
    else:  # at any moment, of its preparations too
        early = time.monotonic() + rng.uniform(0, 20) if rng.random() < 0.3 else float("inf")
        wait_until(process, lambda: newest_step(output) > before or time.monotonic() > early)
        time.sleep(rng.uniform(0, FORK_SECONDS))
    if process.poll() is not None:
        assert process.returncode == 0, said(output)
        return None
    process.send_signal(signal.SIGKILL)
    process.wait()
    after = newest_step(output)
    assert after >= before, f"the checkpoint of step {before} is lost"
    if resumed and before and after > before:
        assert f"going on from step {before}," in said(output), f"not from {before}: {said(output)}"
    return {"writing": is_half_written(output), "step": after}


def wait_until(process: subprocess.Popen, happened) -> None:
    until = time.monotonic() + LONGEST
    while process.poll() is None and not happened():
        assert time.monotonic() < until, "nothing happened"
        time.sleep(0.001)


def is_half_written(output: Path) -> bool:
    """Whether a checkpoint is being written, or was when the process was killed."""
    folder = output / "checkpoint"
    return folder.is_dir() and any(name.startswith(TEMPORARY) for name in os.listdir(folder))


def wait_for_writing(process: subprocess.Popen, output: Path, count: int) -> None:
    """Waits until a checkpoint is being written for the `count`th time."""
    for _ in range(count):
        wait_until(process, lambda: not is_half_written(output))
        wait_until(process, lambda: is_half_written(output))


if __name__ == "__main__":
    main()
