"""Writes docs/choosing.md and its pictures from docs/choosing.in.md and the figures under benchmarks/results.

    python benchmarks/choosing_page.py

In the text `{digits.base.test_wer}` stands for a figure of an experiment of the diary, mean and seeds, `{deciding...}`
likewise, and `{FILE.key}` for a value of FILE.json, as in docs/diary.in.md. A picture shows every seed of every run.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import diary_page
from rounds import read_results

from keras_stt.formats.lines import write_text
from keras_stt.report import plots

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/choosing"
WITH_CLOCK, WITHOUT_CLOCK = "with word clock and guide", "without"
HEARD, BY_HEART = "digits, unheard voices", "LibriSpeech, windows trained on"
# What a row is called: the experiments of its series, by their names under flags/diary.
MASKS = {
    "all masked": ("base", "base"),
    "half": ("infill_constant", None),
    "all down to a quarter, linear": ("infill_linear", "infill_linear"),
    "all down to a quarter, cosine": ("infill_cosine", None),
    "any share, drawn anew": ("infill_uniform", None),
}
POSITIONS = {
    "learned": ("base", "position_learned"),
    "none": ("position_none_clock", "position_none"),
    "rotary": (None, "position_rotary"),
    "alibi": (None, "position_alibi"),
    "sinusoidal": (None, "position_sinusoidal"),
    "diagonal": (None, "position_diagonal"),
    "relative": (None, "position_relative"),
    "conv": (None, "position_conv"),
    "relative_conv": (None, "position_relative_conv"),
}
LOSSES = {
    "crossentropy": ("base", "diary"),
    "crossentropy, label_smoothing": ("label_smoothing", None),
    "crossentropy, effective_number": ("effective_number", None),
    "crossentropy, inverse_frequency": ("inverse_frequency", None),
    "crossentropy, focal weights": ("focal", None),
    "binary_crossentropy": ("binary_crossentropy", "binary_crossentropy_diary"),
    "mse": ("mse", "mse_diary"),
}
ROW, MARGIN = 0.3, 0.75  # inches
Row = tuple[str, Sequence[Sequence[float]]]  # what it is called, and for each series the values of its seeds


def of_digits(name: str | None) -> list[float]:
    """Test WER of an experiment on digits for each seed, in per cent: of three seeds where there are three."""
    deciding, digits = diary_page.rows("deciding"), diary_page.rows("digits")
    found = deciding.get(name) or digits.get(name)
    return [100 * value for value in found["figures"]["test_wer"]["values"]] if found else []


def of_librispeech(name: str | None) -> list[float]:
    """The share of the masked words of train windows that is said wrongly, for each seed, in per cent."""
    found = diary_page.rows("librispeech").get(name)
    return [100 * value for value in found["figures"]["train_masked_error"]["values"]] if found else []


def seeds_plot(rows: Sequence[Row], series: Sequence[str], name: str, label: str) -> str:
    """A line for each row, on it the seeds as small dots and their mean as a large one, for each series."""

    def draw(axes):
        for place, (words, values) in enumerate(zip(series, _by_series(rows), strict=True)):
            colour = (plots.FIRST, plots.SECOND)[place]
            for row, seeds in enumerate(values):
                if not seeds:
                    continue
                up = row + (0.16 * (2 * place - 1) if len(series) > 1 else 0)
                axes.plot([min(seeds), max(seeds)], [up, up], color=colour, linewidth=1.4)
                axes.plot(seeds, [up] * len(seeds), "o", color=colour, markersize=2.5)
                axes.plot([sum(seeds) / len(seeds)], [up], "o", color=colour, markersize=6)
            axes.plot([], [], "o-", color=colour, label=words)
        axes.set_yticks(range(len(rows)), [called for called, _ in rows])
        axes.invert_yaxis()
        axes.set_xlim(left=0)
        axes.set(xlabel=label)
        if len(series) > 1:
            plots.legend(axes, columns=1)

    return plots.standalone(plots.svg(draw, name, height=MARGIN + ROW * (len(rows) + len(series) - 1)))


def _by_series(rows: Sequence[Row]):
    """For each series the values of all rows."""
    return zip(*(values for _, values in rows), strict=True)


def masks() -> str:
    rows = [(called, (of_digits(digits), of_librispeech(other))) for called, (digits, other) in MASKS.items()]
    return seeds_plot(rows, (HEARD, BY_HEART), "masks", "words said wrongly, %")


def positions() -> str:
    rows = [(called, [of_digits(name) for name in names]) for called, names in POSITIONS.items()]
    return seeds_plot(rows, (WITH_CLOCK, WITHOUT_CLOCK), "positions", "test WER, digits, %")


def losses() -> str:
    rows = [(called, [of_digits(name) for name in names]) for called, names in LOSSES.items()]
    return seeds_plot(rows, (WITH_CLOCK, WITHOUT_CLOCK), "losses", "test WER, digits, %")


def parts() -> str:
    """The ablation of the recogniser: WER where hearings vote, with its interval."""
    found = read_results("recognizer_ablation")

    def draw(axes):
        for place, row in enumerate(found):
            low, high = (100 * bound for bound in row["voted"]["wer_interval"])
            axes.plot([low, high], [place, place], color=plots.FIRST, linewidth=1.4)
            axes.plot([100 * row["voted"]["wer"]], [place], "o", color=plots.FIRST, markersize=6)
        base = next(row for row in found if row["name"] == "base")
        axes.axvline(100 * base["voted"]["wer"], color=plots.SECOND, linestyle="--", linewidth=1.2)
        axes.set_yticks(range(len(found)), [row["name"] for row in found])
        axes.invert_yaxis()
        axes.set(xlabel="dev WER, voted, % (95 % interval)")

    return plots.standalone(plots.svg(draw, "parts", height=MARGIN + ROW * len(found)))


def passes() -> str:
    """Dev and test WER of the recogniser by how often its draft is refined."""
    ways = {way["name"]: way for way in read_results("decoding")["ways"]}
    names = ["draft", *(f"refined, {number} passes" for number in (1, 2, 3))]

    def draw(axes):
        for split, colour in (("dev", plots.FIRST), ("test", plots.SECOND)):
            rates = [ways[name][split] for name in names]
            bounds = [[100 * abs(rate["wer"] - rate["wer_interval"][end]) for rate in rates] for end in (0, 1)]
            across = [number + (0.04 if split == "test" else -0.04) for number in range(len(names))]
            heights = [100 * rate["wer"] for rate in rates]
            axes.errorbar(across, heights, bounds, fmt="o-", color=colour, markersize=5, linewidth=1.4, label=split)
        axes.set_xticks(range(len(names)), ["draft", "1", "2", "3"])
        axes.set_ylim(bottom=0)
        axes.set(xlabel="passes of refinement", ylabel="WER, %")
        plots.legend(axes)

    return plots.standalone(plots.svg(draw, "passes"))


PICTURES = {"masks": masks, "positions": positions, "losses": losses, "parts": parts, "passes": passes}


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    for name, draw in PICTURES.items():
        write_text(f"{PAGE}_{name}.svg", draw() + "\n")
    write_text(f"{PAGE}.md", diary_page.filled(Path(f"{PAGE}.in.md").read_text(encoding="utf-8")))
    print(f"{PAGE}.md")


if __name__ == "__main__":
    main()
