"""The plots of the report: SVG for the inside of a page, in the page's own colours."""

import io
import math
import re
from collections.abc import Callable, Sequence

import numpy as np

from keras_stt.report.fit import Fit, fit_curves

# Inches. As wide as a phone at 72 units per inch, so that the labels are read there at their own size.
SIZE = (4.9, 3.0)
# Matplotlib writes fixed colours only. Each of these is one that no plot would choose, and becomes the page's own.
INK, _GRID = "#010101", "#020202"
_SERIES = tuple(f"#0a0b{i:02d}" for i in range(1, 7))
FIRST, SECOND = _SERIES[:2]
_PAGE_COLOURS = {
    INK: "currentColor",
    _GRID: "var(--line)",
    **{colour: f"var(--series-{i})" for i, colour in enumerate(_SERIES, start=1)},
}
# The page's colours, for a plot that is shown outside of it.
_OWN_COLOURS = (
    "<style>:root{color:#1c2024;--line:#d9dee3;--series-1:#1f6fb5;--series-2:#b8560b;background:#fff;"
    "font-family:system-ui,sans-serif}</style>"
)
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)))
_STYLE = {
    "svg.fonttype": "none",  # text stays text, in the page's font
    "svg.hashsalt": "keras_stt",  # the same ids for the same plot
    "text.parse_math": False,  # a dollar in the name of a layer is a dollar
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}
_MOST_DOTS = 40  # of a curve; more would hide it
_FEWEST_TO_FIT = 4  # epochs; a curve of two coefficients goes through nearly any three
# Columns of the history to set against WER, and their labels, the best first: the cross entropy on dev is in nats
# whatever was trained on, and of the same windows as WER; the others are in the unit of the run's own loss.
LOSSES = {
    "dev_nats": "cross entropy on dev, nats per token",
    "tokens_loss": "training loss on tokens",
    "draft_loss": "training loss of the draft",
    "loss": "training loss",
}
_PART = "_loss"  # how columns end that are a part of the loss
_LOSS_NAMES = {
    "loss": "whole loss",
    "tokens_loss": "tokens alone",
    "draft_loss": "draft",
    "refined_loss": "refined",
    "middle_loss": "middle",
    "phones_loss": "phones",
}
_NO_DATE = {"Date": None, "Creator": None, "Format": None, "Type": None}

Points = list[tuple[float, float]]


def loss_curves(history: Sequence[dict], unigram_loss: float | None = None) -> str:
    """Training loss by epoch and its parts, with the loss of the unigram guess as a dashed line; "" without a loss.

    Args:
        unigram_loss: in the unit of the run's own loss, which need not be nats.
    """
    names = ["loss", *sorted({str(name) for row in history for name in row if str(name).endswith(_PART)}, key=_by_head)]
    curves = {_LOSS_NAMES.get(name, name.removesuffix(_PART)): points(history, "epoch", name) for name in names}
    total = curves[_LOSS_NAMES["loss"]]
    curves = {name: pairs for name, pairs in curves.items() if pairs and (pairs is total or pairs != total)}
    if not curves:
        return ""

    def draw(axes):
        for i, (name, pairs) in enumerate(curves.items()):
            curve(axes, pairs, _SERIES[i % len(_SERIES)], name, dash=_DASHES[i % len(_DASHES)])
        _mark_guess(axes, unigram_loss)
        axes.set(xlabel="epoch", ylabel="training loss")
        _from_zero(axes)
        legend(axes)

    return svg(draw, "loss")


def _by_head(column: str) -> tuple:
    known = list(_LOSS_NAMES)
    return known.index(column) if column in known else len(known), column


def dev_loss_curve(history: Sequence[dict], unigram_nats: float | None = None) -> str:
    """The cross entropy on dev by epoch, with that of the unigram guess as a dashed line; "" where none was measured.

    Args:
        unigram_nats: for each token.
    """
    pairs = points(history, "epoch", "dev_nats")
    if not pairs:
        return ""

    def draw(axes):
        curve(axes, pairs, FIRST, "on dev")
        _mark_guess(axes, unigram_nats)
        axes.set(xlabel="epoch", ylabel="nats per token")
        _from_zero(axes)
        legend(axes)

    return svg(draw, "dev_loss")


def _mark_guess(axes, loss: float | None) -> None:
    if number(loss) is not None:
        axes.axhline(number(loss), color=INK, linestyle="--", linewidth=1.2, label="unigram guess")


def wer_curves(history: Sequence[dict]) -> str:
    """WER on the dev set by epoch; "" where none was measured."""
    words = points(history, "epoch", "dev_wer")
    others = {
        "with <sil> as a word": points(history, "epoch", "dev_wer_with_sil"),
        "of the draft": points(history, "epoch", "dev_wer_draft"),
    }
    others = {label: other for label, other in others.items() if other and other != words}
    if not words and not others:
        return ""

    def draw(axes):
        if words:
            curve(axes, _percent(words), FIRST, "dev WER")
        for label, other in others.items():  # a run has one of the two
            curve(axes, _percent(other), SECOND, label, dash=_DASHES[1] if words else _DASHES[0])
        axes.set(xlabel="epoch", ylabel="word error rate, %")
        _from_zero(axes)
        legend(axes)

    return svg(draw, "wer")


