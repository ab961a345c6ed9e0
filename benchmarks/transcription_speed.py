"""How fast whole utterances are transcribed on one core, the start of Python and all that follows included.

    python benchmarks/transcription_speed.py MODEL --data_dir=LIBRISPEECH_FOLDER [--backends=torch,tensorflow,jax]

Runs `keras-stt transcribe` on the recordings of dev in one thread on one core, with each backend that is installed, and
once on a single recording, so that the start can be told from the rest. Writes
benchmarks/results/transcription_speed.json and prints the table. Each is measured three times, in turn; the median
counts, in CPU-seconds, which other work on the machine disturbs less than seconds of the clock. What JAX compiles is
kept from the first time to the others, as it is kept in the home of a user, but in a folder of its own.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import soundfile
from rounds import ONE_THREAD, RESULTS, seconds_of_children
from worker import BACKENDS

from keras_stt.formats.lines import write_text

WAYS = {
    "draft": ["--passes=0"],
    "refined": [],
    "voted, 3 hearings": ["--candidates=3"],
    "voted, 7 hearings": ["--candidates=7"],
    "voted, 7 hearings, n-grams": ["--candidates=7", "--language_model=librispeech-words"],
}
TIMES = 3


def cpu_seconds(model: str, files: list[Path], flags: list[str], backend: str, kept: str) -> float:
    """What a process that transcribes these files takes. `kept` is the folder of what JAX has compiled."""
    before = seconds_of_children()
    subprocess.run(
        [sys.executable, "-m", "keras_stt", "transcribe", model, *map(str, files), *flags],
        env={**os.environ, **ONE_THREAD, "KERAS_BACKEND": backend, "JAX_COMPILATION_CACHE_DIR": kept},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return seconds_of_children() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--data_dir", required=True, type=Path)
    parser.add_argument("--backends", default=",".join(BACKENDS))
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    files = sorted(path for folder in arguments.data_dir.glob("dev*") for path in folder.rglob("*.*")
                   if path.suffix in (".flac", ".opus", ".wav"))  # fmt: skip
    seconds = sum(soundfile.info(path).duration for path in files)
    rows = []
    for backend in arguments.backends.split(","):
        if importlib.util.find_spec(backend) is None:
            continue
        spent: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
        with tempfile.TemporaryDirectory() as kept:
            for _ in range(TIMES):
                for name, flags in WAYS.items():
                    all_of_it = cpu_seconds(arguments.model, files, flags, backend, kept)
                    spent[name].append((all_of_it, cpu_seconds(arguments.model, files[:1], flags, backend, kept)))
        for name, found in spent.items():
            whole, start = (median(times) for times in zip(*found, strict=True))
            rows.append(
                {
                    "backend": backend,
                    "name": name,
                    "audio_seconds": seconds,
                    "cpu_seconds": whole,
                    "start_cpu_seconds": start,
                    "times_real_time": seconds / whole,
                    "times_real_time_without_start": seconds / max(whole - start, 1e-9),
                }
            )
            print(f"{backend:12s}{name:20s}{rows[-1]['times_real_time']:6.0f} x real time", flush=True)
    write_text(RESULTS / "transcription_speed.json", json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
