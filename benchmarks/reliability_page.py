"""Writes docs/reliability.md and docs/planning.md from their .in.md and the figures under benchmarks/results.

    python benchmarks/reliability_page.py

`{table.NAME}` stands for what a function here makes of a benchmark's file, `{FILE.key}` for a value of FILE.json.
"""

import re
from pathlib import Path

from recognizer_page import table
from rounds import read_results

from keras_stt.formats.lines import write_text

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("reliability", "planning")
PLACES = re.compile(r"\{(\w+(?:\.\w+)+)\}")

HOURS, ACCELERATORS, SECONDS_EACH = 60_000, 64, 600
PRODUCTS_PER_SECOND = 800e12  # assumed of an accelerator, in bfloat16
HOURS_TO_FAILURE = 50_000  # assumed of an accelerator
EPOCHS = 60  # flags/recognizer_large.cfg


def kills() -> str:
    rows = [
        [
            *name.split(", "),
            str(row["kills"]),
            str(row["while_writing_a_checkpoint"]),
            str(row["before_the_first_checkpoint"]),
            f"{row['largest_difference_of_a_weight']:.0e}" if row["largest_difference_of_a_weight"] else "0",
        ]
        for name, row in read_results("kills").items()
    ]
    rows.append(["in all", "", *(str(sum(int(row[i]) for row in rows)) for i in (2, 3, 4)), ""])
    return table("backend | view | kills | while writing | before the first checkpoint | weights differ by", rows)


def soak() -> str:
    rows = []
    for backend, row in read_results("soak").items():
        first, last = (row[name] for name in row if name.startswith("after_"))
        rows.append(
            [
                backend,
                f"{row['steps']:,}",
                f"{first['memory_mb']:,.0f}",
                f"{last['memory_mb']:,.0f}",
                f"{row['memory_growth'] - 1:+.1%}",
                f"{first['files']}, {last['files']}",
                f"{first['threads']}, {last['threads']}",
                str(last["children"]),
            ]
        )
    head = "backend | steps | MB after 500 | MB at the end | growth | files | threads | children"
    return table(head, rows)


def bad_input() -> str:
    rows = [[row["kind"], row["window"], row["transcription"] or ""] for row in read_results("bad_input")["kinds"]]
    return table("kind | training (window view) | transcription", rows)


def eight_hours() -> str:
    found = read_results("bad_input")["long"]
    return "; ".join(
        f"of {name} {row['seconds']:.0f} s and {row['peak_megabytes']:,.0f} MB" for name, row in found.items()
    )


def made_kinds() -> str:
    return str(len(read_results("bad_input")["kinds"]))


def fuzz() -> str:
    rows = [
        [name, f"{row['seconds'] / 60:.0f}", f"{row['executions']:,}", str(row["edges"]), str(len(row["crashes"]))]
        + [str(sum(crash["mended"] for crash in row["crashes"]))]
        for name, row in read_results("fuzz")["formats"].items()
    ]
    return table("format | minutes | tries | edges | found | mended", rows)


def processes() -> str:
    rows = []
    for name, row in read_results("processes").items():
        backend, view, way = name.split(", ", 2)
        if "then" in row:
            way = f"{row['processes']} processes, one killed after step {row['killed_after_step']}, then {row['then']}"
        rows.append(
            [backend, view, way, f"{row['largest_difference_of_a_weight']:.0e}", f"{row['difference_of_the_loss']:.0e}"]
        )
    return table("backend | of | shared by | weights differ by | loss differs by", rows)


def storage() -> str:
    found = read_results("bulk")
    sizes = {
        "audio, FLAC": found["flac_bytes_per_hour"],
        "log-mel store": found["per_core"]["features"]["bytes_per_hour"],
        "index": found["per_core"]["index"]["bytes_per_hour"],
        "word times": found["per_core"]["word times"]["bytes_per_hour"],
    }
    rows = [[name, f"{size / 1e6:.1f} MB", f"{size * HOURS / 1e12:.2f} TB"] for name, size in sizes.items()]
    return table("what | an hour of audio | 60,000 hours", rows)


