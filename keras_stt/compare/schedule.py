"""All runs of a comparison: some side by side, none twice, and none lost because another failed."""

import contextlib
import dataclasses
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import keras_stt
from keras_stt.compare.experiments import Experiment
from keras_stt.compare.run import Run
from keras_stt.errors import InputError
from keras_stt.report.plots import number

_POLL_SECONDS, _STOP_SECONDS = 0.1, 10


@dataclasses.dataclass
class Plan:
    """The runs of a comparison, the first seed of every experiment before the second of any.

    Attributes:
        runs: all of them, finished or not.
        parallel: how many train at once.
    """

    runs: list[Run]
    parallel: int = 1

    @classmethod
    def of(
        cls, experiments: Sequence[Experiment], folder, seeds: int, budget_cpu_s: float = 0.0, parallel: int = 1
    ) -> "Plan":
        """Each experiment with the seeds 1 to `seeds`, in `folder`/NAME/seed-N."""
        return cls(
            [
                Run(experiment, seed, Path(folder) / experiment.name / f"seed-{seed}", budget_cpu_s)
                for seed in range(1, seeds + 1)
                for experiment in experiments
            ],
            parallel,
        )

    def siblings(self, run: Run) -> list[Run]:
        """The other seeds of its experiment."""
        return [other for other in self.runs if other.experiment.name == run.experiment.name and other is not run]


def trainer_command() -> list[str]:
    """`python train_main.py`, the one beside the package.

    Raises:
        InputError: the package was installed without it.
    """
    path = Path(keras_stt.__file__).resolve().parents[1] / "train_main.py"
    if not path.is_file():
        raise InputError(
            f"{path}: no such file; compare trains with train_main.py, so run it from a checkout of the repository "
            "(pip install -e .)"
        )
    return [sys.executable, str(path)]


def prepare(plan: Plan, rerun_changed: bool = False) -> list[Run]:
    """The runs that are not there yet, with their folders emptied: what cannot go well is said before hours are spent.

    Args:
        rerun_changed: make runs again that were made with other flags, in place of raising.

    Raises:
        InputError: a finished run was made with other flags, or a folder is not ours to empty.
    """
    if not rerun_changed:
        _require_unchanged(plan.runs)
    missing = [run for run in plan.runs if run.changed or not run.finished]
    for run in missing:
        run.clear()
    return missing


def run_all(plan: Plan, missing: Sequence[Run], trainer: Sequence[str], tell: Callable[[str], None] = print) -> None:
    """Makes the missing runs. Whatever goes wrong with one is kept in its `Run.error`, and the others go on.

    With a budget, the first run of an experiment finds out how many steps it allows, and its other seeds take as many.

    Args:
        missing: those of the plan that `prepare` found.
        trainer: the command to which flags are added.
        tell: called with a line for every run that is done.

    Raises:
        KeyboardInterrupt: as it came, when the processes that were running have ended.
    """
    waiting = list(missing)
    progress = _Progress(plan, len(waiting), tell)
    running: dict[Run, subprocess.Popen] = {}
    try:
        while waiting or running:
            ended = {run: process for run, process in running.items() if process.poll() is not None}
            for run, process in ended.items():
                del running[run]
                with _kept_as_its_error(run):
                    run.finish(process.returncode)
                progress.done(run)
            ready = _ready(plan, waiting, running)
            for run in ready:
                waiting.remove(run)
                with _kept_as_its_error(run):
                    running[run] = run.start(trainer, _steps(plan, run), plan.parallel)
                if run.error:
                    progress.done(run)
            if not ended and not ready:
                time.sleep(_POLL_SECONDS)
    finally:
        _stop(running.values())


@contextlib.contextmanager
def _kept_as_its_error(run: Run) -> Iterator[None]:
    try:
        yield
    except (InputError, OSError) as error:
        run.error = str(error)


def _stop(processes: Collection[subprocess.Popen]) -> None:
    """Ends processes that still run; those that do not go in time are killed."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _require_unchanged(runs: Sequence[Run]) -> None:
    changed = [run for run in runs if run.finished and run.changed]
    if changed:
        more = f", and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise InputError(
            f"{changed[0].folder} was made with other flags (asked for now: {changed[0].changed}){more}; give another "
            "--output_dir, or --rerun_changed to make it again"
        )


def _ready(plan: Plan, waiting: Sequence[Run], running: dict) -> list[Run]:
    """The runs that may start now: as many as there is room for, and none whose steps are being found out."""
    ready: list[Run] = []
    for run in waiting:
        if len(running) + len(ready) == plan.parallel:
            break
        pending = any(other in running or other in ready for other in plan.siblings(run))
        if not pending or not run.budget_cpu_s or _done_before(plan, run):
            ready.append(run)
    return ready


def _steps(plan: Plan, run: Run) -> int | None:
    """The steps of another seed that is done; None without a budget, for the first of its experiment, and of checks.

    Raises:
        InputError: the other seed does not tell.
    """
    done = _done_before(plan, run)
    return done.steps_per_epoch() if done and run.budget_cpu_s else None


def _done_before(plan: Plan, run: Run) -> Run | None:
    """Another seed of the same experiment."""
    return next((other for other in plan.siblings(run) if other.finished), None)


class _Progress:
    """A line for every run that is done, with the time that the others may take."""

    def __init__(self, plan: Plan, missing: int, tell: Callable[[str], None]):
        self.plan, self.missing, self.tell = plan, missing, tell
        self.total, self.ended = len(plan.runs), 0
        if missing < self.total:
            tell(f"{self.total - missing} of {self.total} runs are done already")
        self.started = time.monotonic()

    def done(self, run: Run) -> None:
        self.ended += 1
        count = f"[{self.total - self.missing + self.ended}/{self.total}] {run}"
        if run.error:
            self.tell(f"{count}: failed: {run.error}{self._left()}")
            return
        summary = run.summary()
        if "verdict" in summary:
            self.tell(f"{count}: {summary['verdict']}{self._left()}")
            return
        rates = (
            (label, number(summary.get(key))) for key, label in (("test_wer", "utterance WER"), ("dev_wer", "dev WER"))
        )
        shown = [f"{label} {rate:.1%}" for label, rate in rates if rate is not None]
        shown.append(f"{run.record()['wall_seconds']:.0f} s")
        self.tell(f"{count}: {', '.join(shown)}{self._left()}")

    def _left(self) -> str:
        left = self.missing - self.ended
        if not left:
            return ""
        seconds = (time.monotonic() - self.started) / self.ended * left
        return f"; about {seconds:.0f} s left" if seconds < 120 else f"; about {seconds / 60:.0f} min left"
