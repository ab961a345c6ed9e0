"""Writes docs/diary.md from docs/diary.in.md and the figures under benchmarks/results.

    python benchmarks/diary_page.py [--digits=FOLDER] [--deciding=FOLDER] [--librispeech=FOLDER] [--by_heart=FOLDER]
        [--plateau=FOLDER]

With a folder of `keras-stt compare`, its figures are taken over into benchmarks/results first. In the text,
`{digits.mse.test_wer}` stands for a figure of an experiment, mean and seeds, `{digits.table}` for the whole table, and
`{words_librispeech.zipf.slope}` for a value in any other file there.
"""

import argparse
import json
import re
from pathlib import Path

from keras_stt.formats.lines import write_text
from keras_stt.report.loss_against_wer import transcribing, write_plot

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks/results"
CORPORA = ("digits", "deciding", "librispeech", "by_heart", "plateau")
GIVEN = {"dev_wer": "dev_masked_error", "train_wer": "train_masked_error"}  # for tasks that are given words
SHARES = ("test_wer", "dev_wer", "dev_wer_with_sil", "dev_masked_error", "train_wer", "train_masked_error",
          "commonest_share")  # fmt: skip
OF_TEST = ("test_wer", "dev_wer", "train_wer", "dev_nats", "commonest_share", "shuffle_gap", "steps")
OF_TRAIN = ("train_wer", "dev_wer", "dev_nats", "commonest_share", "shuffle_gap", "steps")
HEADINGS = {
    "test_wer": "test WER",
    "dev_wer": "dev window WER",
    "train_wer": "WER on train windows",
    "dev_nats": "dev loss, nats",
    "commonest_share": "commonest word said",
    "shuffle_gap": "loss rise, audio shuffled",
    "steps": "steps",
}


def take_over(corpus: str, folder: str) -> None:
    """Copies the figures of a comparison, without the places in which this machine keeps its corpora."""
    text = re.sub(r'(--\w+_dir)=[^"]*', r"\1=FOLDER", (Path(folder) / "compare.json").read_text())
    results = json.loads(text)
    write_text(RESULTS / f"diary_{corpus}.json", json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def comparison(corpus: str) -> dict:
    """What `compare.json` held."""
    return json.loads((RESULTS / f"diary_{corpus}.json").read_text())


def rows(corpus: str) -> dict[str, dict]:
    """The experiments by name, in the order of the diary."""
    found = sorted(
        comparison(corpus)["experiments"], key=lambda row: (_number(row), row["name"] != "base", row["name"])
    )
    return {row["name"]: row for row in found}


def _number(row: dict) -> str:
    match = re.match(r"D\d\d", row["description"] or "")
    return match.group() if match else "D99"


def fits(corpus: str) -> str:
    """How well each kind of curve gives WER from loss, over all epochs of all runs that transcribe."""
    results = comparison(corpus)
    epochs = sum(len(run["epochs"]) for run in transcribing(results["runs"]))
    lines = [f"| {fit['name']} | {fit['formula']} | {fit['r2']:.3f} |" for fit in results["fits"]]
    return "\n".join([f"| curve, {epochs} epochs | | R² |", "|---|---|---|", *lines])


def figure(row: dict, name: str) -> str:
    """Mean and each seed's value: `28.1 % (27.0, 29.2)`."""
    spread = row["figures"].get(name)
    if spread is None:
        return "-"
    if name in SHARES:
        values = [f"{100 * value:.1f}" for value in spread["values"]]
        text = f"{100 * spread['mean']:.1f} %"
    elif name in ("steps", "parameters", "distinct"):
        return f"{spread['mean']:,.0f}"
    else:
        values, text = [f"{value:.2f}" for value in spread["values"]], f"{spread['mean']:.2f}"
    return f"{text} ({', '.join(values)})" if len(values) > 1 else text


def table(corpus: str) -> str:
    columns = OF_TEST if corpus in ("digits", "deciding") else OF_TRAIN
    lines = [
        "| | experiment | " + " | ".join(HEADINGS[name] for name in columns) + " |",
        "|---|---|" + "---|" * len(columns),
    ]
    for name, row in rows(corpus).items():
        given = row.get("task") != "transcribe"
        cells = [figure(row, GIVEN.get(column, column) if given else column) for column in columns]
        if given:
            cells = [
                f"{cell} *" if _is_share(row, column) and cell != "-" else cell
                for column, cell in zip(columns, cells, strict=True)
            ]
        if row.get("verdicts"):
            cells = [f"{row['verdicts'][0]['verdict']}", *[""] * (len(columns) - 1)]
        lines.append(f"| {_number(row)} | [`{name}`](../flags/diary/{name}.cfg) | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _is_share(row: dict, column: str) -> bool:
    """Whether a task that is given words has in this column the share of wrong ones among the words asked for."""
    return column in GIVEN or (column == "test_wer" and row["test_wer_of"] != "whole utterances")


def filled(text: str) -> str:
    """The text with figures in place of what stands in braces."""
    by_corpus = {corpus: rows(corpus) for corpus in CORPORA}

    def fill(match: re.Match) -> str:
        source, *path = match.group(1).split(".")
        if source not in CORPORA:
            return _value(json.loads((RESULTS / f"{source}.json").read_text()), path)
        if path == ["table"]:
            return table(source)
        if path == ["fits"]:
            return fits(source)
        experiment, name = path
        return figure(by_corpus[source][experiment], name)

    return re.sub(r"\{(\w+(?:\.\w+)+)\}", fill, text)


def _value(found: dict, path: list[str]) -> str:
    for key in path:
        found = found[key]
    if isinstance(found, float):
        return f"{100 * found:.1f} %" if path[-1].endswith(("wer", "error", "share")) else f"{found:.4g}"
    return f"{found:,}" if isinstance(found, int) else str(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for corpus in CORPORA:
        parser.add_argument(f"--{corpus}", help=f"folder of the comparison on {corpus}")
    arguments = parser.parse_args()
    for corpus in CORPORA:
        if getattr(arguments, corpus):
            take_over(corpus, getattr(arguments, corpus))
    write_text(ROOT / "docs/diary.md", filled((ROOT / "docs/diary.in.md").read_text(encoding="utf-8")))
    write_plot(ROOT / "docs/diary_digits.svg", comparison("digits"))
    print(ROOT / "docs/diary.md")


if __name__ == "__main__":
    main()
