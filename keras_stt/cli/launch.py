"""All processes of a run started on this machine, and ended together."""

import os
import signal
import socket
import subprocess
import sys
import time

from keras_stt.train.distribution.job import ADDRESSES, NUM_PROCESSES, PROCESS_ID, Job

GRACE_SECONDS = 20.0  # for a process to write its checkpoint before it is killed


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
        processes.append(subprocess.Popen(command, env={**os.environ, **place}, stdout=output))
    passed_on = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda caught, frame: _send(processes, caught)) for number in passed_on}
    try:
        return _watch(processes)
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


def _watch(processes: list[subprocess.Popen]) -> int:
    while True:
        codes = [process.poll() for process in processes]
        failed = next((number for number, code in enumerate(codes) if code), None)
        if failed is not None:
            time.sleep(1.0)  # one that a signal or an error ended everywhere needs no explanation
            alone = any(process.poll() is None for process in processes)
            _end(processes)
            if alone:
                print(
                    f"train_main.py: process {failed} of {len(processes)} {_fate(codes[failed])}; the others were "
                    "stopped; --resume goes on from the last checkpoint, with as many processes as there then are",
                    file=sys.stderr,
                )
            return codes[failed] if codes[failed] > 0 else 1
        if all(code == 0 for code in codes):
            return 0
        time.sleep(0.1)


def _fate(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def _send(processes: list[subprocess.Popen], number: int) -> None:
    for process in processes:
        if process.poll() is None:
            process.send_signal(number)


def _end(processes: list[subprocess.Popen]) -> None:
    """Those that wait for one that is gone cannot save any more: they are asked, then killed."""
    _send(processes, signal.SIGTERM)
    until = time.monotonic() + GRACE_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
