"""What the runs of a comparison reached: all of it as plain values, and the mean and spread over the seeds."""

import json
import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from keras_stt.compare.experiments import first_sentence
from keras_stt.compare.run import Run
from keras_stt.compare.schedule import Plan
from keras_stt.errors import InputError
from keras_stt.formats.lines import write_text
from keras_stt.report.compare import markdown, write_page
from keras_stt.report.fit import fit_curves
from keras_stt.report.loss_against_wer import transcribing, write_plot
from keras_stt.report.plots import LOSSES, number

# Numbers kept of every run, by where `summary.json` has them.
FIGURES = {
    "test_wer": "test_wer",
    "dev_wer": "dev_wer",
    "dev_wer_with_sil": "dev_wer_with_sil",
    "dev_masked_error": "dev_masked_error",
    "train_wer": "train_wer",
    "train_masked_error": "train_masked_error",
    "loss": "loss",
    "dev_nats": "dev_nats",
    "unigram_nats": "collapse.unigram_loss",  # the summary's own unigram_loss is in the unit of the loss trained on
    "parameters": "parameters",
    "steps": "steps",
    "train_cpu_seconds": "train_cpu_seconds",
    "commonest_share": "collapse.commonest_share",
    "distinct": "collapse.distinct",
    "kl": "collapse.kl",
    "shuffle_gap": "collapse.shuffle_gap",
    "unigram_gap": "collapse.unigram_gap",
}
FEWEST_FOR_DEVIATION = 3  # runs; of two, the two are told


def collect(plan: Plan) -> dict:
    """What `compare.json` holds.

    Returns:
        `header`: `datasets`, `budget_cpu_s`, `seeds`, `extra_flags`, `versions` and `hardware`
        (`cpu`, `cores`, and how many runs trained in `parallel`).
        `experiments`: a row each, in order: `name`, `flagfile`, `description`, `task`, `seeds` done, `figures` (name to
        `mean`, `values`, and `low` and `high` or from three runs `deviation`), `test_wer_of`, `verdicts`, `warnings`,
        `failures`. A check has a verdict of every seed in place of figures.
        `runs`: each run that is done, with its figures and its epochs as `{epoch, loss, wer}`; `loss_of_epochs` names
        the loss.
        `fits`: the curves of WER against loss over all epochs of runs that transcribe, best first, with formula and R².
    """
    done = [run for run in plan.runs if run.finished]
    summaries = {run: run.summary() for run in done}
    histories = {run: run.history() for run in done}
    loss = next((name for name in LOSSES if any(_epochs(rows, name) for rows in histories.values())), "loss")
    runs = [_run_values(run, summaries[run], _epochs(histories[run], loss)) for run in done]
    epochs = [epoch for run in transcribing(runs) for epoch in run["epochs"]]
    fits = fit_curves([epoch["loss"] for epoch in epochs], [epoch["wer"] for epoch in epochs])
    experiments = list(dict.fromkeys(run.experiment for run in plan.runs))
    return {
        "header": _header(plan, summaries),
        "experiments": [
            _row([run for run in plan.runs if run.experiment is experiment], summaries) for experiment in experiments
        ],
        "runs": runs,
        "loss_of_epochs": loss,
        "fits": [{"name": fit.name, "formula": fit.formula, "r2": fit.r2} for fit in fits],
    }


def write_results(folder, results: Mapping) -> None:
    """Writes `compare.json`, `compare.md`, `compare.html` and, where there are epochs to draw, `loss_wer.svg`.

    Raises:
        InputError: the folder cannot be written.
    """
    folder = Path(folder)
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise InputError(f"--output_dir: {folder} cannot be made ({error.strerror}); give another") from error
    write_text(folder / "compare.json", json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    write_text(folder / "compare.md", markdown(results))
    write_plot(folder / "loss_wer.svg", results)
    write_page(folder / "compare.html", results)


def _run_values(run: Run, summary: Mapping, epochs: list[dict]) -> dict:
    return {
        "experiment": run.experiment.name,
        "task": summary.get("task"),
        "seed": run.seed,
        "figures": {name: _figure(summary, name) for name in FIGURES},
        "test_wer_of": summary.get("test_wer_of"),
        "warning": _warning(summary),
        "wall_seconds": run.record().get("wall_seconds"),
        "epochs": epochs,
    }


def _row(runs: Sequence[Run], summaries: Mapping[Run, dict]) -> dict:
    """An experiment over its seeds."""
    done = {run: summaries[run] for run in runs if run in summaries}
    experiment = runs[0].experiment
    figures = {name: _spread([_figure(summary, name) for summary in done.values()]) for name in FIGURES}
    warnings = {run.seed: _warning(summary) for run, summary in done.items()}
    return {
        "name": experiment.name,
        "flagfile": experiment.flagfile,
        "description": experiment.description,
        "task": next((summary["task"] for summary in done.values() if summary.get("task")), None),
        "seeds": [run.seed for run in done],
        "figures": {name: spread for name, spread in figures.items() if spread},
        "test_wer_of": next((summary["test_wer_of"] for summary in done.values() if summary.get("test_wer_of")), None),
        "verdicts": [
            {"seed": run.seed, "verdict": summary["verdict"]} for run, summary in done.items() if "verdict" in summary
        ],
        "warnings": [{"seed": seed, "warning": first_sentence(text)} for seed, text in warnings.items() if text],
        "failures": [{"seed": run.seed, "error": run.error} for run in runs if run.error],
    }


def _spread(values: Sequence[float | None]) -> dict | None:
    """Mean and spread of the values that are there; None without one."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    spread = {"mean": statistics.fmean(known), "values": known}
    if len(known) >= FEWEST_FOR_DEVIATION:
        return spread | {"deviation": statistics.stdev(known)}
    return spread | {"low": min(known), "high": max(known)}


def _figure(summary: Mapping, name: str) -> float | None:
    """A finite number of a summary; None where it has none, and of a check, which is not what its flags train."""
    if "verdict" in summary:
        return None
    outer, _, inner = FIGURES[name].rpartition(".")
    place = (summary.get(outer) or {}) if outer else summary
    return number(place.get(inner))


def _warning(summary: Mapping) -> str | None:
    return (summary.get("collapse") or {}).get("warning") or None


def _epochs(history: Sequence[Mapping], loss: str) -> list[dict]:
    """The epochs in which both the loss and WER on dev were measured."""
    rows = [(number(row.get("epoch")), number(row.get(loss)), number(row.get("dev_wer"))) for row in history]
    return [{"epoch": e, "loss": x, "wer": y} for e, x, y in rows if x is not None and y is not None]


def _header(plan: Plan, summaries: Mapping[Run, dict]) -> dict:
    first = plan.runs[0]
    versions: dict[str, set] = {}
    for summary in summaries.values():
        for name, version in (summary.get("versions") or {}).items():
            versions.setdefault(name, set()).add(version)
    hardware = [run.record().get("hardware") for run in summaries]
    return {
        "datasets": sorted({summary["dataset"] for summary in summaries.values() if summary.get("dataset")}),
        "budget_cpu_s": first.budget_cpu_s,
        "seeds": max(run.seed for run in plan.runs),
        "extra_flags": list(first.experiment.extra_flags),
        "versions": {name: ", ".join(sorted(found)) for name, found in sorted(versions.items())},
        "hardware": [place for i, place in enumerate(hardware) if place and place not in hardware[:i]],
    }
