"""Which backend is chosen and why, and whether it works: in a process of its own, beside all else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras_stt
from keras_stt.chosen_backend import BACKENDS, chosen_backend
from keras_stt.doctor.finding import BROKEN, OK, Finding
from keras_stt.errors import one_line

LONGEST_SECONDS = 240.0  # some ten times what it takes
_LAST = 300  # characters of what a process said last


class Probe:
    """Imports the backend and loads the models that come along, from when it is made until `findings` is called."""

    def __init__(self):
        self.backend, named_by = chosen_backend()
        self.why = f"by {named_by}" if named_by else "as nothing else is asked for (KERAS_BACKEND)"
        self._process = None
        if self.backend in BACKENDS:
            root = str(Path(keras_stt.__file__).resolve().parents[1])
            paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "keras_stt.doctor.probe"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": os.pathsep.join(paths)},
            )

    def findings(self, seconds: float = LONGEST_SECONDS) -> list[Finding]:
        """What it has found out within so many seconds."""
        told = f"{self.backend}, {self.why}"
        if self._process is None:
            fix = f"set KERAS_BACKEND to one of {', '.join(BACKENDS)}"
            return [Finding("backend", BROKEN, told, fix)]
        try:
            output, errors = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            output, errors = self._process.communicate()
            errors = f"took more than {seconds:.0f} s"
        return [Finding("backend", OK, told), *_read(output), *self._failure(errors)]

    def stop(self) -> None:
        """Ends the process where it is still at work."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def _failure(self, errors: str) -> list[Finding]:
        if self._process.returncode == 0:
            return []
        last = one_line(errors.strip().rpartition("\n")[2])[:_LAST] or f"ended with {self._process.returncode}"
        others = " or ".join(name for name in BACKENDS if name != self.backend)
        fix = f"pip install --upgrade keras {self.backend}, or set KERAS_BACKEND to {others}"
        return [Finding("backend works", BROKEN, last, fix)]


def _read(output: str) -> list[Finding]:
    return [Finding(state=OK, **json.loads(line)) for line in output.splitlines() if line.startswith('{"name"')]
