"""A run as one HTML file: what it reached, how it learned, what it mishears, and all that it was run with."""

from collections.abc import Iterable, Mapping, Sequence

from keras_stt.report.breakdown import breakdowns
from keras_stt.report.confusions import confusions
from keras_stt.report.learning import is_of_windows, learning
from keras_stt.report.numbers import counted, lasting, percent
from keras_stt.report.page import folded, section, text, write_page
from keras_stt.report.plots import number
from keras_stt.report.results import UtteranceResult
from keras_stt.report.utterances import utterances
from keras_stt.wer import EditCounts, edit_counts


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
        cards: HTML of sections to see and hear single utterances in; they stand after the curves of learning,
            in place of the texts of the best, median and worst.
        styles, script: CSS and JavaScript of the cards.

    Raises:
        InputError: the file cannot be written.
    """
    results = sorted(results, key=lambda result: result.id)
    flags = summary.get("flags") or {} if flags is None else flags
    sections = [
        _headline(summary, results, [*_warnings(summary, history), *notes]),
        _facts(summary),
        learning(summary, history),
        cards or utterances(results),
        breakdowns(results, train_words),
        confusions(results),
        section("Summary", _value_table(_summary_rows(summary), "figures")),
        section("Skipped records", _skipped(summary.get("skipped_records") or {})),
        section("Flags", _value_table(sorted(flags.items()), "flags")),
    ]
    write_page(path, _title(summary), sections, styles=styles, script=script)


def _title(summary: Mapping) -> str:
    return " · ".join(str(summary[key]) for key in ("task", "dataset") if summary.get(key)) or "Training run"


def _headline(summary: Mapping, results: Sequence[UtteranceResult], notes: Sequence[str]) -> str:
    counts = sum((result.counts for result in results), EditCounts())
    rate = number(summary.get("test_wer"))
    if rate is None and counts.reference_words:
        rate = counts.rate
    lines = [f"<h1>{text(_title(summary))}</h1>"]
    if rate is None:
        lines.append("<p class=rate>No test WER</p><p>Nothing was transcribed.</p>")
    else:
        lines.append(f"<p class=rate>{percent(rate)} test WER</p><p>{_in_words(rate, summary)}</p>")
    if counts.reference_words:
        speakers = len({result.speaker or "unknown" for result in results})
        lines.append(
            f'<p class="quiet">Measured on {counted(len(results), "utterance")} of {counted(speakers, "speaker")} with '
            f"{counted(counts.reference_words, 'word')}: {counts.substitutions:,} substituted, "
            f"{counts.deletions:,} missed, {counts.insertions:,} added.{_refined(results)}</p>"
        )
    if notes:
        lines.append(f"<ul class=notes>{''.join(f'<li>{text(note)}</li>' for note in notes)}</ul>")
    return "\n".join(lines)


def _refined(results: Sequence[UtteranceResult]) -> str:
    """What became of the drafts."""
    changes = [edit_counts(one.reference.split(), one.draft.split()).edits - one.counts.edits
               for one in results if one.draft is not None]  # fmt: skip
    if not changes:
        return ""
    better, worse = sum(change > 0 for change in changes), sum(change < 0 for change in changes)
    return f" Refinement mended errors in {counted(better, 'utterance')} and made more in {worse:,}."


def _in_words(rate: float, summary: Mapping) -> str:
    """The test WER and its interval as sentences."""
    errors = 100 * rate
    about = f"{errors:.0f}" if errors >= 10 or errors == 0 else f"{errors:.1f}"
    sentences = [f"{'About ' if errors else ''}{about} word errors for every 100 words spoken."]
    low, high = map(number, (*(summary.get("test_wer_interval") or ()), None, None)[:2])
    if low is not None and high is not None:
        sentences.append(
            f"With 95 % confidence the rate lies between <b>{percent(low)}</b> and <b>{percent(high)}</b>."
        )
    draft = number(summary.get("test_wer_draft"))
    if draft is not None:
        sentences.append(f"The draft before refinement had {percent(draft)}.")
    return " ".join(sentences)


def _warnings(summary: Mapping, history: Sequence[Mapping]) -> list[str]:
    """What the run found wrong with the model, and whether the loss says that it does not listen."""
    collapse = summary.get("collapse")
    found = [collapse["warning"]] if isinstance(collapse, Mapping) and collapse.get("warning") else []
    rows = [row for row in history if number(row.get("tokens_loss")) is not None]
    loss = number(rows[-1]["tokens_loss"] if rows else summary.get("loss"))
    unigram = number(summary.get("unigram_loss"))
    if loss is None or unigram is None or loss < unigram:
        return found
    return [
        *found,
        f"The loss on tokens ({loss:.2f}) is not below that of the unigram guess ({unigram:.2f}): the model "
        f"{'knows at best' if loss < 1.02 * unigram else 'does not even know'} which words are frequent, and hears "
        "nothing yet.",
    ]


def _facts(summary: Mapping) -> str:
    """The numbers asked for first, as tiles."""
    formats = {
        "test_cer": ("Test CER", percent),
        "test_wer_draft": ("Test WER of drafts", percent),
        "dev_wer": ("Dev WER (windows)" if is_of_windows(summary) else "Dev WER", percent),
        "parameters": ("Parameters", lambda value: f"{value:,.0f}"),
        "epochs": ("Epochs", lambda value: f"{value:,.0f}"),
        "train_seconds": ("Training time", lasting),
        "audio_hours_per_hour": ("Audio hours per hour", lambda value: f"{value:,.0f}"),
        "peak_memory_mb": ("Peak memory", lambda value: f"{value:,.0f} MB"),
    }
    known = [(label, shown(number(summary[key]))) for key, (label, shown) in formats.items()
             if number(summary.get(key)) is not None]  # fmt: skip
    known += [("Backend", summary["backend"])] if summary.get("backend") else []
    tiles = "".join(f"<div><dt>{text(label)}</dt><dd>{text(value)}</dd></div>" for label, value in known)
    return f"<dl class=facts>{tiles}</dl>" if tiles else ""


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
    commonest_first = sorted(reasons.items(), key=lambda item: (-(number(item[1]) or 0), str(item[0])))
    return _value_table(commonest_first, "reasons")


def _value_table(rows: Sequence[tuple[str, object]], what: str) -> str:
    body = "".join(f"<tr><th scope=row>{text(name)}</th><td>{text(_value(value))}</td></tr>" for name, value in rows)
    table = f"<table class=values><tbody>{body}</tbody></table>" if body else ""
    return folded(table, len(rows), f"{len(rows):,} {what}")


def _value(value) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_value, value))
    return "" if value is None else str(value)
