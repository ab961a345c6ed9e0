"""`keras-stt serve` in a process of its own, and recordings to send to it."""

import contextlib
import importlib.util
import io
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from keras_stt.data.espeak import speak

ROOT = Path(__file__).parent.parent
START_SECONDS, STOP_SECONDS = 180, 30
SENTENCE = "the old man went down to the river and saw the white house on the hill"


class Server:
    """A server at work.

    Attributes:
        url: where.
        said: what it printed when it was ready.
        process: it.
    """

    def __init__(self, process: subprocess.Popen, said: str):
        self.process, self.said = process, said
        self.url = re.search(r"http://\S+", said)[0]

    def stop(self) -> tuple[int, str]:
        """Ends it as Ctrl-C does: its exit code, and what it said on stderr."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_SECONDS), self.process.stderr.read()


@contextlib.contextmanager
def serving(*flags: str, model: str = "librispeech-small") -> Iterator[Server]:
    """A server of a model on a free port, with the quickest backend there is."""
    backend = "torch" if importlib.util.find_spec("torch") else "tensorflow"
    # One thread: several wait for each other where the machine does other work, such as more tests.
    environment = {**os.environ, "KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "keras_stt", "serve", model, "--port=0", *flags]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=environment, **pipes) as process:
        try:
            ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
            said = process.stdout.readline() if ready else ""
            if "http://" not in said:
                process.kill()
                raise RuntimeError(f"no server: {said}{process.stderr.read()[-2000:]}")
            yield Server(process, said)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(STOP_SECONDS)


def speech(text: str = SENTENCE, **voice) -> tuple[np.ndarray, int]:
    """Samples of a sentence spoken by espeak-ng, and their rate."""
    spoken = speak(text, **voice)
    return spoken.samples, spoken.sample_rate


def file_of(samples: np.ndarray, rate: int, kind: str = "WAV") -> bytes:
    """Samples as the bytes of a file."""
    content = io.BytesIO()
    soundfile.write(content, samples, rate, format=kind)
    return content.getvalue()


def tone(seconds: float, rate: int = 8_000) -> bytes:
    """A WAV file of so many seconds, in which nobody speaks."""
    noise = np.random.default_rng(0).normal(0, 0.01, round(seconds * rate))
    return file_of(noise, rate)


def until(condition, seconds: float = 20.0) -> bool:
    """Whether something comes true in that time."""
    end = time.monotonic() + seconds
    while not (true := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return bool(true)
