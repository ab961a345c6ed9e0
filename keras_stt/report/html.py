"""A run as one HTML file: what it reached, how it learned, what it mishears, and all that it was run with."""

import math
from collections.abc import Iterable, Mapping, Sequence

from keras_stt.report import plots
from keras_stt.report.page import section, text, write_page
from keras_stt.report.results import UtteranceResult
from keras_stt.wer import EditCounts, alignment_operations

EXAMPLES = 5  # best, median and worst utterances shown
_MANY_SPEAKERS = 20  # a longer table is folded
_MARKS = {"substitute": ("substitution", "S"), "delete": ("deletion", "D"), "insert": ("insertion", "I")}


def write_report(
    path,
    summary: Mapping,
    history: Sequence[Mapping],
    results: Sequence[UtteranceResult],
    flags: Mapping | None = None,
    train_words: Mapping[str, int] | None = None,
    notes: Iterable[str] = (),
    cards: str = "",
    styles: str = "",
    script: str = "",
) -> None:
    """Writes the report: one file that needs no network and no other file. Equal arguments give equal bytes.

    Args:
        path: the HTML file; an old one is replaced at once or not at all.
        summary: the contents of `summary.json`. Rates are fractions of one, `loss` and `unigram_loss` in the unit of
            the loss trained on; any key may be missing.
        history: a row per epoch, in order; cells may be missing, None, empty or NaN.
        results: the utterances of the test set.
        flags: name and value of every flag; `summary["flags"]` when None.
        train_words: how often each word is said in train; None: not known.
        notes: sentences for the reader's attention, shown under the headline.
        cards: HTML of sections to see and hear single utterances in; they stand after the curves of learning.
        styles, script: CSS and JavaScript of the cards.

    Raises:
        InputError: the file cannot be written.
    """
    results = sorted(results, key=_quality)
    flags = summary.get("flags") or {} if flags is None else flags
    sections = [
        _headline(summary, results, [*_warnings(summary, history), *notes]),
        _facts(summary),
        _learning(summary, history),
        cards,
        _utterances(results),
        _speakers(results),
        section("Summary", _value_table(_summary_rows(summary))),
        section("Skipped records", _skipped(summary.get("skipped_records") or {})),
        section("Flags", _value_table(sorted(flags.items()))),
    ]
    write_page(path, _title(summary), sections, styles=styles, script=script)


def _title(summary: Mapping) -> str:
    return " · ".join(str(summary[key]) for key in ("task", "dataset") if summary.get(key)) or "Training run"


def _headline(summary: Mapping, results: Sequence[UtteranceResult], notes: Sequence[str]) -> str:
    counts = sum((result.counts for result in results), EditCounts())
    rate = plots.number(summary.get("test_wer"))
    if rate is None and counts.reference_words:
        rate = counts.rate
    lines = [f"<h1>{text(_title(summary))}</h1>"]
    if rate is None:
        lines.append("<p class=rate>No test WER</p><p>Nothing was transcribed.</p>")
    else:
        lines.append(f"<p class=rate>{_percent(rate)} test WER</p><p>{_in_words(rate, summary)}</p>")
    if counts.reference_words:
        speakers = len({_speaker(result) for result in results})
        lines.append(
            f'<p class="quiet">Measured on {_count(len(results), "utterance")} of {_count(speakers, "speaker")} with '
            f"{_count(counts.reference_words, 'word')}: {counts.substitutions:,} substituted, "
            f"{counts.deletions:,} missed, {counts.insertions:,} added.</p>"
        )
    if notes:
        lines.append(f"<ul class=notes>{''.join(f'<li>{text(note)}</li>' for note in notes)}</ul>")
    return "\n".join(lines)


def _in_words(rate: float, summary: Mapping) -> str:
    """The test WER and its interval as sentences."""
    errors = 100 * rate
    about = f"{errors:.0f}" if errors >= 10 or errors == 0 else f"{errors:.1f}"
    sentences = [f"{'About ' if errors else ''}{about} word errors for every 100 words spoken."]
    low, high = (*(summary.get("test_wer_interval") or ()), None, None)[:2]
    if plots.number(low) is not None and plots.number(high) is not None:
        sentences.append(
            f"With 95 % confidence the rate lies between <b>{_percent(low)}</b> and <b>{_percent(high)}</b>."
        )
    draft = plots.number(summary.get("test_wer_draft"))
    if draft is not None:
        sentences.append(f"The draft before refinement had {_percent(draft)}.")
    return " ".join(sentences)


