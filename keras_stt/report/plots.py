"""The plots of the report: SVG for the inside of a page, in the page's own colours."""

import io
import math
import re
from collections.abc import Callable, Sequence

# Inches. As wide as a phone at 72 units per inch, so that the labels are read there at their own size.
SIZE = (4.9, 3.0)
# Matplotlib writes fixed colours only. Each of these is one that no plot would choose, and becomes the page's own.
_INK, _GRID, _FIRST, _SECOND = "#010101", "#020202", "#030303", "#040404"
_PAGE_COLOURS = {
    _INK: "currentColor",
    _GRID: "var(--line)",
    _FIRST: "var(--series-1)",
    _SECOND: "var(--series-2)",
}
_STYLE = {
    "svg.fonttype": "none",  # text stays text, in the page's font
    "svg.hashsalt": "keras_stt",  # the same ids for the same plot
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
_NO_DATE = {"Date": None, "Creator": None, "Format": None, "Type": None}

Points = list[tuple[float, float]]


def loss_curves(history: Sequence[dict], unigram_loss: float | None = None) -> str:
    """Training loss by epoch, with the loss of the unigram guess as a dashed line; "" without a loss."""
    total, tokens = points(history, "epoch", "loss"), points(history, "epoch", "tokens_loss")
    if not total and not tokens:
        return ""

    def draw(axes):
        if total:
            _curve(axes, total, _FIRST, "training loss", solid=True)
        if tokens and tokens != total:
            _curve(axes, tokens, _SECOND, "tokens alone", solid=not total)
        if number(unigram_loss) is not None:
            axes.axhline(number(unigram_loss), color=_INK, linestyle="--", linewidth=1.2, label="unigram guess")
        axes.set(xlabel="epoch", ylabel="nats per token")
        axes.set_ylim(bottom=0)
        _legend(axes)

    return _svg(draw, "loss")


def wer_curves(history: Sequence[dict]) -> str:
    """WER on the dev set by epoch; "" where none was measured."""
    words, with_sil = points(history, "epoch", "dev_wer"), points(history, "epoch", "dev_wer_with_sil")
    if not words and not with_sil:
        return ""

    def draw(axes):
        if words:
            _curve(axes, _percent(words), _FIRST, "dev WER", solid=True)
        if with_sil and with_sil != words:
            _curve(axes, _percent(with_sil), _SECOND, "with <sil> as a word", solid=not words)
        axes.set(xlabel="epoch", ylabel="word error rate, %")
        axes.set_ylim(bottom=0)
        _legend(axes)

    return _svg(draw, "wer")


def loss_against_wer(history: Sequence[dict]) -> str:
    """A dot for every epoch: its token loss (or else its loss) and its WER; "" with fewer than two such epochs."""
    loss = "tokens_loss" if points(history, "tokens_loss", "dev_wer") else "loss"
    dots = _percent(points(history, loss, "dev_wer"))
    epochs = [row for row in history if number(row.get(loss)) is not None and number(row.get("dev_wer")) is not None]
    if len(dots) < 2:
        return ""

    def draw(axes):
        across, up = zip(*dots, strict=True)
        axes.plot(across, up, color=_FIRST, linewidth=0.8, alpha=0.5)
        axes.plot(across, up, "o", color=_FIRST, markersize=4)
        # The dots go down to the left: the first is labelled above them, the last below.
        for i, offset, side in ((0, (-7, 3), "right"), (-1, (7, -9), "left")):
            epoch = number(epochs[i].get("epoch"))
            if epoch is not None:
                axes.annotate(f"epoch {epoch:g}", dots[i], offset, textcoords="offset points", ha=side, fontsize=9)
        axes.margins(x=0.1, y=0.12)
        axes.set(xlabel="training loss, nats per token", ylabel="dev WER, %")

    return _svg(draw, "scatter")


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


def _legend(axes) -> None:
    """Above the axes, where it hides no curve."""
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, fontsize=9, borderaxespad=0.2,
                columnspacing=1.2, handlelength=1.8, handletextpad=0.5)  # fmt: skip


def _svg(draw: Callable, name: str) -> str:
    """An `<svg>` element without background, whose ids begin with `name`."""
    import matplotlib.style
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    file = io.StringIO()
    with matplotlib.style.context(["default", _STYLE]):
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        if axes.get_xlabel() == "epoch":
            first, last = axes.dataLim.intervalx
            axes.set_xlim(first - 0.5, last + 0.5)
            axes.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
        axes.tick_params(length=0)
        figure.savefig(file, format="svg", transparent=True, metadata=_NO_DATE)
    return _for_page(file.getvalue(), name)


def _for_page(svg: str, name: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    svg = re.sub(r'( id="|xlink:href="#|url\(#)', rf"\g<1>{name}-", svg)  # the ids of two plots must differ
    for placeholder, colour in _PAGE_COLOURS.items():
        svg = svg.replace(placeholder, colour)
    return svg
