"""How much memory it takes to transcribe a recording, on each backend.

    python benchmarks/transcription_memory.py [--model=librispeech-small] [--backends=torch,tensorflow,jax]

Recordings of 5 seconds to half an hour, each refined by a program of its own, on one core. The program reads the
float32 samples from a file, so that its peak holds what importing, loading the model and transcribing take and nothing
that making the recording took; the samples themselves are in it. Writes benchmarks/results/transcription_memory.json
and prints the table. Linux only, which tells the peak of a program.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from rounds import on_one_core, write_results
from transcription_peer import LENGTHS, PASSES, ours, recording
from worker import BACKENDS, NOTHING_COMPILED

WAY = "refined"


def peak_mb() -> float:
    """The most memory that this program has held, files that it has mapped included.

    Not `ru_maxrss`, which a program takes over from the one that started it.
    """
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024 / 1e6


def measured_apart(model: str, samples: Path, backend: str) -> float:
    """The peak of a program that transcribes these samples."""
    program = [sys.executable, __file__, f"--model={model}", f"--samples={samples}"]
    environment = {**os.environ, **NOTHING_COMPILED, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(program, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="librispeech-small")
    parser.add_argument("--backends", default=",".join(BACKENDS))
    parser.add_argument("--longest", type=int, default=LENGTHS[-1], help="seconds")
    parser.add_argument("--samples", type=Path, help="only these, in this program; prints the memory it took at most")
    arguments = parser.parse_args()
    on_one_core()
    if arguments.samples:
        ours(arguments.model)([np.load(arguments.samples)], PASSES[WAY])
        print(peak_mb())
        return
    backends = [name for name in arguments.backends.split(",") if importlib.util.find_spec(name)]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seconds in (length for length in LENGTHS if length <= arguments.longest):
            samples, path = recording(seconds), Path(folder) / f"{seconds}.npy"
            np.save(path, samples)
            row = {"seconds": seconds, "samples_megabytes": samples.nbytes / 1e6}
            row["megabytes"] = {backend: measured_apart(arguments.model, path, backend) for backend in backends}
            rows.append(row)
            shown = "  ".join(f"{backend} {peak:,.0f}" for backend, peak in row["megabytes"].items())
            print(f"{seconds:5d} s  samples {row['samples_megabytes']:.1f} MB  {shown}", flush=True)
    write_results("transcription_memory", {"model": arguments.model, "way": WAY, "rows": rows})


if __name__ == "__main__":
    main()
