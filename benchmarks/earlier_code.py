"""The code of an earlier commit, run beside today's: what it reaches now is what the machine allows now."""

import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = "import importlib, json, sys; print(json.dumps(getattr(importlib.import_module(sys.argv[1]), sys.argv[2])()))"


def commit_of_today() -> str:
    """The commit that is checked out. Raises: subprocess.CalledProcessError: this is no git repository."""
    said = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    return said.stdout.strip()


@contextlib.contextmanager
def code_of(commit: str) -> Iterator[Path | None]:
    """A folder with the package and the benchmarks of that commit, as long as it is used; None where it is not known:
    without git, or in a clone that has not the history.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = ["git", "archive", commit, "keras_stt", "benchmarks"]
        try:
            archive = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            yield None
            return
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
            packed.extractall(folder, filter="data")
        yield Path(folder)


def answer(folder: Path, program: str, function: str) -> dict:
    """What a function of a program in its `benchmarks/` returns, in a process of its own.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(folder / "benchmarks")])}
    command = [sys.executable, "-c", PROGRAM, program, function]
    said = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(said.splitlines()[-1])
