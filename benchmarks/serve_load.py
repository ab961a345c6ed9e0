"""What a server bears: many clients at once, who ask again as soon as they are answered.

    python benchmarks/serve_load.py [--clients=16] [--seconds=60] [--model=librispeech-small]

Starts `keras-stt serve` on a free port, sends each of four sentences of 2 to 5 seconds once, and then lets so many
clients send them, a new one as soon as the last is answered. Prints, and writes to benchmarks/results/serve_load.json,
the requests, what went wrong, how long an answer took, and the memory of the server after a sixth of the time and at
the end. Exit code 1 where a request failed or memory grew by more than 5 %. Linux only, which tells the memory of
another process. Needs `pip install keras_stt[test]`.
"""

import argparse
import io
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import numpy as np
import soundfile
from rounds import write_results

from keras_stt.data.espeak import speak

PATH = "/v1/audio/transcriptions"
MOST_GROWTH = 0.05  # of memory, once it is warm
SENTENCES = (
    "the old man went down to the river",
    "she saw a white house on the hill and a dog at the door",
    "it was a bright cold day in april and nobody was in the street",
    "the king of england had no money at all and so he sold his horses to the queen of spain",
)
TIMEOUT = 120.0  # seconds


def clips() -> list[tuple[float, bytes]]:
    """Seconds and WAV files of sentences that espeak-ng speaks."""
    made = []
    for sentence in SENTENCES:
        spoken, content = speak(sentence), io.BytesIO()
        soundfile.write(content, spoken.samples, spoken.sample_rate, format="WAV")
        made.append((len(spoken.samples) / spoken.sample_rate, content.getvalue()))
    return made


def memory_mb(pid: int) -> float:
    """Megabytes that a process holds now."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024 / 1e6


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def load(url: str, pid: int, clients: int, seconds: float, warm_up: float) -> dict:
    """What so many clients meet in that time.

    Args:
        pid: of the server.
        warm_up: seconds after which its memory is looked at for the first time.

    Returns:
        `requests` answered, `errors` as lines, `p50_ms`, `p95_ms` and `p99_ms` of an answer,
        `server_cpu_ms_per_request`, `requests_per_second`, `audio_seconds_per_second`, `memory_mb` after the warm-up
        and at the end.
    """
    sent, took, errors = clips(), [], []
    for _, clip in sent:  # TensorFlow and JAX compile a program for each length
        httpx.post(f"{url}{PATH}", files={"file": ("a.wav", clip)}, timeout=TIMEOUT, trust_env=False)
    began, used = time.monotonic(), cpu_seconds(pid)
    end = began + seconds

    def ask(number: int) -> None:
        with httpx.Client(base_url=url, timeout=TIMEOUT, trust_env=False) as http:
            turn = number
            while time.monotonic() < end:
                (length, clip), asked = sent[turn % len(sent)], time.monotonic()
                try:
                    answer = http.post(PATH, files={"file": ("a.wav", clip)})
                    if answer.status_code != 200:
                        errors.append(f"{answer.status_code}: {answer.text[:200]}")
                except httpx.HTTPError as error:
                    errors.append(repr(error))
                took.append((time.monotonic() - asked, length))
                turn += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(warm_up)
    warm = memory_mb(pid)
    for thread in threads:
        thread.join()
    elapsed = time.monotonic() - began
    latencies = np.array([latency for latency, _ in took])
    percentiles = {f"p{share}_ms": round(1000 * float(np.percentile(latencies, share))) for share in (50, 95, 99)}
    return {
        "clients": clients,
        "seconds": seconds,
        "requests": len(took),
        "errors": errors,
        **percentiles,
        "server_cpu_ms_per_request": round(1000 * (cpu_seconds(pid) - used) / len(took), 1),
        "requests_per_second": round(len(took) / elapsed, 2),
        "audio_seconds_per_second": round(sum(length for _, length in took) / elapsed, 1),
        "memory_mb": {"warm": round(warm, 1), "end": round(memory_mb(pid), 1)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--model", default="librispeech-small")
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "keras_stt", "serve", arguments.model, "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            said = server.stdout.readline()
            url = re.search(r"http://\S+", said)
            if url is None:
                sys.exit(f"no server: {said}")
            found = load(url[0], server.pid, arguments.clients, arguments.seconds, arguments.seconds / 6)
        finally:
            server.terminate()
    backend, threads = os.environ.get("KERAS_BACKEND", "tensorflow"), os.environ.get("OMP_NUM_THREADS", "all")
    about = {"model": arguments.model, "backend": backend, "threads": threads}
    write_results("serve_load", {**about, **found}, ("fastapi", "uvicorn"))
    growth = found["memory_mb"]["end"] / found["memory_mb"]["warm"] - 1
    print(
        f"{found['requests']} requests of {found['clients']} clients in {found['seconds']:g} s, "
        f"{len(found['errors'])} errors; p50 {found['p50_ms']} ms, p95 {found['p95_ms']} ms, p99 {found['p99_ms']} ms; "
        f"memory {found['memory_mb']['warm']:.0f} MB, in the end {growth:+.1%}"
    )
    if found["errors"]:
        sys.exit(f"{len(found['errors'])} requests failed, the first: {found['errors'][0]}")
    if growth > MOST_GROWTH:
        sys.exit(f"memory grew by {growth:.1%}")


if __name__ == "__main__":
    main()
