"""WER against loss over all epochs of many runs, with the curves that may describe it."""

from collections.abc import Mapping, Sequence

import numpy as np

from keras_stt.formats.lines import write_text
from keras_stt.report import plots
from keras_stt.report.fit import fit_curves

_CURVES = 2  # drawn: the best fit, and the one guessed (D33 of the diary) or else the next
_GUESS = "logarithmic"
TASK = "transcribe"


def transcribing(runs: Sequence[Mapping]) -> list[Mapping]:
    """The runs whose epochs compare: WER of every other task counts words that the model was given, too.

    Args:
        runs: as `compare.json` has them; of each `task` and `epochs`.
    """
    return [run for run in runs if run["task"] == TASK and run["epochs"]]


def plot(results: Mapping) -> str:
    """An `<svg>` in the page's colours: a dot for every epoch of the runs that transcribe; "" with fewer than two.

    Args:
        results: what `compare.json` holds; of it `runs` with `task` and `epochs`, and `loss_of_epochs`.
    """
    dots = [(epoch["loss"], epoch["wer"]) for run in transcribing(results["runs"]) for epoch in run["epochs"]]
    if len(dots) < 2:
        return ""
    losses, wers = np.array(dots).T
    fits = fit_curves(losses, wers)
    shown = fits[:1] + ([fit for fit in fits[1:] if fit.name == _GUESS] or fits[1:])[: _CURVES - 1]

    def draw(axes):
        axes.plot(losses, 100 * wers, "o", color=plots.FIRST, markersize=3.5, alpha=0.55, markeredgewidth=0)
        across = np.linspace(losses.min(), losses.max(), 200)
        for fit, line in zip(shown, ("-", (0, (3, 2))), strict=False):
            label = f"{fit.name}, R² {fit.r2:.2f}"
            axes.plot(across, 100 * fit.predict(across), color=plots.SECOND, linestyle=line, label=label)
        axes.set_ylim(0, 105 * max(1e-9, wers.max()))
        axes.set(xlabel=plots.LOSSES[results["loss_of_epochs"]], ylabel="dev window WER, %")
        if shown:
            plots.legend(axes)

    return plots.svg(draw, "fit")


def write_plot(path, results: Mapping) -> None:
    """Writes the plot as a file of its own, where there is one.

    Raises:
        InputError: the file cannot be written.
    """
    svg = plot(results)
    if svg:
        write_text(path, plots.standalone(svg))
