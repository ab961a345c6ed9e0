"""Writes docs/performance.md from docs/performance.in.md and the figures under benchmarks/results.

    python benchmarks/performance_page.py

`{table.NAME}` stands for a table, made of what its benchmark wrote, and `{FILE.key}` for a value of FILE.json, as in
the page of the recogniser.
"""

import re
from pathlib import Path

from recognizer_page import percent, table, value
from rounds import read_results

from keras_stt.formats.lines import write_text

ROOT = Path(__file__).resolve().parent.parent


def training_table() -> str:
    rows = [
        [row["precision"], row["name"], f"{row['parameters'] / 1e6:.1f}", f"{row['audio_hours_per_hour']:.0f}"]
        + [f"{row['times_peer']:.2f}", f"{row['share_of_products']:.0%}" if row["share_of_products"] else ""]
        for row in read_results("training_speed")["rows"]
    ]
    return table("precision | what | parameters, M | audio hours an hour | times the peer | of bare products", rows)


def first_step_table() -> str:
    rows = [
        [row["backend"], row["recipe"], f"{row['seconds']:.1f}", f"{row['times_plain']:.2f}"]
        for row in read_results("first_step")["rows"]
    ]
    return table("backend | what | seconds | times plain Keras", rows)


def transcription_table() -> str:
    """A way a row, a length a column."""
    rows = read_results("transcription_peer")["rows"]
    lengths = list(dict.fromkeys((row["seconds"], row["recordings"]) for row in rows))
    cells = {
        (row["name"], row["seconds"], row["recordings"]): f"{row['times_real_time']:.0f} ({row['times_peer']:.1f})"
        for row in rows
    }
    names = dict.fromkeys(row["name"] for row in rows)
    heads = [f"{count} x {_spoken(seconds)}" if count > 1 else _spoken(seconds) for seconds, count in lengths]
    lines = [[name, *(cells.get((name, *length), "") for length in lengths)] for name in names]
    return table(" | ".join(["what", *heads]), lines)


def latency_table() -> str:
    """Milliseconds for a recording alone."""
    rows = [row for row in read_results("transcription_peer")["rows"] if row["recordings"] == 1]
    lengths = list(dict.fromkeys(row["seconds"] for row in rows))
    cells = {(row["name"], row["seconds"]): f"{1000 * row['cpu_seconds']:,.0f}" for row in rows}
    lines = [
        [name, *(cells.get((name, seconds), "") for seconds in lengths)]
        for name in dict.fromkeys(row["name"] for row in rows)
    ]
    return table(" | ".join(["what, ms", *map(_spoken, lengths)]), lines)


def memory_table() -> str:
    rows = read_results("transcription_peer")["peak_memory"]
    lengths = list(dict.fromkeys(row["seconds"] for row in rows))
    cells = {(row["backend"], row["seconds"]): f"{row['megabytes']:,.0f}" for row in rows}
    lines = [
        [name, *(cells[name, seconds] for seconds in lengths)] for name in dict.fromkeys(row["backend"] for row in rows)
    ]
    return table(" | ".join(["peak memory, MB", *map(_spoken, lengths)]), lines)


def _spoken(seconds: int) -> str:
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min"


def log_mel_table() -> str:
    rows = [
        [row["name"], f"{row['times_real_time']:,.0f}", f"{row['ours_times_as_fast']:.2f}"]
        for row in read_results("log_mel")["rows"]
    ]
    return table("log-mel | times real time | keras_stt is times as fast", rows)


def input_pipeline_table() -> str:
    rows = [
        [row["format"], row["name"], f"{row['audio_hours_per_second']:.2f}", f"{100 * row['share_of_limit']:.0f} %"]
        for row in read_results("input_pipeline")["rows"]
    ]
    return table("files | what | audio hours per second | of decoding alone", rows)


def waiting_table() -> str:
    rows = [
        [f"`{row['flags']}`", row["backend"], f"{row['seconds_a_step']:.2f}", f"{100 * row['waiting_share']:.2f} %"]
        for row in read_results("waiting_for_data")["rows"]
    ]
    return table("flags | backend | seconds a step | of which waiting for data", rows)


def wer_counting_table() -> str:
    found = read_results("wer_counting")
    rows = [[name, f"{speed:,.0f}"] for name, speed in found["words_per_second"].items()]
    return table("counting | words per second", rows) + (
        f"\n\nkeras_stt is {found['ours_times_as_fast']:.1f} times as fast."
    )


def growth_table() -> str:
    rows = [
        [row["view"], f"{row['utterances']:,}", f"{row['start_seconds']:.2f}"]
        + [f"{row['batches_per_second']:.0f}", f"{row['memory_mb']:.0f}"]
        for row in read_results("growth")["rows"]
    ]
    return table("view | utterances | start-up, CPU-seconds | batches a CPU-second | memory, MB", rows)


def export_table() -> str:
    """The model itself, as the first of the checks measured it; then each artefact, in float32 and in eight bits."""
    rows = read_results("export")["rows"]
    model = rows[0]["model"]
    speed = f"{model['audio_seconds_per_cpu_second']:.0f}"
    lines = [[f"the model, {model['backend']}", "", "", percent(model["wer"]), speed]]
    for row in rows:
        for name, figures in ((row["runtime"], row), ("in eight bits", row["int8"])):
            lines.append(
                [name, f"{figures['bytes'] / 2**20:.1f}", f"{figures['largest_logit_difference']:.1g}"]
                + [percent(figures["wer"]), f"{figures['audio_seconds_per_cpu_second']:.0f}"]
            )
    return table("artefact | MiB | largest difference of a logit | WER | audio seconds per CPU-second", lines)


def machine_table() -> str:
    """Where the figures come from: the machine, and the versions that matter."""
    found = read_results("log_mel")
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return table("measured on | with", [[found["machine"]["cpu"], versions]])


TABLES = {
    "machine": machine_table,
    "training": training_table,
    "first_step": first_step_table,
    "transcription": transcription_table,
    "latency": latency_table,
    "memory": memory_table,
    "log_mel": log_mel_table,
    "input_pipeline": input_pipeline_table,
    "waiting_for_data": waiting_table,
    "wer_counting": wer_counting_table,
    "growth": growth_table,
    "export": export_table,
}


def filled(text: str) -> str:
    """The text with figures in place of what stands in braces."""

    def fill(match: re.Match) -> str:
        source, *path = match.group(1).split(".")
        return TABLES[path[0]]() if source == "table" else value(read_results(source), path)

    return re.sub(r"\{(\w+(?:\.\w+)+)\}", fill, text)


def main() -> None:
    text = (ROOT / "docs/performance.in.md").read_text(encoding="utf-8")
    write_text(ROOT / "docs/performance.md", filled(text))
    print(ROOT / "docs/performance.md")


if __name__ == "__main__":
    main()
