"""The report of a run, made of the files that the run left in its folder: it can be made again at any time."""

import csv
import dataclasses
import io
import json
from collections.abc import Mapping
from pathlib import Path

from keras_stt.errors import InputError
from keras_stt.evidence.folder import FOLDER
from keras_stt.formats.lines import decode_utf8, read_bytes, write_text
from keras_stt.report.cards import render
from keras_stt.report.html import write_report
from keras_stt.report.results import read_results

REPORT, SUMMARY, HISTORY, FLAGS = "report.html", "summary.json", "history.csv", "flags.cfg"
RESULTS, TRAIN_WORDS = "results.jsonl", "train_words.csv"
# What the report reads of a summary as more than a number or a word.
_SHAPES = {"skipped_records": dict, "collapse": dict, "flags": dict, "test_wer_interval": list}
_MISSING = {
    HISTORY: "there are no curves",
    RESULTS: "no test utterance is shown and no error counted",
    TRAIN_WORDS: "errors are not counted by how frequent a word is in train",
    FLAGS: "no flag is listed",
}


def write_run_report(run, output=None) -> Path:
    """Writes the report of the run in the folder `run`. Equal files give equal bytes.

    Args:
        output: the HTML file; None: `report.html` in the folder.

    Returns:
        The file.

    Raises:
        InputError: the folder holds no run that came to its end, one of its files is damaged, or the report cannot be
            written. What an earlier version did not leave yet is no error: the report has what there is, and says what
            it lacks.
    """
    run = Path(run)
    output = run / REPORT if output is None else Path(output)
    summary = _summary(run)
    read = {HISTORY: _history, RESULTS: read_results, TRAIN_WORDS: read_word_counts, FLAGS: _flags}
    found = {name: parse(run / name) for name, parse in read.items() if (run / name).exists()}
    notes = [f"The run left no {name}: {what}." for name, what in _MISSING.items() if name not in found]
    write_report(
        output,
        summary,
        found.get(HISTORY, []),
        found.get(RESULTS, []),
        flags=found.get(FLAGS),
        train_words=found.get(TRAIN_WORDS),
        notes=notes,
        **dataclasses.asdict(render(run / FOLDER)),
    )
    return output


def write_word_counts(path, counts: Mapping[str, int]) -> None:
    """Writes how often each word is said, as a table of `word` and `count`, commonest first.

    Raises:
        InputError: the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("word", "count"))
    writer.writerows(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    write_text(path, text.getvalue())


def read_word_counts(path) -> dict[str, int]:
    """What `write_word_counts` wrote.

    Raises:
        InputError: the file is missing or damaged.
    """
    counts = {}
    for number, row in enumerate(_table(path, ("word", "count")), start=2):
        if not (row["count"] or "").isdecimal() or len(row["count"]) > 18:
            raise InputError(f"{path}:{number}: {row['count']!r:.40} is no count; delete the file, or train again")
        counts[row["word"]] = int(row["count"])
    return counts


def _summary(run: Path) -> dict:
    path = run / SUMMARY
    if not run.is_dir():
        raise InputError(f"{run}: no such folder; give the folder of a run, its --output_dir")
    if not path.exists():
        raise InputError(f"{path}: is missing; {_why_unfinished(run)}")
    try:
        summary = json.loads(decode_utf8(read_bytes(path), path))
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: no JSON ({error}); train again") from error
    if not isinstance(summary, dict):
        raise InputError(f"{path}: no JSON object; train again")
    for name, shape in _SHAPES.items():
        if not isinstance(summary.get(name) or shape(), shape):
            what = "object" if shape is dict else "list"
            raise InputError(f"{path}: {name} is no {what}; train again")
    return summary


def _why_unfinished(run: Path) -> str:
    if (run / "check.json").exists():
        return "the run checked a set-up, and trained nothing to report of"
    if (run / FLAGS).exists():
        return f"the run did not come to its end: go on with train_main.py --flagfile={run / FLAGS} --resume"
    return "give the folder of a run, its --output_dir"


def _history(path) -> list[dict]:
    return list(_table(path, ("epoch",)))


def _table(path, columns: tuple[str, ...]):
    """The rows of a CSV file that has these columns."""
    text = decode_utf8(read_bytes(path), path)
    try:
        rows = csv.DictReader(io.StringIO(text), strict=True)
        missing = [name for name in columns if name not in (rows.fieldnames or ())]
        if missing:
            raise InputError(f"{path}: no column {missing[0]!r}; delete the file, or train again")
        yield from rows
    except csv.Error as error:
        raise InputError(f"{path}: no CSV table ({error}); delete the file, or train again") from error


def _flags(path) -> dict[str, str]:
    """Names and values of a flagfile, whose switches are `--name` and `--noname`."""
    flags = {}
    for line in decode_utf8(read_bytes(path), path).splitlines():
        name, given, value = line.strip().removeprefix("--").partition("=")
        if not line.startswith("--"):
            continue
        switched_off = not given and name.startswith("no")
        flags[name.removeprefix("no") if switched_off else name] = value if given else str(not switched_off)
    return flags
