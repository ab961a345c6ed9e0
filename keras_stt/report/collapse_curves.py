"""Does the model listen? What it says and what it takes from its input, by epoch, a small plot each."""

from collections.abc import Mapping, Sequence

from keras_stt.report import plots

# Column of the history, what it is called, by what it is multiplied, and what the summary knows the targets to have.
_PANELS = (
    ("collapse/commonest_share", "commonest prediction, %", 100, "commonest_asked"),
    ("collapse/distinct", "different predictions", 1, "distinct_asked"),
    ("collapse/entropy", "entropy of predictions, nats", 1, "unigram_loss"),
    ("collapse/kl", "divergence from the frequencies asked for, nats", 1, None),
    ("collapse/shuffle_gap", "rise of the loss, nats", 1, None),
    ("dev_words", "words said for a word spoken", 1, None),
)
_HEIGHT, _BELOW = 1.15, 0.4  # inches, of a panel and of the label under all


def collapse_curves(history: Sequence[Mapping], collapse: Mapping) -> str:
    """An `<svg>` of what was measured; "" where nothing was.

    Args:
        collapse: that of the summary: what the targets have is drawn as a dashed line.
    """
    panels = [(label, _scaled(plots.points(history, "epoch", column), by), _scaled_line(collapse, asked, by))
              for column, label, by, asked in _PANELS]  # fmt: skip
    panels = [panel for panel in panels if panel[1]]
    if not panels:
        return ""

    def draw(*all_axes):
        for axes, (label, pairs, asked) in zip(all_axes, panels, strict=True):
            plots.curve(axes, pairs, plots.FIRST, label)
            if asked is not None:
                axes.axhline(asked, color=plots.INK, linestyle="--", linewidth=1.1)
            axes.set_title(label, loc="left", fontsize=9.5, pad=3)
            low, high = axes.get_ylim()
            axes.set_ylim(min(low, 0), 105 if label.endswith("%") else max(high * 1.05, 0.1))
        all_axes[-1].set(xlabel="epoch")

    return plots.svg(draw, "collapse", height=_HEIGHT * len(panels) + _BELOW, panels=len(panels))


def _scaled(pairs: plots.Points, by: float) -> plots.Points:
    return [(x, by * y) for x, y in pairs]


def _scaled_line(collapse: Mapping, name: str | None, by: float) -> float | None:
    value = plots.number(collapse.get(name)) if name else None
    return None if value is None else by * value
