"""Model files that mean harm, and what is said of each of them.

    python benchmarks/malicious_models.py

Makes a small model, then files like it that would run code, read or write other files, or fill the memory
(`malicious_files.py`), and loads each. Writes benchmarks/results/malicious_models.json: what was said, how long it took
and, on Linux, which tells the peak of a program, how much memory; and prints the table. Exit code 1 where a file was
loaded or a canary written.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from malicious_files import ATTACKS, Parts, Target
from rounds import write_results

from keras_stt.errors import InputError
from keras_stt.recognizer import Recognizer, load_model
from keras_stt.text import Vocabulary

FORGET = Path("/proc/self/clear_refs")
SIZE = {"text_context": 4, "audio_context": 32, "model_dim": 16, "blocks": 1, "audio_blocks": 1, "attention_heads": 2}


def prepared(folder: Path) -> tuple[Parts, Target]:
    """A good model in parts, and what the malicious ones are after."""
    Recognizer(Vocabulary(["ONE", "TWO"]).to_list(), **SIZE).save(folder / "good.keras")
    target = Target(folder / "canary", folder / "secret.h5")
    with h5py.File(target.secret, "w") as file:
        file["secret"] = np.ones((300, 300), np.float32)
    return Parts.of(folder / "good.keras"), target


def forget_peak() -> None:
    """Lets `peak_kb` begin anew."""
    if FORGET.exists():
        FORGET.write_text("5", encoding="ascii")


def peak_kb() -> int:
    """The most memory that this program has held since the peak was last forgotten; 0 where no system tells."""
    if not FORGET.exists():
        return 0
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def tried(folder: Path) -> Iterator[dict]:
    """Loads every malicious file: its `kind` and `name`, what is `said`, `seconds`, `megabytes`, the `canary`."""
    parts, target = prepared(folder)
    for kind, make in ATTACKS.items():
        for name, content in make(parts, target).items():
            path = folder / "bad.keras"
            path.write_bytes(content)
            forget_peak()
            before, began = peak_kb(), time.perf_counter()
            try:
                load_model(path)
                said = None
            except InputError as error:
                said = str(error).replace(str(folder), "").removeprefix("/")
            found = {"kind": kind, "name": name, "said": said, "seconds": round(time.perf_counter() - began, 2)}
            yield {**found, "megabytes": round((peak_kb() - before) / 1024), "canary": target.canary.exists()}


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = list(tried(Path(folder)))
    for row in rows:
        print(f"{row['kind']:8} {row['seconds']:5.2f} s {row['megabytes']:5} MB  {row['name']}: {row['said']}")
    worst = {name: max(row[name] for row in rows) for name in ("seconds", "megabytes")}
    refused = sum(row["said"] is not None for row in rows)
    print(f"{refused} of {len(rows)} refused, in {worst['seconds']} s and {worst['megabytes']} MB at most")
    write_results("malicious_models", {"files": len(rows), "refused": refused, **worst, "rows": rows})
    sys.exit(refused < len(rows) or any(row["canary"] for row in rows))


if __name__ == "__main__":
    main()
