"""Digits by voices never heard: trains flags/digits.cfg once for every choice of two test speakers.

    python benchmarks/digit_pairs.py --data_dir=FSDD_FOLDER [--output_dir=runs/digit_pairs] [--parallel=2]

Writes benchmarks/results/digit_pairs.json and prints the table. A pair that is done is not run again, so that the whole
can be interrupted.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from keras_stt.formats.lines import write_text

ROOT = Path(__file__).resolve().parent.parent
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
PAIRS = list(itertools.combinations(SPEAKERS, 2))


def run(pair: tuple[str, str], arguments) -> dict:
    """The summary of the run that tests on `pair`."""
    output = Path(arguments.output_dir) / "-".join(pair)
    if not (output / "summary.json").exists():
        command = [
            sys.executable,
            "train_main.py",
            "--flagfile=flags/digits.cfg",
            f"--data_dir={arguments.data_dir}",
            f"--test_speakers={','.join(pair)}",
            f"--output_dir={output.resolve()}",
        ]
        # One thread each: two runs side by side then take no longer than one after the other, and cost less.
        environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": "1"} if arguments.parallel > 1 else None
        log = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        if log.returncode:
            raise SystemExit(f"{' '.join(command)}\n{log.stderr[-2000:]}")
    summary = json.loads((output / "summary.json").read_text())
    print(f"{' and '.join(pair)}: {summary['test_wer']:.1%}", flush=True)
    return summary


def collect(output_dir: str) -> list[dict]:
    """Writes benchmarks/results/digit_pairs.json from the pairs that are done; returns their rows."""
    kept = ("test_wer", "test_wer_interval", "test_words", "dev_wer", "train_cpu_seconds", "parameters", "versions")
    rows = []
    for pair in PAIRS:
        path = Path(output_dir) / "-".join(pair) / "summary.json"
        if path.exists():
            summary = json.loads(path.read_text())
            rows.append({"test": list(pair), **{name: summary[name] for name in kept}})
    rates = np.array([row["test_wer"] for row in rows])
    total = {"mean_test_wer": float(rates.mean()), "median_test_wer": float(np.median(rates)), "runs": rows}
    write_text(ROOT / "benchmarks/results/digit_pairs.json", json.dumps(total, indent=1) + "\n")
    return rows


def print_table(rows: list[dict]) -> None:
    print("| test speakers | test WER | 95 % interval | CPU-seconds |\n|---|---|---|---|")
    for row in rows:
        low, high = row["test_wer_interval"]
        print(
            f"| {' and '.join(row['test'])} | {row['test_wer']:.1%} | {low:.1%} to {high:.1%} | "
            f"{row['train_cpu_seconds']:.0f} |"
        )
    rates = [row["test_wer"] for row in rows]
    print(f"{len(rows)} of {len(PAIRS)} pairs: mean {np.mean(rates):.1%}, median {np.median(rates):.1%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data_dir", help="folder of the Free Spoken Digit Dataset; without it, what is done is shown")
    parser.add_argument("--output_dir", default="runs/digit_pairs")
    parser.add_argument("--parallel", type=int, default=2, help="runs side by side")
    arguments = parser.parse_args()
    if arguments.data_dir:
        with concurrent.futures.ThreadPoolExecutor(arguments.parallel) as pool:
            list(pool.map(lambda pair: run(pair, arguments), PAIRS))
    print_table(collect(arguments.output_dir))


if __name__ == "__main__":
    main()