def _warnings(summary: Mapping, history: Sequence[Mapping]) -> list[str]:
    """What the run found wrong with the model, and whether the loss says that it does not listen."""
    collapse = summary.get("collapse")
    found = [collapse["warning"]] if isinstance(collapse, Mapping) and collapse.get("warning") else []
    rows = [row for row in history if plots.number(row.get("tokens_loss")) is not None]
    loss = plots.number(rows[-1]["tokens_loss"] if rows else summary.get("loss"))
    unigram = plots.number(summary.get("unigram_loss"))
    if loss is None or unigram is None or loss < unigram:
        return found
    return [
        *found,
        f"The loss on tokens ({loss:.2f}) is not below that of the unigram guess ({unigram:.2f}): "
        "the model knows at best which words are frequent, and hears nothing yet.",
    ]


def _is_of_windows(summary: Mapping) -> bool:
    return summary.get("view", "window") == "window"


def _facts(summary: Mapping) -> str:
    """The numbers asked for first, as tiles."""
    formats = {
        "test_cer": ("Test CER", _percent),
        "test_wer_draft": ("Test WER of drafts", _percent),
        "dev_wer": ("Dev WER (windows)" if _is_of_windows(summary) else "Dev WER", _percent),
        "parameters": ("Parameters", lambda value: f"{value:,.0f}"),
        "epochs": ("Epochs", lambda value: f"{value:,.0f}"),
        "train_seconds": ("Training time", _duration),
        "audio_hours_per_hour": ("Audio hours per hour", lambda value: f"{value:,.0f}"),
        "peak_memory_mb": ("Peak memory", lambda value: f"{value:,.0f} MB"),
    }
    known = [(label, shown(plots.number(summary[key]))) for key, (label, shown) in formats.items()
             if plots.number(summary.get(key)) is not None]  # fmt: skip
    known += [("Backend", summary["backend"])] if summary.get("backend") else []
    tiles = "".join(f"<div><dt>{text(label)}</dt><dd>{text(value)}</dd></div>" for label, value in known)
    return f"<dl class=facts>{tiles}</dl>" if tiles else ""


def _learning(summary: Mapping, history: Sequence[Mapping]) -> str:
    fits = plots.wer_fits(history)
    guess = plots.number(summary.get("unigram_loss"))
    dashed = (
        " The dashed line is what guessing every word by its frequency alone scores in it: below it the model makes "
        "use of what it hears."
    )
    fitted = "".join(f" {fit.name.capitalize()}: {fit.formula}, R² {fit.r2:.2f}." for fit in fits)
    figures = (
        (
            plots.loss_curves(history, guess),
            f"Training loss by epoch, in the unit of the loss trained on.{'' if guess is None else dashed}",
        ),
        (
            plots.wer_curves(history),
            f"Word error rate on {'windows of ' if _is_of_windows(summary) else ''}the dev set by epoch.",
        ),
        (plots.loss_against_wer(history, fits), f"Loss against dev WER; every dot is an epoch.{fitted}"),
        (
            plots.collapse_curves(history),
            "Does it listen? The share of the commonest prediction, and how much the loss rises when each sample "
            "meets the audio of another: a model that does not listen stays at zero.",
        ),
        (
            plots.gradient_curves(history),
            "Norm of the gradient of the loss by layer, on one batch. Orders of magnitude between layers, or a layer "
            "that falls away, say where learning is stuck.",
        ),
    )
    drawn = "".join(
        f'<figure><div role="img" aria-label="{text(caption)}">{svg}</div><figcaption>{text(caption)}</figcaption>'
        "</figure>"
        for svg, caption in figures
        if svg
    )
    return section("Learning", f"<div class=plots>{drawn}</div>" if drawn else "")


def _quality(result: UtteranceResult) -> tuple:
    """Sorts the best first; of equal rates, a longer utterance is the better or the worse example."""
    rate, words = result.counts.rate, result.counts.reference_words
    return rate, words if rate >= 1 else -words, str(result.id)


