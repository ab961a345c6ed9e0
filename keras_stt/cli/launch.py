"""All processes of a run started on this machine, and ended together."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time

from keras_stt.train.distribution.job import ADDRESSES, NUM_PROCESSES, PROCESS_ID, Job

GRACE_SECONDS = 60.0  # for a process to write its checkpoint before it is killed


def launch(job: Job, command: list[str]) -> int:
    """Runs the command once for each process of the job and returns the exit code of the first that failed, or 0.

    When one dies the others are ended: they would wait for it. Their output is that of the first, and what any says of
    errors. A signal to this process goes on to all.
    """
    addresses = job.addresses or ",".join(f"127.0.0.1:{port}" for port in free_ports(job.processes))
    processes = []
    for number in range(job.processes):
        place = {ADDRESSES: addresses, NUM_PROCESSES: str(job.processes), PROCESS_ID: str(number)}
        output = None if number == 0 else subprocess.DEVNULL
        # A session of its own: Ctrl-C comes to them from here alone, once.
        processes.append(
            subprocess.Popen(
                command,
                env={**os.environ, **place},
                stdout=output,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        )
    asked: list[int] = []

    def pass_on(number, frame):
        asked.append(number)
        _send(processes, number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = _watch(processes, asked)
        return 128 + asked[0] if asked and code else code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _watch(processes: list[subprocess.Popen], asked: list[int]) -> int:
    while (codes := [process.poll() for process in processes]) != [0] * len(processes):
        if any(codes):
            return _wind_up(processes, asked)
        time.sleep(0.1)
    return 0


def _wind_up(processes: list[subprocess.Popen], asked: list[int]) -> int:
    """Ends those that are left when one has failed, says which it was where they cannot know, and returns its code."""
    if asked:
        _wait(processes)  # all were asked to stop, and do so when they have met
    time.sleep(1.0)  # an error that all have ends all, and each has told
    codes = [process.poll() for process in processes]
    killed = [number for number, code in enumerate(codes) if code and code < 0]
    failed = killed[0] if killed else next(number for number, code in enumerate(codes) if code)
    told = asked or (codes[failed] > 0 and None not in codes)
    _send(processes, signal.SIGTERM)
    _wait(processes)
    if not told:
        print(
            f"train_main.py: process {failed} of {len(processes)} {_fate(codes[failed])}; the others were stopped; "
            "--resume goes on from the last checkpoint, with as many processes as there then are",
            file=sys.stderr,
        )
    return codes[failed] if codes[failed] > 0 else 1


def _die_with_parent() -> None:
    """Has Linux end this process when the one that started it is killed: nobody would watch it."""
    set_death_signal = 1  # PR_SET_PDEATHSIG
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGTERM)


def _fate(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def _send(processes: list[subprocess.Popen], number: int) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(number)


def _wait(processes: list[subprocess.Popen]) -> None:
    """For their end, and kills those that take too long: what waits for one that is gone cannot save any more."""
    until = time.monotonic() + GRACE_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
