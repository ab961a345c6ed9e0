"""What a plan for much audio needs: speeds of bulk work, what it stores, and how long a worker takes to begin.

    python benchmarks/bulk.py [--model=librispeech-small] [--data_dir=LIBRISPEECH_FOLDER] [--seconds=600] [--rounds=3]

`keras-stt bulk transcribe` with one worker and with two beside `keras-stt transcribe`, on the same files, by the clock:
each is run on all files and on one, and what the one takes is the start. Other work on the machine disturbs the clock;
how busy it was is written down. Then, in this process and in CPU time, which is disturbed less: transcripts, features
and forced alignment of the same utterances as a worker makes them, decoding included, and how many bytes are stored
for an hour of audio. Every process has one thread. Runs on the backend that KERAS_BACKEND names. The speech is that of
the embedded corpus where no folder is given. Writes benchmarks/results/bulk.json.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from rounds import ONE_THREAD, write_results

from keras_stt.bulk.features import LogMel
from keras_stt.bulk.parts import divide
from keras_stt.bulk.transcripts import Transcription
from keras_stt.bulk.work import make_part
from keras_stt.data.index import build_index
from keras_stt.data.records import Record
from keras_stt.data.sources import open_corpus
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.train.heard_times import HeardTimes

PART_SIZE = 8
PER_HOUR = 3600.0
WAYS = {"plain": None, "bulk, 1 worker": 1, "bulk, 2 workers": 2}


def utterances(data_dir: str, seconds: float) -> list[Record]:
    """Records of dev, in files of their own, that last about so many seconds together; their word times are guessed."""
    from keras_stt.alignment import WordAligner

    corpus = CorpusOptions("librispeech_folder", data_dir=data_dir) if data_dir else CorpusOptions("synthetic_tiny")
    aligner, found, total = WordAligner("uniform"), [], 0.0
    for record in open_corpus(corpus)["dev"]:
        found.append(aligner.align(record))
        total += record.duration
        if total >= seconds:
            break
    return found


def written(records: list[Record], folder: Path) -> list[str]:
    """FLAC files of the records, named in their order."""
    import soundfile

    from keras_stt.audio import SAMPLE_RATE

    paths = [str(folder / f"{number:05d}.flac") for number in range(len(records))]
    for path, record in zip(paths, records, strict=True):
        soundfile.write(path, record.read(), SAMPLE_RATE)
    return paths


def seconds_of(model: str, files: list[str], workers: int | None) -> tuple[float, int]:
    """Seconds by the clock that a command takes for these files, and the bytes of its transcripts."""
    with tempfile.TemporaryDirectory() as output:
        flags = ["--format=jsonl"]
        if workers:
            flags = [f"--output={output}", f"--workers={workers}", f"--part_size={PART_SIZE}"]
        verb = ["bulk", "transcribe"] if workers else ["transcribe"]
        began = time.perf_counter()
        command = [sys.executable, "-m", "keras_stt", *verb, model, *files, *flags]
        said = subprocess.run(command, capture_output=True, check=True).stdout
        spent = time.perf_counter() - began
        return spent, (Path(output) / "transcripts.jsonl").stat().st_size if workers else len(said)


def transcription(model: str, files: list[str], hours: float, rounds: int) -> list[dict]:
    """A row for each way: median seconds, of all and of the start, and hours of audio in an hour without the start."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
    size = 0
    for _ in range(rounds):
        for name, workers in WAYS.items():
            start, _ = seconds_of(model, files[:1], workers)
            whole, size = seconds_of(model, files, workers)
            spent[name].append((whole, start))
    rows = []
    for name, found in spent.items():
        whole, start = (median(seconds) for seconds in zip(*found, strict=True))
        speed = hours * PER_HOUR / max(whole - start, 1e-9)
        rows.append({"name": name, "seconds": whole, "start_seconds": start, "audio_hours_per_hour": speed})
        print(f"{name:20s}{whole:7.1f} s, of which {start:5.1f} to start; then {speed:6.0f} hours of audio an hour")
    return [{**row, "transcript_bytes_per_hour": size / hours} for row in rows]


def worker_part(work, inputs: Sequence, folder: Path, hours: float) -> dict:
    """What a worker takes to begin, its hours of audio per core-hour, and the bytes it stores for an hour of audio."""
    parts = divide(inputs, map(str, inputs), PART_SIZE, folder, work.identity())
    began = time.process_time()
    make = work.open()
    make(inputs[0])  # what is imported or compiled once
    start = time.process_time() - began
    spent = _cpu_seconds(lambda: [make_part(work, make, part) for part in parts])
    stored = sum(os.path.getsize(part.path) for part in parts)
    return {
        "start_cpu_seconds": start,
        "audio_hours_per_core_hour": hours * PER_HOUR / spent,
        "bytes_per_hour": stored / hours,
    }


def _cpu_seconds(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began


def per_core(model: str, records: list[Record], files: list[str], folder: Path, hours: float) -> dict:
    """Of the index, and of each work."""
    began = time.process_time()
    build_index(records, folder / "index", "benchmark")
    seconds = time.process_time() - began
    size = sum(path.stat().st_size for path in (folder / "index").iterdir())
    rows, folders = range(len(records)), (str(folder / "index"),)
    return {
        "index": {"audio_hours_per_core_hour": hours * PER_HOUR / seconds, "bytes_per_hour": size / hours},
        "features": worker_part(LogMel(folders, 80), rows, folder, hours),
        "transcripts": worker_part(Transcription(model, (("passes", 1),)), files, folder, hours),
        "word times": worker_part(HeardTimes(folders, model), rows, folder, hours),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="librispeech-small")
    parser.add_argument("--data_dir", default="")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        records = utterances(arguments.data_dir, arguments.seconds)
        files = written(records, folder)
        hours = sum(record.duration for record in records) / PER_HOUR
        found = {
            "speech": "LibriSpeech" if arguments.data_dir else "synthetic",
            "model": arguments.model,
            "audio_hours": hours,
            "rounds": arguments.rounds,
            "flac_bytes_per_hour": sum(map(os.path.getsize, files)) / hours,
            "transcription": transcription(arguments.model, files, hours, arguments.rounds),
            "per_core": per_core(arguments.model, records, files, folder, hours),
        }
    for what, row in found["per_core"].items():
        speed, size = row["audio_hours_per_core_hour"], row["bytes_per_hour"] / 1e6
        print(f"{what:20s}{speed:7.0f} hours of audio per core-hour, {size:6.1f} MB stored for an hour")
    found["busy_processes_at_the_end"] = os.getloadavg()[0]
    write_results("bulk", found, ("ray", "soundfile"))


if __name__ == "__main__":
    main()
