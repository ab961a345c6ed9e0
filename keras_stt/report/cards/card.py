"""One utterance: its words, its player, its spectrogram, and what was hidden and looked at."""

import base64
import itertools
import math

from keras_stt.evidence.example import ATTENTION, Example
from keras_stt.report.cards.masked import masked_view
from keras_stt.report.cards.sounding import PADDING, sounding
from keras_stt.report.cards.timeline import picture_timeline, spectrogram_timeline
from keras_stt.report.page import text
from keras_stt.report.utterances import MARKS
from keras_stt.wer import alignment_operations, edit_counts


def card(number: int, example: Example, clip: bytes) -> str:
    """An article with a player of its own.

    Args:
        number: of the card in the page, from 1.
        clip: a FLAC file.
    """
    sound = base64.b64encode(clip).decode()
    parts = [
        f'<article class="card" aria-label="Utterance {number}">',
        f'<p class="quiet">{_rate(example)} · <bdi>{text(example.id)}</bdi> · speaker '
        f"<bdi>{text(example.speaker or 'unknown')}</bdi> · {example.duration:.1f} s</p>",
        f'<audio controls preload="auto" src="data:audio/flac;base64,{sound}"></audio>',
        _player(example),
        f'<div class="words" dir="auto">{_aligned(example)}</div>',
        spectrogram_timeline(example, clip),
        f'<p class="quiet">{text(_times_note(example))}</p>',
    ]
    if any(masked.passes for masked in example.masked):
        parts.append(_folded("Masked tokens, pass by pass", masked_view(example)))
    if example.pictures:
        attends = any(picture.kind == ATTENTION for picture in example.pictures)
        title = "Attention of text over audio" if attends else "Where each word is found (the model has no attention)"
        parts.append(_folded(title, _pictures(example)))
    return "\n".join([*parts, "</article>"])


def _rate(example: Example) -> str:
    rate = edit_counts(example.reference.split(), example.hypothesis.split()).rate
    return f"WER {100 * rate:.1f} %" if math.isfinite(rate) else "no words said"


def _player(example: Example) -> str:
    return (
        '<div class="player"><button type="button" class="play"><span class="icon" aria-hidden="true">▶</span> '
        '<span class="action">Play</span></button>'
        f'<input type="range" class="seek" min="0" max="{example.duration:.3f}" step="0.01" value="0" '
        'aria-label="Position, seconds">'
        f'<span class="clock"><span class="now">0.0</span> / {example.duration:.1f} s</span>'
        '<label class="slow"><input type="checkbox"> half speed</label></div>'
    )


def _aligned(example: Example) -> str:
    """Words of the reference over words of the hypothesis, each a button where its time is known."""
    times, pairs, said, heard = example.reference_times, [], 0, 0
    for operation, upper, lower in alignment_operations(example.reference.split(), example.hypothesis.split()):
        above, below = '<span class="none">–</span>', '<span class="none">–</span>'
        if upper is not None:
            span = times[said] if times is not None and said < len(times) else None
            above = sounding(upper, span, example.duration, "said")
            said += 1
        if lower is not None:
            word = example.words[heard] if heard < len(example.words) else None
            span = (word.start, word.end) if word else None
            below = sounding(lower, span, example.duration, "heard", word.confidence if word else None)
            heard += 1
        pairs.append(_pair(operation, above, below))
    return "".join(pairs) or "<i>nothing said, nothing heard</i>"


def _pair(operation: str, above: str, below: str) -> str:
    name, mark = MARKS.get(operation, ("", ""))
    if operation == "delete":
        above = f"<del>{above}</del>"
    if operation == "insert":
        below = f"<ins>{below}</ins>"
    mark = f'<span class="mark" title="{name}">{mark}</span>' if mark else ""
    return f'<span class="pair {name}">{above}{below}{mark}</span> '


def _times_note(example: Example) -> str:
    if example.reference_times is None:
        return "When the words were said is not known: the spectrogram is divided where they were heard."
    guess = f"The times of the upper words are from {example.times_from}."
    return f"{guess} A word is played with {PADDING:g} s before and after it."


def _pictures(example: Example) -> str:
    """Pictures that show the same are explained together, below the last of them."""
    parts = []
    for caption, some in itertools.groupby(example.pictures, lambda picture: picture.caption):
        parts += [*(picture_timeline(picture, example) for picture in some), f'<p class="quiet">{text(caption)}</p>']
    return "".join(parts)


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>{content}</details>"
