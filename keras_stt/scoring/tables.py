"""Scores as tables: for people, for spreadsheets and for programs."""

import json
import math
from collections.abc import Iterable, Sequence

from keras_stt.errors import printable
from keras_stt.scoring.align import CORRECT, DELETION, INSERTION, SUBSTITUTION, Pair
from keras_stt.scoring.scores import Row, Scored, Scores
from keras_stt.scoring.significance import Comparison

_COLUMNS = ("utterances", "words", "correct", "sub", "del", "ins", "err %", "S.Err %")
_FIELDS = ("utterances", "wrong_utterances", "words", "correct", "substitutions", "deletions", "insertions", "errors")
_KINDS = {SUBSTITUTION: "substitutions", DELETION: "deletions", INSERTION: "insertions"}
_MARKS = {CORRECT: "", SUBSTITUTION: "S", DELETION: "D", INSERTION: "I"}


def text_report(scores: Scores, interval: tuple[float, float], errors: int) -> str:
    """Tables to read.

    Args:
        scores: what was counted.
        interval: of the word error rate.
        errors: how many of the most frequent errors of each kind are listed.
    """
    low, high = map(_percent, interval)
    title = f"{scores.path} against {scores.references.path}"
    rate = _percent(scores.total.counts.rate)
    parts = [f"{title}: {rate} % of words wrong, 95 % interval {low} to {high} %", _table([("", [scores.total])])]
    tables = [("by speaker", scores.by_speaker)]
    for position, rows in enumerate(scores.by_label, start=1):
        named = [_headed(row, scores.references.headings) for row in rows]
        tables.append((f"by label {position}", named))
    parts += [_table([table]) for table in tables]
    if errors:
        parts += [part for part in (_most_frequent(scores, kind, errors) for kind in _KINDS) if part]
    return "\n\n".join(printable_lines(part) for part in parts) + "\n"


def comparison_report(first: Scores, second: Scores, comparison: Comparison) -> str:
    """The tests of two systems, to read."""
    low, high = (f"{100 * bound:+.2f}" for bound in comparison.interval)
    test = comparison.matched_pairs
    z = "" if test.z is None else f", Z {test.z:.3f}"
    segments = f"{test.segments} segment" + ("" if test.segments == 1 else "s")
    lines = [
        f"{second.path} against {first.path}: WER {_percent(second.total.counts.rate)} % and "
        f"{_percent(first.total.counts.rate)} %",
        f"  difference {100 * comparison.difference:+.2f} points, 95 % interval {low} to {high}; by paired bootstrap "
        f"{second.path} is better in {_percent(comparison.probability_of_improvement)} % of draws",
        f"  matched-pairs test: {segments} with errors, on average {test.mean:+.3f} errors more in {first.path}, "
        f"standard deviation {test.deviation:.3f}{z}, {test.chance}",
        comparison.sentence,
    ]
    return printable_lines("\n".join(lines)) + "\n"


def tsv_report(systems: Iterable[Scores]) -> str:
    """A line per row of every table, the fields divided by tabs, with a line of headings."""
    lines = [("system", "table", "name", *_FIELDS, "wer", "utterance_error_rate")]
    for scores in systems:
        for table, rows in _tables(scores):
            for row in rows:
                fields = row_fields(row)
                rates = (_number(fields[name]) for name in ("wer", "utterance_error_rate"))
                numbers = [str(fields[name]) for name in _FIELDS]
                lines.append((scores.path, table, row.name, *numbers, *rates))
    return "".join("\t".join(printable(field) for field in line) + "\n" for line in lines)


def json_report(scores: Scores, interval: tuple[float, float], errors: int) -> dict:
    """All of it for `json.dumps`; a rate that is infinite, for want of reference words, is None."""
    return {
        "reference": scores.references.path,
        "hypothesis": scores.path,
        "all": row_fields(scores.total) | {"wer_interval": [_finite(bound) for bound in interval]},
        "speakers": [row_fields(row) for row in scores.by_speaker],
        "labels": [[row_fields(row) for row in rows] for rows in scores.by_label],
        "errors": {
            name: [{"words": list(words), "times": times} for words, times in scores.errors(kind)[:errors]]
            for kind, name in _KINDS.items()
        },
    }