def _utterances(results: Sequence[UtteranceResult]) -> str:
    if not results:
        return ""
    key = " ".join(f'<span class="key {name}">{mark} {name}</span>' for name, mark in _MARKS.values())
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
    aligned = alignment_operations(result.reference.split(), result.hypothesis.split())
    pairs = "".join(_pair(*operation) for operation in aligned) or "<i>nothing said, nothing heard</i>"
    rate = "no words said" if math.isinf(result.counts.rate) else f"WER {_percent(result.counts.rate)}"
    return (
        f'<div class="utterance"><p class="quiet">{rate} · <bdi>{text(result.id)}</bdi> · speaker '
        f"<bdi>{text(_speaker(result))}</bdi> · {result.duration:.1f} s</p>"
        f'<div class="words" dir="auto">{pairs}</div></div>'
    )


def _pair(operation: str, said: str | None, heard: str | None) -> str:
    """A word of the reference over a word of the hypothesis, with a letter below where they differ."""
    upper, lower = text(said or ""), text(heard or "")
    if operation == "equal":
        return f'<span class="pair"><bdi>{upper}</bdi> <bdi class="hit">{lower}</bdi></span> '
    name, mark = _MARKS[operation]
    upper = f"<del>{upper}</del>" if operation == "delete" else f"<bdi>{upper or '–'}</bdi>"
    lower = f"<ins>{lower}</ins>" if operation == "insert" else f"<bdi>{lower or '–'}</bdi>"
    return f'<span class="pair {name}">{upper} {lower} <span class="mark" title="{name}">{mark}</span></span> '


def _speakers(results: Sequence[UtteranceResult]) -> str:
    by_speaker: dict[str, list[UtteranceResult]] = {}
    for result in results:
        by_speaker.setdefault(_speaker(result), []).append(result)
    totals = {name: sum((result.counts for result in theirs), EditCounts()) for name, theirs in by_speaker.items()}
    worst_first = sorted(totals, key=lambda name: (-totals[name].rate, name))
    rows = [_speaker_row(name, totals[name], by_speaker[name]) for name in worst_first]
    head = "".join(f"<th scope=col class=number>{name}</th>" for name in ("Words", "S", "D", "I", "Utt.", "Min."))
    table = (
        "<div class=scroll tabindex=0><table class=counts><thead><tr><th scope=col>Speaker</th><th scope=col>WER</th>"
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )
    if len(rows) > _MANY_SPEAKERS:
        table = f"<details><summary>{len(rows):,} speakers, worst first</summary>{table}</details>"
    return section("WER by speaker", table if rows else "")


def _speaker_row(name: str, counts: EditCounts, results: Sequence[UtteranceResult]) -> str:
    numbers = (counts.reference_words, counts.substitutions, counts.deletions, counts.insertions, len(results))
    cells = [f"{number:,}" for number in numbers] + [f"{sum(result.duration for result in results) / 60:.1f}"]
    return (
        f"<tr><th scope=row><bdi>{text(name)}</bdi></th><td class=number>{_percent(counts.rate)}<span class=track>"
        f'<span class=bar style="width:{100 * min(counts.rate, 1):.0f}%"></span></span></td>'
        f"{''.join(f'<td class=number>{cell}</td>' for cell in cells)}</tr>"
    )


def _summary_rows(summary: Mapping) -> list[tuple[str, object]]:
    """Names and values, with `versions.keras` for a value within a value."""
    rows = []
    for name, value in summary.items():
        if name in ("flags", "skipped_records"):
            continue
        nested = isinstance(value, Mapping)
        rows += [(f"{name}.{key}", item) for key, item in value.items()] if nested else [(name, value)]
    return rows


def _skipped(reasons: Mapping) -> str:
    if not reasons:
        return "<p>None.</p>"
    return _value_table(sorted(reasons.items(), key=lambda item: (-(plots.number(item[1]) or 0), str(item[0]))))


def _value_table(rows: Iterable[tuple[str, object]]) -> str:
    body = "".join(f"<tr><th scope=row>{text(name)}</th><td>{text(_value(value))}</td></tr>" for name, value in rows)
    return f"<table class=values><tbody>{body}</tbody></table>" if body else ""


def _value(value) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_value, value))
    return "" if value is None else str(value)


def _speaker(result: UtteranceResult) -> str:
    return str(result.speaker) if result.speaker not in (None, "") else "unknown"


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f} %" if math.isfinite(rate) else "–"


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _duration(seconds: float) -> str:
    """`48 s`, `12 min`, `3 h 05 min`."""
    minutes = round(seconds / 60)
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"
