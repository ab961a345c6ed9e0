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
_INK, _GRID = "#010101", "#020202"
_SERIES = tuple(f"#0a0b{i:02d}" for i in range(1, 7))
FIRST, SECOND = _SERIES[:2]
_PAGE_COLOURS = {
    _INK: "currentColor",
    _GRID: "var(--line)",
    **{colour: f"var(--series-{i})" for i, colour in enumerate(_SERIES, start=1)},
}
# The page's colours, for a plot that is shown outside of it.
_OWN_COLOURS = (
    "<style>:root{color:#1c2024;--line:#d9dee3;--series-1:#1f6fb5;--series-2:#b8560b;background:#fff;"
    "font-family:system-ui,sans-serif}</style>"
)
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)))
_MOST_LINES = len(_SERIES) * len(_DASHES)  # that can be told apart in one plot
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
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}
_MOST_DOTS = 40  # of a curve; more would hide it
_FEWEST_TO_FIT = 4  # epochs; a curve of two coefficients goes through nearly any three
GRADIENT = "gradient_norm/"
# Columns of the history to set against WER, and their labels, the best first: the cross entropy on dev is in nats
# whatever was trained on, and of the same windows as WER; the others are in the unit of the run's own loss.
LOSSES = {
    "dev_nats": "cross entropy on dev, nats per token",
    "tokens_loss": "training loss on tokens",
    "draft_loss": "training loss of the draft",
    "loss": "training loss",
}
_NO_DATE = {"Date": None, "Creator": None, "Format": None, "Type": None}

Points = list[tuple[float, float]]


def loss_curves(history: Sequence[dict], unigram_loss: float | None = None) -> str:
    """Training loss by epoch, with the loss of the unigram guess as a dashed line; "" without a loss.

    Args:
        unigram_loss: in the unit of the run's own loss, which need not be nats.
    """
    total, tokens = points(history, "epoch", "loss"), points(history, "epoch", "tokens_loss")
    if not total and not tokens:
        return ""

    def draw(axes):
        if total:
            _curve(axes, total, FIRST, "whole loss", solid=True)
        if tokens and tokens != total:
            _curve(axes, tokens, SECOND, "tokens alone", solid=not total)
        if number(unigram_loss) is not None:
            axes.axhline(number(unigram_loss), color=_INK, linestyle="--", linewidth=1.2, label="unigram guess")
        axes.set(xlabel="epoch", ylabel="training loss")
        axes.set_ylim(bottom=0)
        legend(axes)

    return svg(draw, "loss")


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
            _curve(axes, _percent(words), FIRST, "dev WER", solid=True)
        for label, other in others.items():  # a run has one of the two
            _curve(axes, _percent(other), SECOND, label, solid=not words)
        axes.set(xlabel="epoch", ylabel="word error rate, %")
        axes.set_ylim(bottom=0)
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
        for fit, colour, dash in zip(fits, (SECOND, _INK), _DASHES[1:], strict=False):
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


def gradient_curves(history: Sequence[dict]) -> str:
    """The gradient norm of every layer by epoch, on a logarithmic axis; "" where none was measured.

    Of more layers than lines can be told apart, those whose last norms are the largest and the smallest.
    """
    curves = {name: [(x, y) for x, y in points(history, "epoch", name) if y > 0] for name in _columns(history)}
    curves = {name: curve for name, curve in curves.items() if curve}
    if not curves:
        return ""
    order = sorted(curves, key=lambda name: curves[name][-1][1])
    half = _MOST_LINES // 2
    shown = [name for name in curves if len(order) <= _MOST_LINES or name in order[:half] + order[-half:]]

    def draw(axes):
        for i, name in enumerate(shown):
            across, up = zip(*curves[name], strict=True)
            colour, dash = _SERIES[i % len(_SERIES)], _DASHES[i // len(_SERIES)]
            label = name.removeprefix(GRADIENT)
            axes.plot(across, up, color=colour, linestyle=dash, linewidth=1.4, marker="o", markersize=2.5, label=label)
        axes.set(xlabel="epoch", ylabel="gradient norm", yscale="log")
        legend(axes, columns=2)

    return svg(draw, "gradients", height=SIZE[1] + 0.2 * math.ceil(len(shown) / 2))


def collapse_curves(history: Sequence[dict]) -> str:
    """The share of the commonest prediction and what shuffled audio costs, by epoch; "" where none was measured."""
    share, gap = (points(history, "epoch", f"collapse/{name}") for name in ("commonest_share", "shuffle_gap"))
    if not share and not gap:
        return ""

    def draw(axes):
        if share:
            _curve(axes, _percent(share), FIRST, "commonest prediction, %", solid=True)
        axes.set(xlabel="epoch", ylabel="share of predictions, %")
        axes.set_ylim(0, 105)
        handles = axes.get_legend_handles_labels()
        if gap:
            right = axes.twinx()
            right.spines["right"].set_visible(True)
            right.grid(False)
            right.tick_params(length=0)
            _curve(right, gap, SECOND, "rise of the loss, nats", solid=not share)
            right.set(ylabel="rise of the loss, nats")
            low, high = right.get_ylim()
            right.set_ylim(min(low, 0), max(high, 1))
            handles = [ours + theirs for ours, theirs in zip(handles, right.get_legend_handles_labels(), strict=True)]
        legend(axes, *handles)

    return svg(draw, "collapse")


def _columns(history: Sequence[dict]) -> list[str]:
    """Those of gradient norms, in the order of the layers."""
    return list(dict.fromkeys(name for row in history for name in row if str(name).startswith(GRADIENT)))


def number(value) -> float | None:
    """A finite float of a cell of the history; None of an empty cell, of text, of NaN and of infinity."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def points(history: Sequence[dict], across: str, up: str) -> Points:
    """The pairs of two columns in the rows that have both."""
    pairs = ((number(row.get(across)), number(row.get(up))) for row in history)
    return [(x, y) for x, y in pairs if x is not None and y is not None]


def _percent(pairs: Points) -> Points:
    return [(x, 100 * y) for x, y in pairs]


def _curve(axes, pairs: Points, colour: str, label: str, solid: bool) -> None:
    marker = "o" if len(pairs) <= _MOST_DOTS else None
    line = "-" if solid else (0, (4, 1, 1, 1))
    across, up = zip(*pairs, strict=True)
    axes.plot(across, up, color=colour, linestyle=line, marker=marker, markersize=3, label=label)


def legend(axes, *handles_and_labels, columns: int = 3) -> None:
    """Above the axes, where it hides no curve."""
    axes.legend(*handles_and_labels, ncols=columns, loc="lower left", bbox_to_anchor=(-0.02, 1.0), fontsize=9,
                borderaxespad=0.2, columnspacing=1.2, handlelength=1.8, handletextpad=0.5)  # fmt: skip


def svg(draw: Callable, name: str, height: float = SIZE[1]) -> str:
    """An `<svg>` element without background, whose ids begin with `name`."""
    import matplotlib.style
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    file = io.StringIO()
    with matplotlib.style.context(["default", _STYLE]):
        figure = Figure(figsize=(SIZE[0], height), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        if axes.get_xlabel() == "epoch":
            first, last = axes.dataLim.intervalx
            axes.set_xlim(first - 0.5, last + 0.5)
            axes.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
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