def preparation() -> str:
    found = read_results("bulk")["per_core"]
    rows = [
        [what, f"{found[key]['audio_hours_per_core_hour']:,.0f}"]
        + [f"{HOURS / found[key]['audio_hours_per_core_hour']:,.0f}"]
        for what, key in (("log-mel", "features"), ("word times by a model", "word times"))
    ]
    return table("what | hours of audio in a core-hour | core-hours for 60,000", rows)


def index_time() -> str:
    return f"{60 * HOURS / read_results('bulk')['per_core']['index']['audio_hours_per_core_hour']:.0f} minutes"


def _large() -> dict:
    return read_results("planning")["recognizer_large"]


def _share() -> float:
    rows = read_results("training_speed")["rows"]
    return next(r["share_of_products"] for r in rows if (r["name"], r["precision"]) == ("torch", "bfloat16"))


def _steps() -> float:
    """In an epoch."""
    return HOURS * 3600 / (ACCELERATORS * SECONDS_EACH)


def _step_seconds() -> dict[str, float]:
    least = SECONDS_EACH * _large()["operations_per_audio_second"] / (PRODUCTS_PER_SECOND * _share())
    return {"as the arithmetic has it": least, "ten times as long": 10 * least}


def rates() -> str:
    store = read_results("bulk")["per_core"]["features"]["bytes_per_hour"]
    audio = ACCELERATORS * SECONDS_EACH / 3600  # hours in a step
    per_core = _per_core()
    rows = [
        [
            name,
            f"{1000 * seconds:.0f} ms",
            f"{1 / seconds:.1f}",
            f"{audio * store / seconds / 1e9:.1f} GB",
            f"{audio / seconds / per_core:.0f}",
            f"{_steps() * seconds / 60:.1f} min",
            f"{EPOCHS * _steps() * seconds / 3600:.1f} h",
        ]
        for name, seconds in _step_seconds().items()
    ]
    head = "a step | takes | steps a second | read a second | cores that make batches | an epoch | 60 epochs"
    return table(head, rows)


def _per_core() -> float:
    rows = read_results("input_pipeline")["rows"]
    return min(row["audio_hours_per_second"] for row in rows if row["name"] == "batches from the store")


def failures() -> str:
    between = HOURS_TO_FAILURE / ACCELERATORS * 3600  # seconds
    cost = _large()["checkpoint_seconds"]
    interval = (2 * cost * between) ** 0.5
    rows = []
    for name, seconds in _step_seconds().items():
        run = EPOCHS * _steps() * seconds
        lost = cost / interval + interval / 2 / between
        rows.append(
            [name, f"{between / 86400:.0f} days", f"{run / between:.2f}", f"{interval / 60:.0f} min"]
            + [f"{interval / seconds:,.0f}", f"{lost:.2%}"]
        )
    head = "a step | between failures | failures in 60 epochs | best interval | `--checkpoint_steps` | time lost"
    return table(head, rows)


VALUES = {
    "kills": kills,
    "soak": soak,
    "bad_input": bad_input,
    "eight_hours": eight_hours,
    "fuzz": fuzz,
    "processes": processes,
    "storage": storage,
    "preparation": preparation,
    "index_time": index_time,
    "steps": lambda: f"{_steps():,.0f}",
    "operations": lambda: f"{_large()['operations_per_audio_second'] / 1e9:.1f} thousand million",
    "share": lambda: f"{_share():.0%}",
    "rates": rates,
    "batches_per_core": lambda: f"{_per_core():.1f}",
    "checkpoint": lambda: f"{_large()['checkpoint_bytes'] / 1e6:,.0f} MB",
    "checkpoint_seconds": lambda: f"{_large()['checkpoint_seconds']:.1f}",
    "failures": failures,
}


def filled(text: str) -> str:
    """The text with figures in place of what stands in braces."""

    def fill(match: re.Match) -> str:
        source, *path = match.group(1).split(".")
        if source == "table":
            return VALUES[path[0]]()
        if match.group(1) == "bad_input.made":
            return made_kinds()
        found = read_results(source)
        for key in path:
            found = found[key]
        return f"{found:,}"

    return PLACES.sub(fill, text)


def main() -> None:
    for page in PAGES:
        text = (ROOT / f"docs/{page}.in.md").read_text(encoding="utf-8")
        write_text(ROOT / f"docs/{page}.md", filled(text))
        print(ROOT / f"docs/{page}.md")


if __name__ == "__main__":
    main()
