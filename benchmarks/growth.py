"""What a corpus of 10, 100 and 1,000 times as many utterances costs: start-up, memory, batches per second.

    python benchmarks/growth.py [--most=10000000] [--rounds=5] [--work_dir=FOLDER]

A corpus of noise is prepared as a training run prepares it, by `keras_stt.train`; then the files it left are repeated,
up to `--most` utterances. Each size is opened in a program of its own, in turn with the others, by both views: from
the flags to the first batch, then more batches. That is CPU time, after a corpus of 1,000 has been opened in the same
program: imports are not in it, benchmarks/first_step.py measures these. Memory is the most that is held meanwhile,
beyond what was held before and without mapped files. The log-mel frames of all but the first copy are a hole in a file,
so that 10 million utterances take 2.5 GB of disk; what a slow disk would add is not measured. Writes
benchmarks/results/growth.json and prints the table. Linux only, which tells memory apart from mapped files.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import numpy as np
import soundfile
from absl import flags
from rounds import ROUNDS, in_turn, on_one_core, write_results

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
OF_UTTERANCES = """
    --view=utterance --position=rotary --phone_weight=0 --tokens=bpe --token_count=120
    --speed=0.1 --time_masks=10 --time_mask_ratio=0.05 --frequency_masks=2
"""
VIEWS = {"window": ["--batch_size=32", "--audio_context=32"], "utterance": OF_UTTERANCES.split()}
SMALL = 1_000  # utterances that are really there
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
BATCHES = 100  # timed after the first
LOOK_EVERY = 0.005  # seconds between two looks at the memory; one takes some 15 microseconds


def options_of(view: str, folder: Path, size: int):
    """The options of a run on the corpus of that size, as train_main.py reads them."""
    import train_main

    given = ["--dataset=manifest", f"--data_dir={folder / 'noise'}", "--alignment=uniform", *VIEWS[view]]
    flags.FLAGS(["growth.py", *given, f"--cache_dir={folder / str(size)}"])
    return train_main.options_from_flags()


def prepare(options):
    """The set-up of a run."""
    from keras_stt.train.views import view_of

    return view_of(options).prepare(options)


def write_noise(folder: Path) -> None:
    """`SMALL` utterances of 1 to 4 seconds and a dozen for each of dev and test, with a manifest."""
    folder.mkdir()
    rng, rows = np.random.default_rng(0), []
    words = ["".join(rng.choice(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 4)) for _ in range(500)]
    for i in range(SMALL + 24):
        seconds = rng.uniform(1, 4)
        soundfile.write(folder / f"{i}.wav", 0.1 * rng.standard_normal(round(16_000 * seconds)), 16_000)
        split = "train" if i < SMALL else ("dev", "test")[i % 2]
        text = " ".join(rng.choice(words, rng.integers(2, 3 + int(2 * seconds))))
        rows.append({"audio": f"{i}.wav", "text": text, "speaker": f"{split}{i % 10}", "split": split})
    rows[0]["text"] = " ".join(words[:8])  # as long as a window
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def repeat_corpus(small: Path, large: Path, times: int) -> None:
    """The prepared corpus in `small` with every file of train repeated so many times."""
    for source in sorted(small.rglob("*")):
        target = large / source.relative_to(small)
        part = source.relative_to(small).parts[0]
        if source.is_dir():
            target.mkdir(parents=True)
        elif not part.startswith("train") or source.suffix == ".json":
            target.write_bytes(source.read_bytes())
        elif source.suffix == ".f16":
            target.write_bytes(source.read_bytes())
            os.truncate(target, times * source.stat().st_size)
        elif source.suffix == ".npy":
            np.save(target, _repeated(np.load(source), times, source.stem in ("offsets", "starts", "ends")))
        else:
            with target.open("wb") as file:
                for _ in range(times):
                    file.write(source.read_bytes())


def _repeated(values: np.ndarray, times: int, running: bool) -> np.ndarray:
    """An array over and over; where it has running totals from 0, each copy goes on from the one before."""
    if not running:
        return np.tile(values, times)
    shifts = np.repeat(np.arange(times, dtype=values.dtype) * values[-1], len(values) - 1)
    return np.append(np.tile(values[:-1], times) + shifts, values[-1:] * values.dtype.type(times))


def memory_mb() -> float:
    """Memory of this process that is no file's."""
    with open("/proc/self/status", encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("RssAnon")) * 1024 / 1e6