def loss_against_wer(history: Sequence[dict], fits: Sequence[Fit] = ()) -> str:
    """A dot for every epoch: its loss, the first of `LOSSES` that is there, and WER; "" with fewer than two.

    Args:
        fits: curves drawn through the dots.
    """
    loss, rows = _loss_and_wer(history)
    dots = _percent(points(rows, loss, "dev_wer"))
    if len(dots) < 2:
        return ""

    def draw(axes):
        across, up = zip(*dots, strict=True)
        axes.plot(across, up, color=FIRST, linewidth=0.8, alpha=0.5)
        axes.plot(across, up, "o", color=FIRST, markersize=4)
        # The dots go down to the left: the first is labelled above them, the last below.
        for i, offset, side in ((0, (-7, 3), "right"), (-1, (7, -9), "left")):
            epoch = number(rows[i].get("epoch"))
            if epoch is not None:
                axes.annotate(f"epoch {epoch:g}", dots[i], offset, textcoords="offset points", ha=side, fontsize=9)
        losses = np.linspace(min(across), max(across), 100)
        for fit, colour, dash in zip(fits, (SECOND, INK), _DASHES[1:], strict=False):
            axes.plot(losses, 100 * fit.predict(losses), color=colour, linestyle=dash, linewidth=1.2, label=fit.name)
        axes.margins(x=0.1, y=0.12)
        axes.set(xlabel=LOSSES[loss], ylabel="dev WER, %")
        if fits:
            legend(axes)

    return svg(draw, "scatter")


def wer_fits(history: Sequence[dict]) -> list[Fit]:
    """The linear and the logarithmic curve of WER against loss, the better first; none with fewer than 4 epochs."""
    loss, rows = _loss_and_wer(history)
    pairs = points(rows, loss, "dev_wer")
    if len(pairs) < _FEWEST_TO_FIT:
        return []
    return [fit for fit in fit_curves(*zip(*pairs, strict=True)) if fit.name in ("linear", "logarithmic")]


def _loss_and_wer(history: Sequence[dict]) -> tuple[str, list[dict]]:
    """The first of `LOSSES` in the history, and the rows that have it beside a WER."""
    loss = next((name for name in LOSSES if points(history, name, "dev_wer")), "loss")
    return loss, [row for row in history if points([row], loss, "dev_wer")]


def number(value) -> float | None:
    """A finite float of a cell of the history; None of an empty cell, of text, of NaN and of infinity."""
    try:
        value = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def points(history: Sequence[dict], across: str, up: str) -> Points:
    """The pairs of two columns in the rows that have both."""
    pairs = ((number(row.get(across)), number(row.get(up))) for row in history)
    return [(x, y) for x, y in pairs if x is not None and y is not None]


def _percent(pairs: Points) -> Points:
    return [(x, 100 * y) for x, y in pairs]


def curve(axes, pairs: Points, colour: str, label: str, dash="-") -> None:
    """A line through the pairs, with a dot for each where they are few."""
    marker = "o" if len(pairs) <= _MOST_DOTS else None
    across, up = zip(*pairs, strict=True)
    axes.plot(across, up, color=colour, linestyle=dash, marker=marker, markersize=3, label=label)


def _from_zero(axes) -> None:
    """With room above, where no line is cut."""
    low, high = axes.dataLim.intervaly
    axes.set_ylim(min(0, 1.05 * low), 1.05 * high if high > 0 else 1)


def legend(axes, columns: int = 3, **options) -> None:
    """Above the axes, where it hides no curve."""
    axes.legend(**options, ncols=columns, loc="lower left", bbox_to_anchor=(-0.02, 1.0), fontsize=9,
                borderaxespad=0.2, columnspacing=1.2, handlelength=1.8, handletextpad=0.5)  # fmt: skip


def svg(draw: Callable, name: str, height: float = SIZE[1], panels: int = 1) -> str:
    """An `<svg>` element without background, whose ids begin with `name`.

    Args:
        draw: called with the axes of every panel, one below the other over the same epochs.
        height: in inches, of the whole.
    """
    import matplotlib.style
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    file = io.StringIO()
    with matplotlib.style.context(["default", _STYLE]):
        figure = Figure(figsize=(SIZE[0], height), layout="constrained")
        all_axes = figure.subplots(panels, sharex=True, squeeze=False)[:, 0]
        draw(*all_axes)
        if all_axes[-1].get_xlabel() == "epoch":
            epochs = [epoch for axes in all_axes for epoch in axes.dataLim.intervalx]
            all_axes[-1].set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
            all_axes[-1].xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
        for axes in all_axes:
            axes.tick_params(length=0)
        figure.savefig(file, format="svg", transparent=True, metadata=_NO_DATE)
    return _for_page(file.getvalue(), name)


def standalone(svg: str) -> str:
    """An `<svg>` element as a file of its own, which brings the page's colours."""
    return re.sub(r"(<svg[^>]*>)", rf"\1{_OWN_COLOURS}", svg, count=1)


def _for_page(drawn: str, name: str) -> str:
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r' (width|height)="[\d.]+pt"', "", drawn, count=2)
    drawn = re.sub(r'( id="|xlink:href="#|url\(#)', rf"\g<1>{name}-", drawn)  # the ids of two plots must differ
    for placeholder, colour in _PAGE_COLOURS.items():
        drawn = drawn.replace(placeholder, colour)
    return drawn
