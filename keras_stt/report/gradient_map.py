"""Where learning is stuck: the norm of every layer's gradient by epoch, as a map of shades."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from keras_stt.report import plots

GRADIENT = "gradient_norm/"  # how the columns of the history begin
_MOST_COLUMNS = 40  # of the map; more epochs than that share a column
_DECADES = 6  # that shades tell apart, below the largest norm
_FAINTEST = 0.07  # opacity of the smallest
_ROW, _AROUND = 0.185, 0.95  # inches


def gradient_map(history: Sequence[Mapping]) -> str:
    """An `<svg>` with a row for each layer, from the input on; "" where no gradient was measured.

    The stronger the colour, the larger, by orders of magnitude; a layer without any gradient is outlined. The norm
    after the last epoch stands at the right.
    """
    names = list(dict.fromkeys(name for row in history for name in row if str(name).startswith(GRADIENT)))
    spans, norms = _columns(history, names)
    known = norms[norms > 0]
    if not len(spans) or not np.isfinite(norms).any():
        return ""
    high = math.ceil(math.log10(known.max())) if len(known) else 0
    low = max(math.floor(math.log10(known.min())), high - _DECADES) if len(known) else -1
    low = min(low, high - 1)

    def opacity(norm: float) -> float:
        share = (math.log10(norm) - low) / (high - low)
        return _FAINTEST + (1 - _FAINTEST) * min(max(share, 0), 1)

    def draw(axes):
        from matplotlib.patches import Patch

        _draw_cells(axes, spans, norms, opacity)
        rows = range(len(names))
        axes.set_yticks(rows, _labels(names), fontsize=9)
        last = axes.secondary_yaxis("right")
        last.set_yticks(rows, [_in_short(values) for values in norms], fontsize=9)
        last.spines["right"].set_visible(False)
        last.tick_params(length=0)
        axes.set(xlabel="epoch", ylim=(len(names) - 0.5, -0.5))
        axes.grid(False)
        axes.spines["left"].set_visible(False)
        shades = [Patch(color=plots.FIRST, alpha=opacity(10.0**power), label=f"{10.0**power:g}")
                  for power in range(high, low - 1, -math.ceil((high - low) / 3))]  # fmt: skip
        none = [Patch(facecolor="none", edgecolor=plots.SECOND, label="none")] if (norms == 0).any() else []
        handles = [*none, *shades[::-1]]
        axes.figure.legend(handles=handles, ncols=len(handles), loc="outside upper left", fontsize=9, handlelength=1.4)

    return plots.svg(draw, "gradients", height=_AROUND + _ROW * len(names))


def _columns(history: Sequence[Mapping], names: Sequence[str]) -> tuple[list[tuple[float, float]], np.ndarray]:
    """First and last epoch of each column, and the norms `(layers, columns)`: the median of its epochs, or NaN."""
    rows = [row for row in history if plots.number(row.get("epoch")) is not None]
    if not rows or not names:
        return [], np.zeros((len(names), 0))
    parts = np.array_split(np.arange(len(rows)), min(_MOST_COLUMNS, len(rows)))
    spans = [tuple(plots.number(rows[i]["epoch"]) for i in (part[0], part[-1])) for part in parts]
    norms = [[_median([plots.number(rows[i].get(name)) for i in part]) for part in parts] for name in names]
    return spans, np.array(norms)


def _median(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None and value >= 0]
    return float(np.median(known)) if known else math.nan


def _draw_cells(axes, spans, norms: np.ndarray, opacity) -> None:
    from matplotlib.collections import PatchCollection
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    shaded, colours, outlined = [], [], []
    for (layer, column), norm in np.ndenumerate(norms):
        first, last = spans[column]
        if norm > 0:
            shaded.append(Rectangle((first - 0.5, layer - 0.46), last - first + 1, 0.92))
            colours.append(to_rgba(plots.FIRST, round(opacity(norm), 2)))
        elif norm == 0:
            outlined.append(Rectangle((first - 0.4, layer - 0.38), last - first + 0.8, 0.76))
    axes.add_collection(
        PatchCollection(shaded, facecolors=colours, edgecolors="none", antialiaseds=False), autolim=False
    )
    axes.add_collection(
        PatchCollection(outlined, facecolors="none", edgecolors=plots.SECOND, linewidths=0.8), autolim=False
    )
    axes.update_datalim([(spans[0][0], 0), (spans[-1][1], len(norms))])


def _labels(names: Sequence[str]) -> list[str]:
    """The names of the layers, without those of the models around them where they are told apart by themselves."""
    layers = [name.removeprefix(GRADIENT) for name in names]
    alone = [name.rpartition("/")[2] for name in layers]
    return alone if len(set(alone)) == len(alone) else layers


def _in_short(norms: np.ndarray) -> str:
    """The last norm of a layer."""
    last = norms[-1]
    return "" if math.isnan(last) else f"{last:.2g}"
