"""Searches the parsers of all file formats for inputs that break them, guided by coverage; writes down what it finds.

    python benchmarks/fuzzing.py [--minutes=10] [--formats=stm,ctm] [--corpus_dir=FOLDER]

Runs tests/fuzz/fuzz_formats.py on one format after the other, so many minutes each, and adds to
benchmarks/results/fuzz.json: seconds, executions and findings are summed up over all runs, edges are those that the
last run covered. A finding stays there for good; whether it is mended is tried out anew each time, and by a test.
Needs `pip install keras_stt[fuzz]`.
"""

import argparse
import base64
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rounds import RESULTS, write_results

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from format_contract import FORMATS, check_any_bytes  # noqa: E402 (beside the tests that use it)

LIMIT = "-timeout=20"  # seconds for one input; the target limits its memory itself


def search(name: str, seconds: int, corpus: Path) -> dict:
    """What a search of so many seconds in one format did and found."""
    corpus.mkdir(parents=True, exist_ok=True)
    began, executions, edges, crashes = time.monotonic(), 0, 0, []
    with tempfile.TemporaryDirectory() as findings:
        # What ends the process ends not the search.
        while (left := round(seconds - (time.monotonic() - began))) > 0:
            command = [sys.executable, ROOT / "tests/fuzz/fuzz_formats.py", name, findings, corpus]
            options = [f"-max_total_time={left}", "-print_final_stats=1", LIMIT]
            log = subprocess.run(
                [*command, *options], capture_output=True, text=True, errors="replace", cwd=ROOT
            ).stderr
            counts = re.findall(r"number_of_executed_units: (\d+)", log)
            if not counts:
                sys.exit(f"fuzzing.py: {name} did not run: {log[-500:]}")
            executions += int(counts[-1])
            edges = max([edges, *map(int, re.findall(r"cov: (\d+)", log))])
        for path in sorted(Path(findings).iterdir()):
            crashes.append(json.loads(path.read_text()) if path.suffix == ".json" else _of_artifact(path))
    found = {"seconds": round(time.monotonic() - began), "executions": executions, "edges": edges}
    return {**found, "crashes": crashes}


def _of_artifact(path: Path) -> dict:
    """The finding of a file that libFuzzer wrote, such as `timeout-0a1b2c`."""
    data = base64.b64encode(path.read_bytes()).decode()
    return {"what": path.name.partition("-")[0], "message": "ended the process", "input": data}


def added(before: dict, found: dict) -> dict:
    """The results of a format with those of one more search."""
    known = {crash["what"] for crash in before.get("crashes", ())}
    new = [crash for crash in found["crashes"] if crash["what"] not in known]
    sums = {name: before.get(name, 0) + found[name] for name in ("seconds", "executions")}
    return {**sums, "edges": found["edges"], "crashes": [*before.get("crashes", ()), *new]}


def is_mended(name: str, crash: dict) -> bool:
    """Whether the parser now keeps its contract on the input that once broke it."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            check_any_bytes(FORMATS[name], folder, base64.b64decode(crash["input"]))
        except Exception:  # whatever it is, it is not mended
            return False
    return True


def read_results(path: Path) -> dict:
    return json.loads(path.read_text())["formats"] if path.exists() else {}


def write(formats: dict) -> None:
    """Writes the results of all formats, what is mended as it is now."""
    for name, found in formats.items():
        found["crashes"] = [{**crash, "mended": is_mended(name, crash)} for crash in found["crashes"]]
    crashes = [crash for found in formats.values() for crash in found["crashes"]]
    total = {
        "hours": round(sum(found["seconds"] for found in formats.values()) / 3600, 2),
        "executions": sum(found["executions"] for found in formats.values()),
        "crashes": len(crashes),
        "mended": sum(crash["mended"] for crash in crashes),
    }
    write_results("fuzz", {"total": total, "formats": formats}, ("atheris",))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10, help="for each format")
    parser.add_argument("--formats", default=",".join(FORMATS), help="comma-separated; all by default")
    parser.add_argument("--corpus_dir", help="where inputs are kept from one run to the next; by default they are not")
    arguments = parser.parse_args()
    names = arguments.formats.split(",")
    if unknown := set(names) - set(FORMATS):
        sys.exit(f"fuzzing.py: unknown formats {', '.join(sorted(unknown))}; there are {', '.join(FORMATS)}")
    with tempfile.TemporaryDirectory() as temporary:
        for name in names:
            found = search(name, round(60 * arguments.minutes), Path(arguments.corpus_dir or temporary, name))
            formats = read_results(RESULTS / "fuzz.json")
            formats[name] = added(formats.get(name, {}), found)
            write(formats)
            told = {key: value for key, value in formats[name].items() if key != "crashes"}
            print(name, told, f"{len(formats[name]['crashes'])} found", flush=True)


if __name__ == "__main__":
    main()