def comparison_fields(comparison: Comparison) -> dict:
    """The tests for `json.dumps`."""
    test = comparison.matched_pairs
    return {
        "difference": _finite(comparison.difference),
        "difference_interval": [_finite(bound) for bound in comparison.interval],
        "probability_of_improvement": comparison.probability_of_improvement,
        "matched_pairs": {
            "segments": test.segments,
            "mean": test.mean,
            "deviation": test.deviation,
            "z": test.z,
            "p": test.p,
        },
        "sentence": comparison.sentence,
    }


def row_fields(row: Row) -> dict:
    """A row of a table by name."""
    counts = row.counts
    numbers = (
        row.utterances,
        row.wrong_utterances,
        counts.reference_words,
        counts.hits,
        counts.substitutions,
        counts.deletions,
        counts.insertions,
        counts.edits,
    )
    rates = {"wer": _finite(counts.rate), "utterance_error_rate": row.utterance_error_rate}
    return {"name": row.name} | dict(zip(_FIELDS, numbers, strict=True)) | rates


def alignments_report(scores: Scores) -> str:
    """Every utterance with reference and hypothesis above each other, after the manner of sclite's .pra."""
    return "\n".join(_alignment(scored) for scored in scores.utterances)


def printable_lines(text: str) -> str:
    """The text with nothing in it that steers a terminal; its line ends stay."""
    return "\n".join(printable(line) for line in text.split("\n"))


def to_json(report: dict) -> str:
    """The report as text; never a number that JSON does not have."""
    return json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _tables(scores: Scores) -> list[tuple[str, list[Row]]]:
    labels = [(f"label {position}", rows) for position, rows in enumerate(scores.by_label, start=1)]
    return [("all", [scores.total]), ("speaker", scores.by_speaker), *labels]


def _table(sections: Sequence[tuple[str, list[Row]]]) -> str:
    lines = []
    for title, rows in sections:
        lines.append((title, *_COLUMNS))
        lines += [_cells(row) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        )
        for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    counts = row.counts
    numbers = (row.utterances, counts.reference_words, counts.hits)
    edits = (counts.substitutions, counts.deletions, counts.insertions)
    return (row.name, *map(str, numbers + edits), _percent(counts.rate), _percent(row.utterance_error_rate))


def _headed(row: Row, headings: dict[str, str]) -> Row:
    heading = headings.get(row.name.lower(), row.name)
    if heading.lower() == row.name.lower():
        return row
    return Row(f"{row.name} {heading}", row.utterances, row.wrong_utterances, row.counts)


def _most_frequent(scores: Scores, kind: str, most: int) -> str:
    found = scores.errors(kind)
    if not found:
        return ""
    shown = found[:most]
    width = len(str(shown[0][1]))
    head = f"most frequent {_KINDS[kind]}" + (", said and heard" if kind == SUBSTITUTION else "")
    return "\n".join([head] + [f"  {times:{width}} x  {'  '.join(words)}" for words, times in shown])


def _alignment(scored: Scored) -> str:
    reference, counts = scored.reference, scored.counts
    lines = [f"id: ({reference.id})"]
    if reference.segment is not None:
        segment = reference.segment
        lines.append(
            f"segment: {segment.file} {segment.channel} {segment.start} {segment.end} {segment.label}".rstrip()
        )
    numbers = f"{counts.hits} {counts.substitutions} {counts.deletions} {counts.insertions}"
    lines.append(f"Scores: (#C #S #D #I) {numbers}")
    columns = [_column(pair) for pair in scored.pairs]
    for row, name in enumerate(("REF: ", "HYP: ", "Eval:")):
        lines.append(f"{name} {' '.join(column[row] for column in columns)}".rstrip())
    return printable_lines("\n".join(lines)) + "\n"


def _column(pair: Pair) -> tuple[str, str, str]:
    words = ["" if word is None else word.shown for word in pair[1:]]
    width = max(map(len, words))
    said, heard = ((word or "*" * width).ljust(width) for word in words)
    return said, heard, _MARKS[pair.kind].ljust(width)


def _percent(rate: float) -> str:
    return f"{100 * rate:.2f}" if math.isfinite(rate) else "inf"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(value: float | None) -> str:
    return "inf" if value is None else f"{value:.6f}"
