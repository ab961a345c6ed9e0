"""A word that is heard when it is clicked."""

from keras_stt.report.page import text

PADDING = 0.03  # seconds played before and after a word: cut at its very edge, its first sound is lost


def sounding(word: str, span, duration: float, kind: str, confidence: float | None = None, **attributes) -> str:
    """A button that plays the word; only the word where its time is not known.

    Args:
        span: start and end in seconds, or None.
        duration: of the utterance, seconds.
        kind: class of the button: `said` or `heard`.
        confidence: told when the word is pointed at.
        attributes: of HTML, safe ones.
    """
    if span is None or span[0] is None or span[1] is None:
        return f'<bdi class="{kind}">{text(word)}</bdi>'
    title = f"{span[0]:.2f} to {span[1]:.2f} s" + ("" if confidence is None else f", confidence {confidence:.0%}")
    extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return (
        f'<button type="button" class="word {kind}" {times_of(span, duration)} title="{title}"{extra}>'
        f"<bdi>{text(word)}</bdi></button>"
    )


def times_of(span, duration: float) -> str:
    """Attributes that say from when to when a click plays."""
    start, end = max(0.0, span[0] - PADDING), min(duration, max(span) + PADDING)
    return f'data-start="{min(start, duration):.3f}" data-end="{max(end, start):.3f}"'
