"""Writes docs/live.md from docs/live.in.md and benchmarks/results/live.json.

    python benchmarks/live_page.py

`{latency}`, `{changes}`, `{ends}` and `{pipe}` stand for tables, `{machine}` for what was measured with.
"""

from pathlib import Path

from recognizer_page import percent, table
from rounds import read_results

from keras_stt.formats.lines import write_text

ROOT = Path(__file__).resolve().parent.parent
LATENCIES = {
    "in_place": "any word in its place",
    "as_final": "the word as it is at last",
    "right": "the same, of words that are right",
}


def latency_row(name: str, found: dict) -> list[str]:
    seconds = [f"{found[key]:.2f}" for key in ("p50", "p90", "p95")]
    return [name, f"{found['words']:,}", *seconds, percent(found["within_1_s"])]


def tables(found: dict) -> dict[str, str]:
    """What stands for each place of the page."""
    head = "shown first | words | median, s | 90 %, s | 95 %, s | within 1 s"
    rows = [latency_row(words, found["latency"][name]) for name, words in LATENCIES.items()]
    changes = [
        ["words shown that are not among the final ones", percent(found["shown_changed"])],
        ["words that two hearings agreed in, likewise", percent(found["stable_changed"])],
        ["corrections a minute", f"{found['corrections_per_minute']:.0f}"],
        ["CPU-seconds a second of speech", f"{found['real_time_factor']:.2f}"],
    ]
    ends = [[percent(found[name]) for name in ("wer_live_against_offline", "wer_live", "wer_offline")]]
    pipe = found["pipe"]
    return {
        "latency": table(head, rows),
        "changes": table("what | how much", changes),
        "ends": table("live against offline, WER | live against the truth | offline against the truth", ends),
        "pipe": table(head, [latency_row(LATENCIES["in_place"], pipe["in_place"])]),
        "recordings": f"{found['recordings']} recordings, {found['seconds'] / 60:.1f} minutes",
        "load": f"{found['load_average'][0]:.1f}",
        "pipe_wer": percent(pipe["wer_against_offline"]),
        "machine": f"{found['machine']['cpu']}; keras {found['versions']['keras']}, backend {found['backend']}",
    }


def main() -> None:
    text = (ROOT / "docs/live.in.md").read_text(encoding="utf-8")
    write_text(ROOT / "docs/live.md", text.format(**tables(read_results("live"))))
    print(ROOT / "docs/live.md")


if __name__ == "__main__":
    main()
