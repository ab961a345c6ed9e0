"""A comparison as a Markdown table and as a page: mean and spread over the seeds, what failed, and who listens."""

from collections.abc import Callable, Mapping, Sequence

from keras_stt.report import loss_against_wer, page, plots

NOTHING = "–"  # where a run did not say
WHOLE = "whole utterances"
_GIVEN = "*"  # marks a rate that is of some words only
_OF_WORDS_ASKED = {"dev_wer": "dev_masked_error", "train_wer": "train_masked_error"}


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _count(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _nats(value: float) -> str:
    return f"{value:.2f}"


# Title, then figure, name of the column, unit behind the number, and how the number is written.
_TABLES: tuple[tuple[str, tuple[tuple[str, str, str, Callable[[float], str]], ...]], ...] = (
    (
        "Word error rates",
        (
            ("test_wer", "Utterance WER", " %", _percent),
            ("dev_wer", "Dev WER", " %", _percent),
            ("train_wer", "Train WER", " %", _percent),
        ),
    ),
    (
        "Loss and cost",
        (
            ("loss", "Training loss", "", _nats),
            ("dev_nats", "Dev, nats", "", _nats),
            ("unigram_nats", "Unigram, nats", "", _nats),
            ("parameters", "Parameters", "", _count),
            ("steps", "Steps", "", _count),
            ("train_cpu_seconds", "CPU-seconds", "", _count),
        ),
    ),
    (
        "Does it listen?",
        (
            ("commonest_share", "Commonest word", " %", _percent),
            ("distinct", "Distinct words", "", _count),
            ("kl", "KL, nats", "", _nats),
            ("shuffle_gap", "Shuffle gap, nats", "", _nats),
            ("unigram_gap", "Unigram gap, nats", "", _nats),
        ),
    ),
)
_EXPLAINED = {
    "Word error rates": "Utterance WER is of whole test utterances, dev and train WER of windows around known words "
    "(of --view=utterance: dev WER of whole utterances, greedily). "
    "Below them the spread over the seeds: lowest and highest, or from three seeds on the standard deviation.",
    "Loss and cost": "Training loss is in the unit of each experiment's own loss. Dev is the cross entropy on dev, "
    "whatever was trained on, and unigram that of guessing each word by its frequency alone.",
    "Does it listen?": "The share of the word said most often, how many different words are said, how far their "
    "frequencies are from the true ones (KL divergence), how much the cross entropy rises with the audio "
    "of others (shuffle gap: near 0 is deaf), and how far it lies above the unigram guess (negative: below).",
}
_WORDS_GIVEN = (
    f"{_GIVEN} The task gives the model words of the text, or all of them, and WER would count these, too. "
    "In its place stands the share of errors among the words asked for."
)
_WHEN = (
    "Training loss, unigram and what tells who listens are of the last epoch; WER and the cross entropy on dev are of "
    "the weights that were kept: those of the epoch with the lowest dev WER, or with --keep=last the last."
)
_TASK = f"Only runs of --task={loss_against_wer.TASK} are drawn and fitted: WER of other tasks counts words given."


def markdown(results: Mapping) -> str:
    """The comparison as a Markdown document: one table, the settings above it and the fitted curves below."""
    columns = [column for _, columns in _TABLES for column in columns]
    names = ["Experiment", *(label + unit.replace(" %", ", %") for _, label, unit, _ in columns), "Notes"]
    lines = [f"{label}: {_escaped(value)}  " for label, value in settings(results["header"])]
    lines += ["", _EXPLAINED[_TABLES[0][0]], "", f"| {' | '.join(names)} |", f"|---{'|---:' * len(columns)}|---|"]
    for row in results["experiments"]:
        cells = [_on_one_line(*_cell(row, figure, "", shown)) for figure, _, _, shown in columns]
        cells = [row["name"], *cells, "; ".join([*verdicts(row), *notes(row), *warnings(row)])]
        lines.append(f"| {' | '.join(map(_escaped, cells))} |")
    rows, fits = results["experiments"], _fits(results)
    below = [text for name, _ in _TABLES for text in _below(name, rows)] + [_EXPLAINED[name] for name, _ in _TABLES[1:]]
    for text in dict.fromkeys(below):
        lines += ["", text.replace(_GIVEN, f"\\{_GIVEN}")]  # no item of a list
    lines += ["", f"{_fitted(results)}. {_TASK}", "", *(f"- {_escaped(line)}" for line in fits)] if fits else []
    return "\n".join(lines) + "\n"


def write_page(path, results: Mapping) -> None:
    """Writes the comparison as one HTML file that needs no network and no other file.

    Args:
        path: the file; an old one is replaced at once or not at all.
        results: what `compare.json` holds.

    Raises:
        InputError: the file cannot be written.
    """
    rows = results["experiments"]
    title = " · ".join(["Comparison", *results["header"]["datasets"]])
    rates, cost, listening = ((name, _table(name, columns, rows)) for name, columns in _TABLES)
    page.write_page(
        path,
        title,
        [
            _headline(title, rows),
            page.section(*rates),
            page.section("Loss against WER", _plot(results)),
            page.section(*cost),
            page.section(listening[0], listening[1] + _listed(rows, warnings)),
            page.section("Experiments", _descriptions(rows)),
            page.section("Settings", _values(settings(results["header"]))),
        ],
    )


def settings(header: Mapping) -> list[tuple[str, str]]:
    """What all runs had in common, as names and words."""
    budget = header["budget_cpu_s"]
    pairs = (
        ("Dataset", ", ".join(header["datasets"])),
        ("Budget", f"{budget:g} CPU-seconds of training" if budget else "as many steps as the flags ask for"),
        ("Seeds", f"1 to {header['seeds']}" if header["seeds"] > 1 else "1"),
        ("Flags for all", " ".join(header["extra_flags"])),
        ("Hardware", "; ".join(map(_place, header["hardware"]))),
        ("Versions", ", ".join(f"{name} {version}" for name, version in header["versions"].items())),
    )
    return [(name, value) for name, value in pairs if value]


def _place(hardware: Mapping) -> str:
    parallel = hardware["parallel"]
    beside = f", {parallel} runs side by side" if parallel > 1 else ""
    return f"{hardware['cores']} cores, {hardware['cpu']}{beside}"


def notes(row: Mapping) -> list[str]:
    """What a reader must know to read the figures: what failed, and what WER is of."""
    failures = [f"seed {failure['seed']} failed: {failure['error']}" for failure in row["failures"]]
    of = [f"{_GIVEN} of {row['test_wer_of']}"] if _is_of_windows(row) else []
    return [*failures, *of]


def verdicts(row: Mapping) -> list[str]:
    """What a check of the experiment found, each once where the seeds agree."""
    return list(dict.fromkeys(found["verdict"] for found in row["verdicts"]))


def warnings(row: Mapping) -> list[str]:
    """What was found wrong in how an experiment answers."""
    return [f"seed {warned['seed']}: {warned['warning']}" for warned in row["warnings"]]


def _cell(row: Mapping, figure: str, unit: str, shown: Callable[[float], str]) -> tuple[str, str]:
    """Mean and spread, in words; the spread is "" where there is none."""
    instead = _OF_WORDS_ASKED.get(figure) if _is_given_words(row) else None
    spread = row["figures"].get(instead or figure)
    if not spread:
        return NOTHING, ""
    mark = _GIVEN if instead or (figure == "test_wer" and _is_of_windows(row)) else ""
    mean = f"{shown(spread['mean'])}{unit}{mark}"
    if "deviation" in spread:
        return mean, f"± {shown(spread['deviation'])}" if spread["deviation"] else ""
    low, high = shown(spread["low"]), shown(spread["high"])
    return mean, f"{low} to {high}" if low != high else ""


def _is_of_windows(row: Mapping) -> bool:
    return row["test_wer_of"] not in (None, WHOLE)


def _is_given_words(row: Mapping) -> bool:
    return row["task"] not in (None, loss_against_wer.TASK)


def _below(name: str, rows: Sequence[Mapping]) -> list[str]:
    """What a reader of a table's figures must know of them, where it has such."""
    if name == _TABLES[0][0]:
        marked = any(_is_given_words(row) and row["figures"] for row in rows)
        return [_WORDS_GIVEN] if marked else []
    return [_WHEN] if any(row["figures"] for row in rows) else []


def _headline(title: str, rows: Sequence[Mapping]) -> str:
    lines = [f"<h1>{page.text(title)}</h1>"]
    rated = [row for row in rows if "test_wer" in row["figures"] and not _is_of_windows(row)]
    if rated:
        best = min(rated, key=lambda row: row["figures"]["test_wer"]["mean"])
        mean, spread = _cell(best, "test_wer", " %", _percent)
        of = f"the mean of {len(best['seeds'])} seeds" if len(best["seeds"]) > 1 else "with one seed"
        lines.append(
            f"<p class=rate>{mean} utterance WER</p>"
            f"<p>The lowest of {len(rated)}, by <b>{page.text(best['name'])}</b>, {_on_one_line(of, spread)}.</p>"
        )
    else:
        lines.append("<p class=rate>No utterance WER</p><p>No whole utterance was transcribed.</p>")
    return "\n".join([*lines, _listed(rows, notes)])


def _listed(rows: Sequence[Mapping], of: Callable[[Mapping], list[str]]) -> str:
    """What `of` says of each experiment, as a list for the reader's attention; "" where it says nothing."""
    found = [f"<li><b>{page.text(row['name'])}</b>: {page.text(said)}</li>" for row in rows for said in of(row)]
    return f"<ul class=notes>{''.join(found)}</ul>" if found else ""


def _table(name: str, columns: Sequence[tuple], rows: Sequence[Mapping]) -> str:
    """The columns that any experiment has a figure for; "" without one. The first table has verdicts of checks, too."""
    columns = [column for column in columns if any(column[0] in row["figures"] for row in rows)]
    checks = [row for row in rows if row["verdicts"]]
    if name != _TABLES[0][0]:
        rows = [row for row in rows if row not in checks]
    if not columns and not (checks and name == _TABLES[0][0]):
        return ""
    head = "".join(f"<th scope=col class=number>{page.text(label)}</th>" for _, label, _, _ in columns)
    body = "".join(
        f"<tr><th scope=row><bdi>{page.text(row['name'])}</bdi></th>{_html_cells(row, columns)}</tr>" for row in rows
    )
    below = "".join(f"<p class=quiet>{text}</p>" for text in _below(name, rows))
    return (
        f"<p class=quiet>{_EXPLAINED[name]}</p><div class=scroll tabindex=0><table class=counts><thead><tr>"
        f"<th scope=col>Experiment</th>{head}</tr></thead><tbody>{body}</tbody></table></div>{below}"
    )


def _html_cells(row: Mapping, columns: Sequence[tuple]) -> str:
    if row["verdicts"]:
        return f"<td colspan={max(1, len(columns))}>{page.text('; '.join(verdicts(row)))}</td>"
    return "".join(_html_cell(row, *column) for column in columns)


def _html_cell(row: Mapping, figure: str, label: str, unit: str, shown: Callable[[float], str]) -> str:
    mean, spread = _cell(row, figure, unit, shown)
    below = f"<br><span class=quiet>{spread}</span>" if spread else ""
    return f"<td class=number>{mean}{below}</td>"


def _plot(results: Mapping) -> str:
    svg = loss_against_wer.plot(results)
    if not svg:
        return ""
    caption = f"{_fitted(results)}; every dot is one epoch. {_TASK}"
    lines = "".join(f"<li>{page.text(line)}</li>" for line in _fits(results))
    return (
        f'<figure><div role="img" aria-label="{page.text(caption)}">{svg}</div><figcaption>{page.text(caption)}'
        f"</figcaption></figure>{f'<ul>{lines}</ul>' if lines else ''}"
    )


def _fitted(results: Mapping) -> str:
    runs = loss_against_wer.transcribing(results["runs"])
    epochs = sum(len(run["epochs"]) for run in runs)
    loss = f"{plots.LOSSES[results['loss_of_epochs']]} ({results['loss_of_epochs']})"
    return f"WER on dev against {loss} over {epochs:,} epochs of {len(runs):,} runs"


def _fits(results: Mapping) -> list[str]:
    return [f"{fit['name']}: R² {fit['r2']:.3f}, {fit['formula']}" for fit in results["fits"]]


def _descriptions(rows: Sequence[Mapping]) -> str:
    return _values((row["name"], row["description"] or row["flagfile"]) for row in rows)


def _values(pairs) -> str:
    body = "".join(f"<tr><th scope=row>{page.text(name)}</th><td>{page.text(value)}</td></tr>" for name, value in pairs)
    return f"<table class=values><tbody>{body}</tbody></table>"


def _on_one_line(mean: str, spread: str) -> str:
    return f"{mean} ({spread})" if spread else mean


def _escaped(text: str) -> str:
    """Text that stays within its cell of a Markdown table, and is no HTML, which Markdown lets through."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
