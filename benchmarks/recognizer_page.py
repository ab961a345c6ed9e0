"""Writes docs/recognizer.md and the cards of the models that come with the package from measured figures.

    python benchmarks/recognizer_page.py [--run=FOLDER]

With the folder of a run, its learning curve is taken over into benchmarks/results/recognizer_run.json first. In
docs/recognizer.in.md, `{table.NAME}` stands for a table and `{FILE.key.key}` for a value of the results in FILE.json.
A model card is docs/cards/NAME.in.md, filled likewise.
"""

import argparse
import json
import re
from pathlib import Path

from rounds import RESULTS, read_results

from keras_stt.formats.lines import write_text
from keras_stt.report import plots

ROOT = Path(__file__).resolve().parent.parent
OF_EPOCH = ("train_cpu_seconds", "draft_loss", "dev_wer", "dev_wer_draft", "dev_cer")
OF_RUN = (
    *(
        "parameters",
        "steps",
        "epochs",
        "backend",
        "train_cpu_seconds",
        "train_seconds",
        "peak_memory_mb",
        "audio_hours_per_hour",
    ),
    *("dev_wer", "dev_wer_draft", "test_wer", "test_wer_draft", "test_wer_interval", "word_start_error_ms", "seed"),
)


def peer() -> list[dict]:
    """The peer's measurements, by time."""
    lines = (RESULTS / "peer_parakeet.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def take_over(run: Path) -> None:
    """The learning curve of a run and what it reached, without the folders of its machine."""
    import csv

    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    with open(run / "history.csv", encoding="utf-8", newline="") as file:
        epochs = [{name: float(row[name]) for name in OF_EPOCH} for row in csv.DictReader(file)]
    found = {name: summary[name] for name in OF_RUN if name in summary} | {"curve": epochs}
    write_text(RESULTS / "recognizer_run.json", json.dumps(found, indent=1) + "\n")


def percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"


def with_interval(figures: dict) -> str:
    low, high = figures["wer_interval"]
    return f"{percent(figures['wer'])} ({100 * low:.1f} to {100 * high:.1f})"


def table(head: str, rows: list[list[str]]) -> str:
    columns = head.count("|") + 1
    return "\n".join([f"| {head} |", "|" + "---|" * columns, *(f"| {' | '.join(row)} |" for row in rows)])


def curve_table() -> str:
    """Ours at the times at which the peer was measured: the last epoch that was finished by then."""
    rows = []
    epochs = read_results("recognizer_run")["curve"]
    for point in peer():
        done = [epoch for epoch in epochs if epoch["train_cpu_seconds"] <= point["cpu_s"]]
        ours = [percent(done[-1][name]) for name in ("dev_wer_draft", "dev_wer")] if done else ["-", "-"]
        lower = f"{100 * (1 - done[-1]['dev_wer'] / point['wer']):.0f} %" if done else "-"
        rows.append([f"{point['cpu_s']:,.0f}", percent(point["wer"]), *ours, lower])
    return table("CPU-seconds | peer | draft | refined | lower by", rows)


def decoding_table() -> str:
    found = read_results("decoding")["ways"]
    draft = found[0]["test"]["wer"]
    rows = [
        [
            way["name"],
            with_interval(way["dev"]),
            with_interval(way["test"]),
            f"{100 * (1 - way['test']['wer'] / draft):.1f} %",
            f"{3600 / way['cpu_seconds_per_hour']:.0f}",
        ]
        for way in found
    ]
    return table(
        "words found by | dev WER | test WER | lower than the draft on test | audio-seconds a CPU-second", rows
    )


def examples_table() -> str:
    lines = []
    for number, example in enumerate(read_results("decoding")["examples"], 1):
        lines += [f"**{number}.** *{example['spoken']}*", ""]
        lines += [f"- {name}: {example[name]}" for name in ("draft", "refined", "voted", "n-grams")]
        lines.append("")
    return "\n".join(lines).rstrip()


def word_times_table() -> str:
    """Of the model that comes with the package, and of one that has learned from no TextGrid."""
    unaided = {row["speaker"]: row for row in read_results("word_times_without_textgrids")}
    rows = [
        [row["speaker"], f"{row['words']:,}"]
        + [
            figure
            for of in (row, unaided[row["speaker"]])
            for figure in (f"{of['mean_error_ms']:.0f}", percent(of["within_100_ms"]))
        ]
        for row in read_results("word_times")
    ]
    head = "speaker | words | mean error, ms | within 100 ms"
    return table(f"{head} | without TextGrids: mean error, ms | without TextGrids: within 100 ms", rows)


def digits_table() -> str:
    """Of both test speakers, and of each by the model that comes with the package."""
    rows = [
        [row["name"], with_interval(alone["both"]), with_interval(row["both"])]
        + [percent(row[speaker]["wer"]) for speaker in ("jackson", "nicolas")]
        for row, alone in zip(read_results("digits")["ways"], read_results("digits_scratch")["ways"], strict=True)
    ]
    return table("words found by | digits alone | `digits-small` | jackson | nicolas", rows)


def ablation_table() -> str:
    rows = [
        [f"[`{row['name']}`](../{row['flagfile']})", row["description"]]
        + [f"{row['steps']:,}", f"{row['train_cpu_seconds']:,.0f}"]
        + [percent(row[way]["wer"]) for way in ("draft", "refined")]
        + [with_interval(row["voted"]), percent(row["dev_cer"])]
        for row in read_results("recognizer_ablation")
    ]
    return table("run | what it is | steps | CPU-seconds | draft | refined | voted | CER", rows)


def race_table() -> str:
    rows = [
        [
            row["name"],
            f"{row['parameters'] / 1e6:.1f} M",
            f"{row['steps']:,}",
            percent(row["draft_wer"]),
            percent(row["wer"]),
        ]
        for row in read_results("refiner_race")
    ]
    return table("refiner | parameters | steps | its draft, dev WER | refined, dev WER", rows)


def speed_table() -> str:
    rows = [
        [row["backend"], row["name"], f"{row['times_real_time']:.0f}", f"{row['times_real_time_without_start']:.0f}"]
        for row in read_results("transcription_speed")
    ]
    return table("backend | words found by | times real time, start included | after the start", rows)


TABLES = {
    "curve": curve_table,
    "decoding": decoding_table,
    "examples": examples_table,
    "digits": digits_table,
    "ablation": ablation_table,
    "race": race_table,
    "word_times": word_times_table,
    "speed": speed_table,
}


def filled(text: str) -> str:
    """The text with figures in place of what stands in braces."""

    def fill(match: re.Match) -> str:
        source, *path = match.group(1).split(".")
        return TABLES[path[0]]() if source == "table" else value(read_results(source), path)

    return re.sub(r"\{([\w-]+(?:\.\w+)+)\}", fill, text)


def value(found, path: list[str]) -> str:
    """A figure as it is written: rates in per cent, `wer` with its interval where one was measured."""
    if path[-1] == "wer_with_interval":
        path, show = path[:-1], with_interval
    else:
        show = _shown
    for key in path:
        found = found[int(key)] if isinstance(found, list) else found[key]
    if show is _shown and isinstance(found, float) and path[-1].endswith(("wer", "cer", "wer_draft")):
        return percent(found)
    return show(found)


def _shown(found) -> str:
    if isinstance(found, str):
        return found
    return f"{found:,.0f}" if isinstance(found, int | float) and abs(found) >= 100 else f"{found:.3g}"


def draw_curve() -> str:
    """The learning curve against the peer's, as a file of its own."""
    epochs = read_results("recognizer_run")["curve"]

    def draw(axes):
        axes.plot([point["cpu_s"] for point in peer()], [100 * point["wer"] for point in peer()], "o-",
                  color=plots.SECOND, markersize=3, label="FastConformer CTC")  # fmt: skip
        seconds = [epoch["train_cpu_seconds"] for epoch in epochs]
        for name, line, label in (("dev_wer", "o-", "keras_stt"), ("dev_wer_draft", "--", "its draft")):
            axes.plot(seconds, [100 * epoch[name] for epoch in epochs], line, color=plots.FIRST, markersize=3,
                      label=label)  # fmt: skip
        axes.set_ylim(0, 105)
        axes.set(xlabel="CPU-seconds of training", ylabel="dev WER, %")
        plots.legend(axes)

    return plots.standalone(plots.svg(draw, "curve"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, help="folder of the run that was measured against the peer")
    arguments = parser.parse_args()
    if arguments.run:
        take_over(arguments.run)
    write_text(ROOT / "docs/recognizer_curve.svg", draw_curve() + "\n")
    pages = {ROOT / "docs/recognizer.in.md": ROOT / "docs/recognizer.md"}
    pages |= {
        card: ROOT / f"keras_stt/pretrained/{card.name.removesuffix('.in.md')}.md"
        for card in (ROOT / "docs/cards").glob("*.in.md")
    }
    for template, page in pages.items():
        write_text(page, filled(template.read_text(encoding="utf-8")))
        print(page)


if __name__ == "__main__":
    main()
