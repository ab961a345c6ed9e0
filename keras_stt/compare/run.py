"""One run of an experiment: its command, its folder, and whether what lies there is what the command would make."""

import contextlib
import csv
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from keras_stt.compare.experiments import Experiment, last_value, read_flags
from keras_stt.compare.hardware import hardware
from keras_stt.errors import InputError
from keras_stt.formats.lines import write_text

RECORD, LOG = "compare.json", "log.txt"


@dataclasses.dataclass(eq=False)  # a run is itself, whatever others look like
class Run:
    """An experiment with one seed. Its folder holds what training leaves there, `compare.json` and `log.txt`.

    Attributes:
        folder: the run's own; emptied before it begins.
        budget_cpu_s: CPU-seconds for training, 0 for as many steps as the flags ask for.
        error: why it failed, in one line; "" as long as it did not.
    """

    experiment: Experiment
    seed: int
    folder: Path
    budget_cpu_s: float = 0.0
    error: str = ""

    def __str__(self) -> str:
        return f"{self.experiment.name} seed {self.seed}"

    @property
    def asked(self) -> dict:
        """What makes this run differ from others: the same here, the same result."""
        return {"flags": list(self.experiment.flags), "seed": self.seed, "budget_cpu_s": self.budget_cpu_s}

    def record(self) -> dict:
        """What `compare.json` says of the run that lies in the folder; empty without one."""
        return _read_json(self.folder / RECORD)

    @property
    def finished(self) -> bool:
        return self.record().get("exit_code") == 0 and bool(self.summary())

    @property
    def changed(self) -> str:
        """What is asked for now and was not when the finished run was made, or the other way; "" when nothing is."""
        made = self.record().get("asked", self.asked)
        was, now = _as_flags(made), _as_flags(self.asked)
        differing = [f"without {flag}" for flag in was if flag not in now] + [f"with {x}" for x in now if x not in was]
        return ", ".join(differing) or ("" if was == now else "with its flags in another order")

    def summary(self) -> dict:
        """What the run says of itself: what was trained, or the `verdict` of a check that trained nothing to keep."""
        return _read_json(self.folder / "summary.json") or _read_json(self.folder / "check.json")

    def history(self) -> list[dict]:
        """A row an epoch, values as text; none where the file is missing or damaged."""
        with (
            contextlib.suppress(OSError, ValueError, csv.Error),
            (self.folder / "history.csv").open(encoding="utf-8", newline="") as file,
        ):
            return list(csv.DictReader(file))
        return []

    def steps_per_epoch(self) -> int | None:
        """Of the finished run, whatever set it; None of a check, which leaves no `flags.cfg`.

        Raises:
            InputError: its `flags.cfg` does not tell.
        """
        path = self.folder / "flags.cfg"
        if not path.exists():
            return None
        steps = last_value(read_flags(path), "steps_per_epoch")
        if not (steps or "").isdecimal() or int(steps) < 1:
            raise InputError(f"{path}: tells no --steps_per_epoch; delete {self.folder} and compare again")
        return int(steps)

    def clear(self) -> None:
        """Empties the folder.

        Raises:
            InputError: something is in it that is not of an earlier comparison, or it cannot be written.
        """
        try:
            if self.folder.exists() and any(self.folder.iterdir()):
                if not (self.folder / RECORD).exists():
                    raise InputError(f"{self.folder} is no earlier run of a comparison; give another --output_dir")
                shutil.rmtree(self.folder)
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.folder}: cannot be emptied ({error.strerror}); give another folder") from error

    def start(self, trainer: Sequence[str], steps_per_epoch: int | None = None, parallel: int = 1) -> subprocess.Popen:
        """Starts training in a process of its own.

        Args:
            trainer: the command to which the flags are added.
            steps_per_epoch: in place of the budget, for the same steps as a run that is done.
            parallel: runs side by side, this one included; with more than one, TensorFlow computes in one thread.
        """
        self.clear()
        self._keep()
        command = [*trainer, f"--flagfile={self.experiment.flagfile}", *self.experiment.extra_flags]
        command += [f"--seed={self.seed}", f"--output_dir={self.folder}"]
        if steps_per_epoch is not None:
            command += ["--budget_cpu_s=0", f"--steps_per_epoch={steps_per_epoch}"]
        elif self.budget_cpu_s:
            command += [f"--budget_cpu_s={self.budget_cpu_s:g}"]
        environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": "1"} if parallel > 1 else None
        self._started, self._parallel = time.monotonic(), parallel
        with (self.folder / LOG).open("wb") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment
            )

    def finish(self, exit_code: int) -> None:
        """Notes how the process ended; a failure becomes `error`."""
        seconds = time.monotonic() - self._started
        if exit_code or not self.summary():
            self.error = self._reason(exit_code)
        self._keep(exit_code=exit_code, wall_seconds=seconds, hardware=hardware() | {"parallel": self._parallel})

    def _keep(self, **outcome) -> None:
        write_text(self.folder / RECORD, json.dumps({"asked": self.asked, **outcome}, indent=1) + "\n")

    def _reason(self, exit_code: int) -> str:
        """The last line that the process wrote."""
        text = (self.folder / LOG).read_text(encoding="utf-8", errors="replace")
        last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it said nothing")
        if exit_code < 0:
            with contextlib.suppress(ValueError):
                return f"killed by {signal.Signals(-exit_code).name}; its last words: {last}"
        return last if exit_code else f"it left neither summary.json nor check.json; its last words: {last}"


def _as_flags(asked: dict) -> list[str]:
    return [*asked["flags"], f"--seed={asked['seed']}", f"--budget_cpu_s={asked['budget_cpu_s']:g}"]


def _read_json(path: Path) -> dict:
    """The object in a file; empty where there is none, or half of one."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