class PeakMemory:
    """Within `with`, a thread looks every few milliseconds: `mb` is the most memory that was held beyond that before.

    What lives shorter than that, or within one call that keeps Python's lock, it can miss.
    """

    def __enter__(self) -> "PeakMemory":
        self.mb, self._before, self._ended = 0.0, memory_mb(), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while True:
            self.mb = max(self.mb, memory_mb() - self._before)
            if self._ended.wait(LOOK_EVERY):
                return

    def __exit__(self, *error) -> None:
        self._ended.set()
        self._thread.join()
        self.mb = max(self.mb, memory_mb() - self._before)


def measure(view: str, folder: Path, size: int) -> dict:
    """What it takes to open the corpus of that size, by a run's own way, and to make batches from it."""
    prepare(options_of(view, folder, SMALL))  # imports all that a run imports
    with PeakMemory() as memory:
        began = time.process_time()
        setup = prepare(options_of(view, folder, size))
        setup.batches[0]
        started = time.process_time()
        for step in range(1, 1 + BATCHES):
            setup.batches[step]
        ended = time.process_time()
    return {
        "start_seconds": started - began,
        "batches_per_second": BATCHES / (ended - started),
        "memory_mb": memory.mb,
    }


def seconds_of_batches(view: str, sizes: Iterable[int], rounds: int) -> dict[int, list[float]]:
    """What `BATCHES` batches take at each size: all in this program and in turn, from corpora made for it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        prepare_sizes(folder, sizes, [view])
        batches = {size: prepare(options_of(view, folder, size)).batches for size in sizes}
        ways = {size: lambda of=of: [of[step] and None for step in range(BATCHES)] for size, of in batches.items()}
        return in_turn(ways, rounds)


def measured_apart(view: str, folder: Path, size: int) -> dict:
    """`measure` in a program of its own, so that the memory of one size is not that of another."""
    program = [sys.executable, __file__, "--measure", view, str(size), f"--work_dir={folder}"]
    said = subprocess.run(program, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(said.splitlines()[-1])


def prepare_sizes(folder: Path, sizes: Iterable[int], views: Iterable[str]) -> None:
    """The corpus in each size, in the folder of its number, as these views need it."""
    if not (folder / "noise").exists():
        write_noise(folder / "noise")
    marks = set()
    for view in views:
        prepare(options_of(view, folder, SMALL))
        marks |= {path.name for path in (folder / str(SMALL) / "corpora").iterdir() if path.is_dir()}
    for size in sizes:
        for mark in marks:
            if not (folder / str(size) / "corpora" / mark).exists():
                small, large = (folder / str(of) / "corpora" / mark for of in (SMALL, size))
                repeat_corpus(small, large, size // SMALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=SIZES[-1])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--work_dir", type=Path, help="for the corpora, which are then kept; a temporary folder")
    parser.add_argument("--measure", nargs=2, metavar=("VIEW", "SIZE"), help="only this, in this program")
    arguments = parser.parse_args()
    on_one_core()
    if arguments.measure:
        view, size = arguments.measure
        print(json.dumps(measure(view, arguments.work_dir, int(size))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.work_dir or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        sizes = [size for size in SIZES if size <= arguments.most]
        prepare_sizes(folder, sizes, VIEWS)
        ways = [(view, size) for view in VIEWS for size in sizes]
        found = {way: [] for way in ways}
        for _ in range(arguments.rounds):
            for view, size in ways:
                found[view, size].append(measured_apart(view, folder, size))
                print(f"{view} {size:,}: {found[view, size][-1]}", flush=True)
    rows = [
        {"view": view, "utterances": size, **{name: median(one[name] for one in measured) for name in measured[0]}}
        for (view, size), measured in found.items()
    ]
    for row in rows:
        print(
            f"{row['view']:10s}{row['utterances']:12,}  start {row['start_seconds']:.2f} s  "
            f"{row['batches_per_second']:.1f} batches/s  {row['memory_mb']:.0f} MB"
        )
    write_results("growth", {"rounds": arguments.rounds, "rows": rows})


if __name__ == "__main__":
    main()
