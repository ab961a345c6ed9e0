"""Writes docs/performance.md from docs/performance.in.md and the figures under benchmarks/results.

    python benchmarks/performance_page.py

`{table.NAME}` stands for a table, made of what its benchmark wrote, and `{FILE.key}` for a value of FILE.json, as in
the page of the recogniser. `{table.machine}` tells where and with what all these files were measured.
"""

import re
from pathlib import Path

from recognizer_page import percent, table, value
from rounds import read_results

from keras_stt.formats.lines import write_text

ROOT = Path(__file__).resolve().parent.parent
NAMES = {"ctc": "CTC", "relu": "ReLU", "python": "Python"}


def training_table(found: dict) -> str:
    rows = [
        [row["precision"], row["name"], f"{row['parameters'] / 1e6:.1f}", f"{row['audio_hours_per_hour']:.0f}"]
        + [f"{row['times_peer']:.2f}", f"{row['share_of_products']:.0%}" if row["share_of_products"] else ""]
        for row in found["rows"]
    ]
    return table("precision | what | parameters, M | audio hours an hour | times the peer | of bare products", rows)


def first_step_table(found: dict) -> str:
    rows = [
        [row["backend"], row["recipe"], f"{row['seconds']:.1f}", f"{row['times_plain']:.2f}"] for row in found["rows"]
    ]
    return table("backend | what | seconds | times plain Keras", rows)


def transcription_table(found: dict) -> str:
    """A way a row, a length a column."""
    rows = found["rows"]
    lengths = list(dict.fromkeys((row["seconds"], row["recordings"]) for row in rows))
    cells = {
        (row["name"], row["seconds"], row["recordings"]): f"{row['times_real_time']:.0f} ({row['times_peer']:.1f})"
        for row in rows
    }
    names = dict.fromkeys(row["name"] for row in rows)
    heads = [f"{count} x {_spoken(seconds)}" if count > 1 else _spoken(seconds) for seconds, count in lengths]
    lines = [[name, *(cells.get((name, *length), "") for length in lengths)] for name in names]
    return table(" | ".join(["what", *heads]), lines)


def latency_table(found: dict) -> str:
    """Milliseconds for a recording alone."""
    rows = [row for row in found["rows"] if row["recordings"] == 1]
    lengths = list(dict.fromkeys(row["seconds"] for row in rows))
    cells = {(row["name"], row["seconds"]): f"{1000 * row['cpu_seconds']:,.0f}" for row in rows}
    lines = [
        [name, *(cells.get((name, seconds), "") for seconds in lengths)]
        for name in dict.fromkeys(row["name"] for row in rows)
    ]
    return table(" | ".join(["what, ms", *map(_spoken, lengths)]), lines)


def memory_table(found: dict) -> str:
    rows = found["rows"]
    lines = [["the samples themselves", *(f"{row['samples_megabytes']:,.1f}" for row in rows)]]
    for backend in rows[0]["megabytes"]:
        lines.append([backend, *(f"{row['megabytes'][backend]:,.0f}" for row in rows)])
    return table(" | ".join(["peak memory, MB", *(_spoken(row["seconds"]) for row in rows)]), lines)


def step_profile_table(found: dict) -> str:
    """A kind of operation a row, a precision a column."""
    shares = found["percent_of_step"]
    kinds = dict.fromkeys(kind for share in shares.values() for kind in share)
    lines = [
        [
            NAMES.get(kind, kind.replace("_", " ")),
            *(f"{of[kind]:.0f} %" if kind in of else "" for of in shares.values()),
        ]
        for kind in kinds
    ]
    lines.append(["seconds of a step", *(f"{found['seconds_of_step'][precision]:.2f}" for precision in shares)])
    return table(" | ".join(["of a step", *shares]), lines)


def _spoken(seconds: int) -> str:
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min"


def log_mel_table(found: dict) -> str:
    rows = [
        [row["name"], f"{row['times_real_time']:,.0f}", f"{row['ours_times_as_fast']:.2f}"] for row in found["rows"]
    ]
    return table("log-mel | times real time | keras_stt is times as fast", rows)


