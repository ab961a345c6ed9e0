"""What becomes of bad recordings and transcripts: each kind trained on in both views, and transcribed.

    python benchmarks/bad_input.py [--model=librispeech-small] [--hours=8]

The kinds are those of tests/bad_corpus.py. One tiny run in each view on a corpus that has them all among good
utterances, `keras-stt transcribe` of all their recordings in one command, and a run that more skipped records than it
allows stop; each a program of its own, as a user starts it. Then `--hours` of digital silence, and as long a recording
of faint noise that is no silence at all, are transcribed alone: what that takes, and the most memory. Writes
benchmarks/results/bad_input.json and prints the table. Exit code 1 where something became of a kind that the tests do
not expect. Linux only, which tells the peak of a program.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from rounds import write_results
from transcription_memory import peak_mb

from keras_stt.errors import one_line, printable

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from bad_corpus import KINDS, RATE, RECORDINGS, USED, write_bad_corpus, write_silence  # noqa: E402

OF_UTTERANCES = ("--view=utterance", "--position=rotary", "--phone_weight=0", "--audio_blocks=2", "--batch_seconds=20")
VIEWS = {"window": (), "utterance": OF_UTTERANCES}
QUIET = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


def started(*command) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *map(str, command)], cwd=ROOT, env=QUIET, capture_output=True, text=True)


def trained(manifest: Path, folder: Path, *flags: str) -> tuple[subprocess.CompletedProcess, list[dict]]:
    """A tiny run, and the rows of its `skipped.csv`."""
    places = (f"--data_dir={manifest}", f"--cache_dir={folder}/cache", f"--output_dir={folder}/run")
    short = ("--flagfile=flags/tiny.cfg", "--dataset=manifest", "--epochs=1", "--steps_per_epoch=3")
    done = started("train_main.py", *short, *places, *flags)
    with (folder / "run" / "skipped.csv").open(encoding="utf-8", newline="") as file:
        return done, list(csv.DictReader(file))


def fates_in_training(manifest: Path, folder: Path, *flags: str) -> tuple[dict[str, str], dict[str, int]]:
    """For each kind `USED` or why it was skipped, and the counts in `summary.json`."""
    done, rows = trained(manifest, folder, *flags)
    if done.returncode:
        sys.exit(done.stderr)
    fates = {
        name: next((row["reason"] for row in rows if f"/{kind.file}" in row["where"]), USED)
        for name, kind in KINDS.items()
    }
    return fates, json.loads((folder / "run" / "summary.json").read_text(encoding="utf-8"))["skipped_records"]


def fates_in_transcription(model: str, folder: Path) -> tuple[dict[str, str], int]:
    """For each kind of recording `transcribed` or the line that refused it, and the exit code of the one command."""
    paths = {name: folder / kind.file for name, kind in RECORDINGS.items()}
    done = started("-m", "keras_stt", "transcribe", model, *paths.values())
    said = {line.partition("\t")[0] for line in done.stdout.splitlines()}
    refused = [line.removeprefix("keras-stt: ") for line in done.stderr.splitlines() if line.startswith("keras-stt: ")]
    fates = {}
    for name, path in paths.items():
        errors = [line for line in refused if line.startswith(f"{one_line(path)}: ")]
        fates[name] = errors[0].removeprefix(f"{one_line(path)}: ") if errors else "transcribed"
        if errors and len(errors) != 1 or (printable(str(path)) in said) == bool(errors):
            fates[name] = "neither a transcript nor one line"
    return fates, done.returncode


def alone(model: str, path: Path) -> dict:
    """What transcribing a recording takes, in a program of its own."""
    done = started(__file__, f"--model={model}", "--alone", path)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def transcribe_alone(model: str, path: str) -> None:
    from keras_stt.recognizer import load_model

    recognizer = load_model(model)
    began = time.perf_counter()
    transcript = recognizer.transcribe(path)
    seconds = time.perf_counter() - began
    found = {"hours": transcript.duration / 3600, "seconds": seconds, "peak_megabytes": peak_mb()}
    print(json.dumps({**found, "words": len(transcript.words)}))


def write_noise(path: Path, hours: float) -> None:
    """Noise at -60 dB."""
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", RATE, 1, "PCM_16") as file:
        for _ in range(round(hours * 60)):
            file.write((1e-3 * rng.standard_normal(RATE * 60)).astype(np.float32))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="librispeech-small")
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--alone", help="transcribe only this recording, in this program, and tell what it took")
    arguments = parser.parse_args()
    if arguments.alone:
        transcribe_alone(arguments.model, arguments.alone)
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "corpus").mkdir()
        manifest = write_bad_corpus(folder / "corpus")
        trainings = {view: fates_in_training(manifest, folder / view, *flags) for view, flags in VIEWS.items()}
        heard, exit_code = fates_in_transcription(arguments.model, folder / "corpus")
        stopped, _ = trained(manifest, folder / "stopped", "--max_skipped_share=0.1")
        long = {}
        for kind, make in (("silence", write_silence), ("noise", write_noise)):
            make(folder / f"{kind}.flac", arguments.hours)
            long[kind] = alone(arguments.model, folder / f"{kind}.flac")
        stop_line = stopped.stderr.strip().splitlines()[-1].replace(name, "FOLDER")
    rows = [
        {
            "kind": kind,
            **{view: fates[kind] for view, (fates, _) in trainings.items()},
            "transcription": heard.get(kind),
        }
        for kind in KINDS
    ]
    wrong = [row["kind"] for row in rows if not as_expected(row)]
    found = {
        "model": arguments.model,
        "kinds": rows,
        "unexpected": wrong,
        "skipped_records": {view: counts for view, (_, counts) in trainings.items()},
        "transcription_exit_code": exit_code,
        "stopped": {"exit_code": stopped.returncode, "line": stop_line},
        "long": long,
    }
    write_results("bad_input", found, ("soundfile", "soxr"))
    for row in rows:
        print(" | ".join(str(value or "") for value in row.values()))
    print(json.dumps({name: value for name, value in found.items() if name != "kinds"}, indent=1))
    return 1 if wrong else 0


def as_expected(row: dict) -> bool:
    kind = KINDS[row["kind"]]
    said = row["transcription"]
    right = said is None or (kind.refused in said if kind.refused else said == "transcribed")
    return right and row["window"] == kind.trained


if __name__ == "__main__":
    sys.exit(main())
