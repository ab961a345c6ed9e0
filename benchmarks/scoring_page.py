"""Writes docs/scoring.md from its .in.md, the figures of benchmarks/scoring.py, and what its own examples print.

python benchmarks/scoring_page.py
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from recognizer_page import table
from rounds import read_results

from keras_stt.formats.lines import write_text

ROOT = Path(__file__).resolve().parent.parent
SOURCE, PAGE = ROOT / "docs/scoring.in.md", ROOT / "docs/scoring.md"
_EXAMPLE = re.compile(r"```sh\n(.*?)```", re.DOTALL)
_NAMES = {"-s": "case counts", "-D": "optional words", "-F": "fragments"}


def printed(program: str, folder: str) -> str:
    """What an example prints, the command being this project's."""
    command = f'keras-stt() {{ {sys.executable} -m keras_stt "$@"; }}\n{program}'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-ec", command], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.rstrip("\n")


def cases() -> str:
    """A row for each kind of transcript."""
    rows = [
        [_described(name), f"{found['utterances']:,}", str(found["different"])]
        for name, found in read_results("scoring")["cases"].items()
    ]
    return table("transcripts | utterances | counted otherwise", rows)


def _described(name: str) -> str:
    kind, *flags = name.split()
    words = kind.replace("_", " ").replace("trn", "TRN").replace("ctm", "CTM").replace("stm", "STM")
    return ", ".join([words, *(f"{_NAMES[flag]} (`{flag}`)" for flag in flags)])


def filled(text: str) -> str:
    """The text with figures and output in place of their names in braces."""
    with tempfile.TemporaryDirectory() as folder:
        example, comparison = (printed(program, folder) for program in _EXAMPLE.findall(text))
    tests = read_results("scoring")["matched_pairs"]
    ours, theirs = (
        f"{test['segments']:,} segments, mean {test['mean']:.3f}, deviation {test['deviation']:.3f}, Z {test['z']:.3f}"
        for test in (tests["ours"], tests["sc_stats"])
    )
    values = {"example": example, "comparison": comparison, "table": cases(), "ours": ours, "theirs": theirs}
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def main() -> None:
    write_text(PAGE, filled(SOURCE.read_text(encoding="utf-8")))
    print(PAGE)


if __name__ == "__main__":
    main()
