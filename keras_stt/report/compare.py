"""A comparison as a Markdown table and as a page: mean and spread over the seeds, what failed, and who listens."""

from collections.abc import Callable, Mapping, Sequence

from keras_stt.report import loss_against_wer, page

NOTHING = "–"  # where a run did not say
WHOLE = "whole utterances"
_NOT_WHOLE = "*"


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
    "Word error rates": "Utterance WER is of whole test utterances, dev and train WER of windows around known words. "
    "Below them the spread over the seeds: lowest and highest, or from three seeds on the standard deviation.",
    "Loss and cost": "Training loss is in the unit of each experiment's own loss. Dev is the cross entropy on dev, "
    "whatever was trained on, and unigram that of guessing each word by its frequency alone.",
    "Does it listen?": "The share of the word said most often, how many different words are said, how far their "
    "frequencies are from the true ones (KL divergence), how much the cross entropy rises with the audio "
    "of others (shuffle gap: near 0 is deaf), and how far it lies above the unigram guess (negative: below).",
}


def markdown(results: Mapping) -> str:
    """The comparison as a Markdown document: one table, the settings above it and the fitted curves below."""
    columns = [column for _, columns in _TABLES for column in columns]
    names = ["Experiment", *(label + unit.replace(" %", ", %") for _, label, unit, _ in columns), "Notes"]
    lines = [f"{label}: {value}  " for label, value in settings(results["header"])]
    lines += ["", _EXPLAINED[_TABLES[0][0]], "", f"| {' | '.join(names)} |", f"|---{'|---:' * len(columns)}|---|"]
    for row in results["experiments"]:
        cells = [_on_one_line(*_cell(row, figure, "", shown)) for figure, _, _, shown in columns]
        cells = [row["name"], *cells, "; ".join([*notes(row), *warnings(row)])]
        lines.append(f"| {' | '.join(map(_escaped, cells))} |")
    fits = _fits(results)
    lines += ["", f"{_fitted(results)}:", "", *(f"- {line}" for line in fits)] if fits else []
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
    of = [f"{_NOT_WHOLE} of {row['test_wer_of']}"] if _is_of_windows(row) else []
    return [*failures, *of]


def warnings(row: Mapping) -> list[str]:
    """What was found wrong in how an experiment answers."""
    return [f"seed {warned['seed']}: {warned['warning']}" for warned in row["warnings"]]


def _cell(row: Mapping, figure: str, unit: str, shown: Callable[[float], str]) -> tuple[str, str]:
    """Mean and spread, in words; the spread is "" where there is none."""
    spread = row["figures"].get(figure)
    if not spread:
        return NOTHING, ""
    mark = _NOT_WHOLE if figure == "test_wer" and _is_of_windows(row) else ""
    mean = f"{shown(spread['mean'])}{unit}{mark}"
    if "deviation" in spread:
        return mean, f"± {shown(spread['deviation'])}" if spread["deviation"] else ""
    low, high = shown(spread["low"]), shown(spread["high"])
    return mean, f"{low} to {high}" if low != high else ""


def _is_of_windows(row: Mapping) -> bool:
    return row["test_wer_of"] not in (None, WHOLE)


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
    """The columns that any experiment has a figure for; "" without one."""
    columns = [column for column in columns if any(column[0] in row["figures"] for row in rows)]
    if not columns:
        return ""
    head = "".join(f"<th scope=col class=number>{page.text(label)}</th>" for _, label, _, _ in columns)
    body = "".join(
        f"<tr><th scope=row><bdi>{page.text(row['name'])}</bdi></th>"
        f"{''.join(_html_cell(row, *column) for column in columns)}</tr>"
        for row in rows
    )
    return (
        f"<p class=quiet>{_EXPLAINED[name]}</p><div class=scroll tabindex=0><table class=counts><thead><tr>"
        f"<th scope=col>Experiment</th>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _html_cell(row: Mapping, figure: str, label: str, unit: str, shown: Callable[[float], str]) -> str:
    mean, spread = _cell(row, figure, unit, shown)
    below = f"<br><span class=quiet>{spread}</span>" if spread else ""
    return f"<td class=number>{mean}{below}</td>"


def _plot(results: Mapping) -> str:
    svg = loss_against_wer.plot(results)
    if not svg:
        return ""
    caption = f"{_fitted(results)}; every dot is one epoch."
    lines = "".join(f"<li>{page.text(line)}</li>" for line in _fits(results))
    return (
        f'<figure><div role="img" aria-label="{page.text(caption)}">{svg}</div><figcaption>{page.text(caption)}'
        f"</figcaption></figure>{f'<ul>{lines}</ul>' if lines else ''}"
    )


def _fitted(results: Mapping) -> str:
    runs = [run for run in results["runs"] if run["epochs"]]
    epochs = sum(len(run["epochs"]) for run in runs)
    return f"Window WER on dev against {results['loss_of_epochs']} over {epochs:,} epochs of {len(runs):,} runs"


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
    """Text that stays within its cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")
