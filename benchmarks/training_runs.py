"""Runs of train_main.py as a user starts them, and what they left compared: for programs that kill and share them."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 900.0  # seconds that one run may take
MEASURED = re.compile(r"seconds|wer_callback_share")  # differs from run to run


def start(output: Path, backend: str, *flags: str) -> subprocess.Popen:
    """Starts a run, or resumes the one that was begun in `output`. What it says goes to a file beside it; `said`."""
    resume = ["--resume"] if begun(output) else []
    output.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "train_main.py", *flags, f"--output_dir={output}", *resume]
    environment = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with _log(output).open("w") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=environment)


def finish(output: Path, backend: str, *flags: str) -> None:
    """Starts or resumes a run and waits for its end.

    Raises:
        AssertionError: it failed.
    """
    code = start(output, backend, *flags).wait(LONGEST)
    assert code == 0, f"exit code {code}: {said(output)}"


def begun(output: Path) -> bool:
    return (output / "flags.cfg").exists()


def said(output: Path) -> str:
    """What the last run in `output` printed."""
    return _log(output).read_text()


def _log(output: Path) -> Path:
    return output.parent / f"{output.name}.log"


def newest_step(output: Path) -> int:
    """Of the newest checkpoint; 0 without one."""
    names = [path.name for path in (output / "checkpoint").glob("[0-9]*.npz")]
    return max((int(name.split("-")[1]) for name in names), default=0)


def largest_difference(output: Path, other: Path) -> float:
    """Of a weight, between the models of two runs."""
    import keras_stt

    weights = (keras_stt.load_model(folder).get_weights() for folder in (output, other))
    return max(float(np.abs(a.astype(np.float64) - b).max()) for a, b in zip(*weights, strict=True))


def history(output: Path) -> list[dict[str, float]]:
    """What was measured in each epoch, but for times."""
    with (output / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [{name: float(value) for name, value in row.items() if not MEASURED.search(name)} for row in rows]


def history_difference(output: Path, other: Path) -> float:
    """The largest, of anything measured after an epoch.

    Raises:
        AssertionError: other epochs, or other things were measured.
    """
    pairs = list(zip(history(output), history(other), strict=True))
    assert all(one.keys() == two.keys() for one, two in pairs)
    return max(abs(one[name] - two[name]) for one, two in pairs for name in one)
