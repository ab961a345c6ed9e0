"""Parts made by Ray Data: here, or on a cluster by its address. A worker that dies is replaced, its part begun again.

The local Ray has no dashboard, sends no usage statistics, listens on the loopback alone and ends with the command.
"""

import contextlib
import dataclasses
import logging
import os
import pickle
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence

from tqdm import tqdm

from keras_stt.bulk.parts import Part, missing
from keras_stt.bulk.work import Work, forget_deaths, make_part
from keras_stt.errors import FlagError, InputError

# Read by Ray when it is imported or started; what the environment says already stays.
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # its name; what it does is to take 127.0.0.1
_OBJECT_STORE = 80 * 2**20  # bytes, about the least that Ray takes: no audio goes through it
ANSWER_SECONDS = 10
_MOST_TASKS = 10_000  # above which Ray Data gets slow; a task then makes several parts
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


@dataclasses.dataclass(frozen=True)
class Engine:
    """Where parts are made.

    Attributes:
        address: of a Ray cluster, `HOST:PORT`; "": this machine.
        workers: processes, each of which loads what it needs once; 0: as many as there are cores for.
        cpus, gpus: of each worker.
    """

    address: str = ""
    workers: int = 0
    cpus: int = 1
    gpus: float = 0.0

    def __post_init__(self):
        if self.workers < 0:
            raise FlagError("workers", f"{self.workers}; give 1 or more, or 0 for as many as there are cores for")
        if self.cpus < 1:
            raise FlagError("worker_cpus", f"{self.cpus}; give 1 or more")
        if not 0 <= self.gpus < float("inf"):
            raise FlagError("worker_gpus", f"{self.gpus:g}; give 0 or more")


def make_missing(work: Work, parts: Sequence[Part], engine: Engine, label: str) -> int:
    """Makes the parts that are not there, and returns when all are.

    Args:
        label: for the progress bar, which is silent where stderr is no terminal.

    Returns:
        How many parts were made.

    Raises:
        InputError: Ray is not installed or cannot be reached, or a worker failed for a reason that is not its input's.
    """
    todo = missing(parts)
    if not todo:
        return 0
    folders = {os.path.dirname(part.path) for part in todo}
    try:
        for folder in folders:
            os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); name another --output") from error
    forget_deaths(todo)  # of workers that ended with an earlier command, whatever ended it
    with (
        connected(engine) as ray,
        tqdm(total=sum(len(part.inputs) for part in todo), desc=label, disable=None) as progress,
    ):
        try:
            for done in _rows(ray, work, todo, engine):
                progress.update(done["inputs"])
                if done["deaths"]:
                    tqdm.write(
                        f"{done['path']}: made by another worker, since {done['deaths']} died at it", file=sys.stderr
                    )
        except ray.exceptions.RayError as error:
            raise InputError(
                f"{label}: a worker failed ({_last_line(error)}); what is made stays, run it again"
            ) from error
    left = missing(todo)
    if left:
        raise InputError(f"{left[0].path}: not there after the work; --output must be a folder that all machines see")
    return len(todo)


def _rows(ray, work: Work, parts: Sequence[Part], engine: Engine) -> Iterator[dict]:
    cores = int(ray.cluster_resources().get("CPU", 1))
    workers = engine.workers or max(1, cores // engine.cpus)
    if engine.cpus > cores:
        raise FlagError("worker_cpus", f"{engine.cpus}, and all machines together have {cores}; give fewer")
    items = [{"part": pickle.dumps(part)} for part in parts]
    pool = ray.data.ActorPoolStrategy(size=min(workers, len(items)))
    return (
        ray.data.from_items(items, override_num_blocks=min(len(items), _MOST_TASKS))
        .map(
            _Worker,
            fn_constructor_args=(work, os.environ.get("KERAS_BACKEND", ""), engine.cpus),
            compute=pool,
            num_cpus=engine.cpus,
            num_gpus=engine.gpus,
        )
        .iter_rows()
    )


class _Worker:
    """A process of the pool: opens the work once, then makes part after part."""

    def __init__(self, work: Work, backend: str, cpus: int):
        # Before Keras and its backend are imported: the driver's backend, and no more threads than cores.
        if backend:
            os.environ["KERAS_BACKEND"] = backend
        os.environ.update(dict.fromkeys(_THREADS, str(cpus)))
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        self._work, self._make = work, work.open()

    def __call__(self, row: dict) -> dict:
        part = pickle.loads(row["part"])
        deaths = make_part(self._work, self._make, part)
        return {"path": part.path, "inputs": len(part.inputs), "deaths": deaths}


_HINT = "; where the cluster asks for a token, export RAY_AUTH_MODE=token"


@contextlib.contextmanager
def connected(engine: Engine) -> Iterator:
    """Ray, connected; one that this process has started before stays as it is."""
    for name, value in {**_QUIET, **({} if engine.address else _LOOPBACK)}.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise InputError('ray is not installed; pip install "keras_stt[cluster]"') from error
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray").setLevel(logging.ERROR)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    if ray.is_initialized():
        yield ray
        return
    if engine.address:
        _require_listener(engine.address)
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        try:
            with _held_stderr():
                ray.init(**_where(engine, folder), log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise FlagError("ray_address", f"{engine.address or 'this machine'}: {_last_line(error)}{_HINT}") from error
        try:
            yield ray
        finally:
            ray.shutdown()


def _require_listener(address: str) -> None:
    """Raises FlagError where nobody listens: Ray would try for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, ValueError) as error:
        raise FlagError(
            "ray_address", f"{address}: no answer ({error}); give HOST:PORT of the cluster's head"
        ) from error


@contextlib.contextmanager
def _held_stderr() -> Iterator[None]:
    """Nothing on stderr, of C++ code neither: Ray tells there that it has been told to be quiet."""
    sys.stderr.flush()
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def _where(engine: Engine, folder: str) -> dict:
    if engine.address:
        return {"address": engine.address}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "address": "local",
        "num_cpus": max(cores, engine.workers * engine.cpus),
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE,
        "_temp_dir": folder,
    }


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
