"""The processes of a run: how many there are, which of them this one is, and where they meet."""

import dataclasses
import os

from keras_stt.errors import FlagError

NUM_PROCESSES, PROCESS_ID, ADDRESSES = (
    f"KERAS_DISTRIBUTION_{name}" for name in ("NUM_PROCESSES", "PROCESS_ID", "JOB_ADDRESSES")
)


@dataclasses.dataclass(frozen=True)
class Job:
    """Attributes:
    processes: of the run.
    process: number of this one, from 0; None where this one is to start all of them on this machine.
    addresses: `HOST:PORT` of every process, or of process 0 alone where the backend needs no more.
    """

    processes: int = 1
    process: int | None = 0
    addresses: str = ""


def job_of(num_processes: int, process_id: int, job_addresses: str) -> Job:
    """The job that flags, or else Keras's environment variables `KERAS_DISTRIBUTION_*`, describe.

    Args:
        num_processes: 0: as the environment says, else one.
        process_id: below 0: as the environment says.
        job_addresses: "": as the environment says.

    Raises:
        FlagError: they make no sense together.
    """
    processes = num_processes or _number(NUM_PROCESSES, 1)
    process = process_id if process_id >= 0 else _number(PROCESS_ID, -1)
    addresses = job_addresses or os.environ.get(ADDRESSES, "")
    if processes < 1:
        raise FlagError("num_processes", f"{processes} processes; give at least 1")
    if processes == 1:
        return Job()
    if process < 0:
        return Job(processes, None, addresses)
    if process >= processes:
        raise FlagError("process_id", f"{process} of {processes} processes; they are numbered from 0")
    if not addresses:
        raise FlagError("job_addresses", f"where do {processes} processes meet? give HOST:PORT,HOST:PORT,...")
    return Job(processes, process, addresses)


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if text and not text.isdigit():
        raise FlagError("num_processes", f"the environment variable {name} is {text!r}; give a number")
    return int(text) if text else default
