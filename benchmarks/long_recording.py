"""Whether a recording of hours gives the same words as its utterances one by one, and in how much memory.

    python benchmarks/long_recording.py --data_dir=LIBRISPEECH_FOLDER [--hours=3] [--model=librispeech-small]

Utterances of dev and test, and as many of train as it takes, are joined in a mixed order to recordings of so many
hours: with half a second of digital zeros between two, of faint noise, and of nothing. Each is transcribed from its
file by a program of its own, on one core; so are the utterances one by one, and the first three minutes, whose memory
is compared. Then the same of dev and test alone, of whose speakers the model has heard nobody. Writes
benchmarks/results/long_recording.json and prints the table. `word_error_rate` takes the words of the utterances one by
one for the truth; `truth_whole` and `truth_alone` are of both beside what was said. Linux only, which tells the peak of
a program.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from rounds import on_one_core, write_results
from transcription_memory import peak_mb

from keras_stt.audio import SAMPLE_RATE
from keras_stt.data.records import Record
from keras_stt.data.sources import open_corpus
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.recognizer import load_model
from keras_stt.wer import edit_counts

UNSEEN = ("dev", "test")  # speakers of whom the model that comes along has heard nothing
PAUSE_SECONDS = 0.5
NOISE = 10 ** (-65 / 20)  # deviation: 65 dB below full scale, a quiet room
SHORT_SECONDS = 180
PAUSES = {"zeros": "0.5 s of digital zeros", "noise": "0.5 s of faint noise", "none": "none"}


def chosen(data_dir: str, splits: tuple[str, ...], hours: float) -> list[Record]:
    """Records that last so many hours or all there are, in a mixed order."""
    corpus = open_corpus(CorpusOptions("librispeech_folder", data_dir=data_dir))
    mix, records, seconds = np.random.default_rng(0), [], 0.0
    for split in splits:
        found = list(corpus[split])
        for place in mix.permutation(len(found)).tolist():
            if seconds < hours * 3600:
                records.append(found[place])
                seconds += found[place].duration
    return [records[place] for place in mix.permutation(len(records)).tolist()]


def sound(record: Record) -> np.ndarray:
    """Its samples as integers of 16 bits, which is what the joined recording has of it."""
    return np.clip(np.round(record.read() * 2**15), -(2**15), 2**15 - 1).astype(np.int16)


def write_joined(path: Path, records: list[Record], pause: str) -> float:
    """Writes a recording of all utterances; returns its seconds."""
    mix, length = np.random.default_rng(1), round(PAUSE_SECONDS * SAMPLE_RATE)
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 1, "PCM_16") as file:
        for record in records:
            file.write(sound(record))
            if pause != "none":
                noise = NOISE * mix.standard_normal(length) if pause == "noise" else np.zeros(length)
                file.write(np.round(noise * 2**15).astype(np.int16))
        return file.frames / SAMPLE_RATE


def alone(model, arguments) -> list[str]:
    """The words of the utterances, one by one."""
    records = chosen(arguments.data_dir, tuple(arguments.splits.split(",")), arguments.hours)
    return [word for record in records for word in model.transcribe(sound(record), SAMPLE_RATE).text.split()]


def heard_apart(arguments, what: list[str]) -> dict:
    """What a program of its own says: the words that it heard, its CPU-seconds, and its memory at most."""
    program = [sys.executable, __file__, f"--model={arguments.model}", f"--data_dir={arguments.data_dir}", *what]
    done = subprocess.run(program, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def hear(arguments) -> None:
    """Prints what `heard_apart` reads."""
    model = load_model(arguments.model)
    began = time.process_time()
    words = alone(model, arguments) if arguments.splits else model.transcribe(arguments.file).text.split()
    print(json.dumps({"words": words, "cpu_seconds": time.process_time() - began, "megabytes": peak_mb()}))


def measured(arguments, splits: tuple[str, ...], hours: float, folder: Path) -> list[dict]:
    """A row for each kind of pause."""
    records = chosen(arguments.data_dir, splits, hours)
    said = [word for record in records for word in record.text.split()]
    one_by_one = heard_apart(arguments, [f"--splits={','.join(splits)}", f"--hours={hours}"])
    rows, path, short = [], folder / "whole.wav", folder / "short.wav"
    for pause, words in PAUSES.items():
        seconds = write_joined(path, records, pause)
        soundfile.write(short, soundfile.read(path, SHORT_SECONDS * SAMPLE_RATE, dtype="int16")[0], SAMPLE_RATE)
        whole, brief = (heard_apart(arguments, [f"--file={file}"]) for file in (path, short))
        row = {
            "splits": splits,
            "utterances": len(records),
            "seconds": seconds,
            "pauses": words,
            "words": len(one_by_one["words"]),
            "word_error_rate": edit_counts(one_by_one["words"], whole["words"]).rate,
            "truth_alone": edit_counts(said, one_by_one["words"]).rate,
            "truth_whole": edit_counts(said, whole["words"]).rate,
            "megabytes": whole["megabytes"],
            "megabytes_of_three_minutes": brief["megabytes"],
            "cpu_seconds": whole["cpu_seconds"],
            "cpu_seconds_alone": one_by_one["cpu_seconds"],
        }
        rows.append(row)
        figures = "  ".join(f"{name} {value:.4g}" for name, value in row.items() if isinstance(value, float))
        print(f"{'+'.join(splits)}, pauses {words}: {figures}", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--model", default="librispeech-small")
    parser.add_argument("--file", help="only this recording, in this program; prints what it heard")
    parser.add_argument("--splits", default="", help="only the utterances of these one by one, likewise")
    arguments = parser.parse_args()
    on_one_core()
    if arguments.file or arguments.splits:
        hear(arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = measured(arguments, (*UNSEEN, "train"), arguments.hours, Path(folder))
        rows += measured(arguments, UNSEEN, arguments.hours, Path(folder))
    write_results("long_recording", {"model": arguments.model, "rows": rows})


if __name__ == "__main__":
    main()
