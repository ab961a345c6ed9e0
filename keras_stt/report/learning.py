"""How a run learned: its curves, and the figures that tell whether it listens and where learning is stuck."""

from collections.abc import Mapping, Sequence

from keras_stt.report import plots
from keras_stt.report.collapse_curves import collapse_curves
from keras_stt.report.gradient_map import gradient_map
from keras_stt.report.page import section, text


def learning(summary: Mapping, history: Sequence[Mapping]) -> str:
    """The section of the curves; "" where nothing was measured."""
    fits = plots.wer_fits(history)
    guess = plots.number(summary.get("unigram_loss"))
    dashed = (
        " The dashed line is what guessing every word by its frequency alone scores in it: below it the model makes "
        "use of what it hears."
    )
    fitted = "".join(f" {fit.name.capitalize()}: {fit.formula}, R² {fit.r2:.2f}." for fit in fits)
    collapse = summary.get("collapse") or {}
    entropy = plots.number(collapse.get("unigram_loss"))
    figures = (
        (
            plots.loss_curves(history, guess),
            f"Training loss by epoch, in the unit of the loss trained on.{'' if guess is None else dashed}",
        ),
        (
            plots.dev_loss_curve(history, entropy),
            f"Cross entropy on dev by epoch, whatever loss is trained on.{'' if entropy is None else dashed}",
        ),
        (
            plots.wer_curves(history),
            f"Word error rate on {'windows of ' if is_of_windows(summary) else ''}the dev set by epoch.",
        ),
        (plots.loss_against_wer(history, fits), f"Loss against dev WER; every dot is an epoch.{fitted}"),
        (collapse_curves(history, collapse), _listening(history, collapse)),
        (
            gradient_map(history),
            "The gradient norm of every layer by epoch, on one batch; the last stands at the right. Orders "
            "of magnitude between layers, or a layer that falls away, say where learning is stuck.",
        ),
    )
    drawn = "".join(
        f'<figure><div role="img" aria-label="{text(caption)}">{svg}</div><figcaption>{text(caption)}</figcaption>'
        "</figure>"
        for svg, caption in figures
        if svg
    )
    return section("Learning", f"<div class=plots>{drawn}</div>" if drawn else "")


def is_of_windows(summary: Mapping) -> bool:
    """Whether the run was on windows around known words, not on whole utterances."""
    return summary.get("view", "window") == "window"


def _listening(history: Sequence[Mapping], collapse: Mapping) -> str:
    words = ["Does it listen? A model that does not says few words, whatever it hears."]
    if any("collapse/shuffle_gap" in row for row in history):
        words.append("Its loss does not rise when each sample meets the audio of another.")
    if collapse:
        words.append("Dashed: what is right.")
    return " ".join(words)