def input_pipeline_table(found: dict) -> str:
    rows = [
        [row["format"], row["name"], f"{row['audio_hours_per_second']:.2f}", f"{100 * row['share_of_limit']:.0f} %"]
        for row in found["rows"]
    ]
    return table("files | what | audio hours per second | of decoding alone", rows)


def waiting_table(found: dict) -> str:
    rows = [
        [f"`{row['flags']}`", row["backend"], f"{row['seconds_a_step']:.2f}", f"{100 * row['waiting_share']:.2f} %"]
        for row in found["rows"]
    ]
    return table("flags | backend | seconds a step | of which waiting for data", rows)


def wer_counting_table(found: dict) -> str:
    rows = [[name, f"{speed:,.0f}"] for name, speed in found["words_per_second"].items()]
    return table("counting | words per second", rows) + (
        f"\n\nkeras_stt is {found['ours_times_as_fast']:.1f} times as fast."
    )


def growth_table(found: dict) -> str:
    rows = [
        [row["view"], f"{row['utterances']:,}", f"{row['start_seconds']:.2f}"]
        + [f"{row['batches_per_second']:.0f}", f"{row['memory_mb']:.0f}"]
        for row in found["rows"]
    ]
    return table("view | utterances | start-up, CPU-seconds | batches a CPU-second | memory, MB", rows)


def export_table(found: dict) -> str:
    """The model itself, as the first of the checks measured it; then each artefact, in float32 and in eight bits."""
    rows = found["rows"]
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


def machine_table(sources: list[dict]) -> str:
    """Where the figures come from: each machine, and each version of what any of them was measured with."""
    machines = dict.fromkeys(found["machine"]["cpu"] for found in sources)
    versions: dict[str, dict[str, None]] = {}
    for found in sources:
        for name, version in found["versions"].items():
            versions.setdefault(name, {})[version] = None
    shown = ", ".join(f"{name} {' and '.join(those)}" for name, those in versions.items())
    return table("measured on | with", [[" and ".join(machines), shown]])


TABLES = {  # name: the file that it is made of, and how
    "training": ("training_speed", training_table),
    "step_profile": ("step_profile", step_profile_table),
    "first_step": ("first_step", first_step_table),
    "transcription": ("transcription_peer", transcription_table),
    "latency": ("transcription_peer", latency_table),
    "memory": ("transcription_memory", memory_table),
    "log_mel": ("log_mel", log_mel_table),
    "input_pipeline": ("input_pipeline", input_pipeline_table),
    "waiting_for_data": ("waiting_for_data", waiting_table),
    "wer_counting": ("wer_counting", wer_counting_table),
    "growth": ("growth", growth_table),
    "export": ("export", export_table),
}
PLACES = re.compile(r"\{(\w+(?:\.\w+)+)\}")
MACHINE = "table.machine"  # made of all files that the page reads


def filled(text: str) -> str:
    """The text with figures in place of what stands in braces."""
    places = [place for place in PLACES.findall(text) if place != MACHINE]
    sources = {name: read_results(name) for name in dict.fromkeys(map(_source, places))}

    def fill(match: re.Match) -> str:
        place = match.group(1)
        if place == MACHINE:
            return machine_table(list(sources.values()))
        _, *path = place.split(".")
        found = sources[_source(place)]
        return TABLES[path[0]][1](found) if place.startswith("table.") else value(found, path)

    return PLACES.sub(fill, text)


def _source(place: str) -> str:
    """The file that a place in the text is filled from."""
    source, name, *_ = place.split(".")
    return TABLES[name][0] if source == "table" else source


def main() -> None:
    text = (ROOT / "docs/performance.in.md").read_text(encoding="utf-8")
    write_text(ROOT / "docs/performance.md", filled(text))
    print(ROOT / "docs/performance.md")


if __name__ == "__main__":
    main()
