"""The best, the median and the worst test utterances, reference and hypothesis word by word."""

import math
from collections.abc import Sequence

from keras_stt.evidence.choose import quality
from keras_stt.report.numbers import percent
from keras_stt.report.page import section, text
from keras_stt.report.results import UtteranceResult

EXAMPLES = 5  # of each kind
MARKS = {"substitute": ("substitution", "S"), "delete": ("deletion", "D"), "insert": ("insertion", "I")}


def utterances(results: Sequence[UtteranceResult]) -> str:
    """The section of them; "" without results."""
    if not results:
        return ""
    results = sorted(results, key=quality)
    key = " ".join(f'<span class="key {name}">{mark} {name}</span>' for name, mark in MARKS.values())
    parts = [f"<p class=quiet>The upper line is what was said, the lower what was heard. Marked: {key}</p>"]
    middle = (len(results) - EXAMPLES) // 2
    groups = (
        ("Best", results[:EXAMPLES]),
        ("Median", results[middle : middle + EXAMPLES]),
        ("Worst", results[-EXAMPLES:][::-1]),
    )
    if len(results) <= 3 * EXAMPLES:
        groups = (("All, best first", results),)
    for name, group in groups:
        parts += [f"<h3>{name}</h3>", *map(_utterance, group)]
    return section("Test utterances", "\n".join(parts))


def _utterance(result: UtteranceResult) -> str:
    pairs = "".join(_pair(*operation) for operation in result.aligned) or "<i>nothing said, nothing heard</i>"
    rate = "no words said" if math.isinf(result.counts.rate) else f"WER {percent(result.counts.rate)}"
    return (
        f'<div class="utterance"><p class="quiet">{rate} · <bdi>{text(result.id)}</bdi> · speaker '
        f"<bdi>{text(result.speaker or 'unknown')}</bdi> · {result.duration:.1f} s</p>"
        f'<div class="words" dir="auto">{pairs}</div></div>'
    )


def _pair(operation: str, said: str | None, heard: str | None) -> str:
    """A word of the reference over a word of the hypothesis, with a letter below where they differ."""
    upper, lower = text(said or ""), text(heard or "")
    if operation == "equal":
        return f'<span class="pair"><bdi>{upper}</bdi> <bdi class="hit">{lower}</bdi></span> '
    name, mark = MARKS[operation]
    upper = f"<del>{upper}</del>" if operation == "delete" else f"<bdi>{upper or '–'}</bdi>"
    lower = f"<ins>{lower}</ins>" if operation == "insert" else f"<bdi>{lower or '–'}</bdi>"
    return f'<span class="pair {name}">{upper} {lower} <span class="mark" title="{name}">{mark}</span></span> '
