"""Kills training at random moments and in the middle of writing checkpoints, and resumes it each time; at the end
weights and history must be those of a run that nobody killed.

    python benchmarks/kills.py --kills=20

For each backend and view an unbroken run, then one that is killed so often. Writes `benchmarks/results/kills.json`.
"""

import argparse
import csv
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
RESULT = ROOT / "benchmarks/results/kills.json"
EVERY = 5  # steps between checkpoints
SIZE = ("--epochs=3", "--steps_per_epoch=40", f"--checkpoint_steps={EVERY}", "--warmup_steps=5", "--test_utterances=2")
VIEWS = {
    "window": ("--flagfile=flags/tiny.cfg", "--task=infill", "--mask_schedule=linear", "--dropout=0.1"),
    "utterance": (
        *("--dataset=synthetic_tiny", "--view=utterance", "--alignment_dir=", "--phone_weight=0", "--speed=0.1"),
        *("--model_dim=32", "--audio_blocks=2", "--refiner_blocks=1", "--dropout=0.1", "--time_masks=2"),
        *("--batch_seconds=20", "--attention_heads=2", "--passes=1", "--position=rotary"),
    ),
}
TOLERANCE = {"tensorflow": 0.0, "jax": 0.0, "torch": 1e-6}  # of a weight
MEASURED = re.compile(r"seconds|wer_callback_share")  # differs from run to run
LONGEST = 600.0  # seconds that one life of a run may take


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=20, help="of each run")
    parser.add_argument("--backends", default="tensorflow,jax,torch", help="comma-separated")
    parser.add_argument("--views", default=",".join(VIEWS), help="comma-separated")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--folder", type=Path, required=True, help="for runs and caches; must be new or empty")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    found = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for backend in args.backends.split(","):
        for view in args.views.split(","):
            result = survive(args.folder / f"{backend}-{view}", backend, view, args.kills, args.seed)
            found[f"{backend}, {view}"] = result
            RESULT.write_text(json.dumps(found, indent=1) + "\n")
            print(f"{backend}, {view}: {result}", flush=True)


def survive(folder: Path, backend: str, view: str, kills: int, seed: int) -> dict:
    """An unbroken run and a killed one in `folder`, compared.

    Raises:
        AssertionError: something was lost.
    """
    rng = random.Random(f"{seed} {backend} {view}")
    whole, broken = folder / "whole", folder / "broken"
    unbroken = start(whole, backend, view)
    assert unbroken.wait(LONGEST) == 0, said(whole)
    deaths = []
    while len(deaths) < kills:
        in_writing = len(deaths) % 2 == 1
        death = one_life(broken, backend, view, rng, in_writing)
        if death is None:  # it came to its end before
            break
        deaths.append(death)
    last = start(broken, backend, view)
    assert last.wait(LONGEST) == 0, said(broken)
    difference = largest_difference(whole / "model.keras", broken / "model.keras")
    assert difference <= TOLERANCE[backend], f"weights differ by {difference}"
    assert history(whole, backend) == history(broken, backend), "histories differ"
    left = [path.name for path in (broken / "checkpoint").iterdir() if path.name.startswith(".")]
    assert not left, f"half-written files are left: {left}"
    return {
        "kills": len(deaths),
        "while_writing_a_checkpoint": sum(death["writing"] for death in deaths),
        "before_the_first_checkpoint": sum(death["step"] == 0 for death in deaths),
        "most_steps_lost_to_a_kill": EVERY,
        "largest_difference_of_a_weight": difference,
        "steps": deaths and [death["step"] for death in deaths],
    }


def one_life(output: Path, backend: str, view: str, rng: random.Random, in_writing: bool) -> dict | None:
    """Starts or resumes a run and kills it; None where it has ended by itself.

    Raises:
        AssertionError: it did not go on from the newest checkpoint that was there.
    """
    before = newest_step(output)
    resumed = begun(output)
    process = start(output, backend, view)
    if in_writing:  # after some checkpoints
        writing = wait_for_writing(process, output, rng.randint(1, 4))
    else:
        wait_until(process, lambda: newest_step(output) > before or rng.random() < 1e-4)
        writing = False
        time.sleep(rng.uniform(0, 0.7))
    if process.poll() is not None:
        assert process.returncode == 0, said(output)
        return None
    process.send_signal(signal.SIGKILL)
    process.wait()
    if resumed and before and newest_step(output) > before:
        assert f"going on from step {before}," in said(output), f"not from {before}: {said(output)}"
    return {"writing": writing, "step": newest_step(output)}


def start(output: Path, backend: str, view: str) -> subprocess.Popen:
    resume = ["--resume"] if begun(output) else []
    output.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "train_main.py", *VIEWS[view], *SIZE, f"--output_dir={output}", *resume]
    command.append(f"--cache_dir={output.parent.parent / 'cache'}")
    environment = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "-1"}
    with (output.parent / f"{output.name}.log").open("w") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=environment)


def begun(output: Path) -> bool:
    return (output / "flags.cfg").exists()


def said(output: Path) -> str:
    return (output.parent / f"{output.name}.log").read_text()


def newest_step(output: Path) -> int:
    """Of the newest checkpoint; 0 without one."""
    names = [path.name for path in (output / "checkpoint").glob("[0-9]*.npz")]
    return max((int(name.split("-")[1]) for name in names), default=0)


def wait_until(process: subprocess.Popen, happened) -> None:
    until = time.monotonic() + LONGEST
    while process.poll() is None and not happened():
        assert time.monotonic() < until, "nothing happened"
        time.sleep(0.001)


def wait_for_writing(process: subprocess.Popen, output: Path, count: int) -> bool:
    """Waits until a checkpoint is being written for the `count`th time; whether it still was when seen."""
    folder = output / "checkpoint"

    def is_written() -> bool:
        return folder.is_dir() and any(name.startswith(".writing") for name in os.listdir(folder))

    for _ in range(count):
        wait_until(process, lambda: not is_written())
        wait_until(process, is_written)
    return is_written()


def largest_difference(path, other) -> float:
    import keras_stt

    pairs = zip(keras_stt.load_model(path).get_weights(), keras_stt.load_model(other).get_weights(), strict=True)
    return max(float(np.abs(one.astype(np.float64) - two).max()) for one, two in pairs)


def history(output: Path, backend: str) -> list[dict]:
    """What was measured in each epoch but for times; on torch rounded, since its sums depend on its threads."""
    with (output / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    kept = [{name: value for name, value in row.items() if not MEASURED.search(name)} for row in rows]
    digits = 12 if TOLERANCE[backend] == 0 else 3
    return [{name: round(float(value), digits) for name, value in row.items()} for row in kept]


if __name__ == "__main__":
    main()
