"""Frequency against rank of the words of a text, with the two laws that may describe it."""

from collections.abc import Sequence

import numpy as np

from keras_stt.errors import InputError
from keras_stt.words import LineFit, exponential_fit, zipf_fit

SIZE = (6.4, 4.4)  # inches
DOTS_PER_INCH = 150
_LABELLED = (1, 10, 100, 1000, 10_000)  # ranks whose words are named; as far apart as they need


def write_zipf_plot(path, ranked: Sequence[tuple[str, int]], title: str) -> None:
    """Writes a PNG with both axes logarithmic, on which Zipf's law is a straight line.

    Args:
        path: the file.
        ranked: words and counts, commonest first.
        title: of the plot.

    Raises:
        InputError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    frequencies = np.array([count for _, count in ranked])
    ranks = np.arange(1, len(ranked) + 1)
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="rank", ylabel="occurrences")
    axes.set_title(title, parse_math=False)  # a dollar in a file's name is a dollar
    axes.plot(ranks, frequencies, ".", color="#1f6fb5", markersize=4, label="words")
    for rank in (rank for rank in _LABELLED if rank <= len(ranked)):
        word, count = ranked[rank - 1]
        axes.annotate(
            word, (rank, count), (-1, -11), textcoords="offset points", ha="right", fontsize=8, parse_math=False
        )
    zipf, exponential = zipf_fit(frequencies), exponential_fit(frequencies)
    if zipf:
        _draw(axes, ranks, zipf, np.log(ranks), "-", f"Zipf: rank^{zipf.slope:.2f}")
    if exponential:
        scale = -1 / exponential.slope
        _draw(axes, ranks, exponential, ranks, "--", f"exponential: e^(-rank / {scale:,.1f})")
    axes.set_xlim(left=0.5)  # room for the first word
    axes.set_ylim(frequencies[-1] / 2, frequencies[0] * 4)
    axes.grid(color="#d9dee3", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower left")
    try:
        figure.savefig(path, format="png", dpi=DOTS_PER_INCH)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); check its folder") from error


def _draw(axes, ranks, fit: LineFit, x, line: str, label: str) -> None:
    label = f"{label}, R² {fit.r_squared:.3f}"
    axes.plot(ranks, np.exp(fit.slope * x + fit.intercept), line, color="#b8560b", linewidth=1.5, label=label)
