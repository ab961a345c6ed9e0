"""What lies along time: the spectrogram with its words, and pictures of words against time on the same scale."""

import io

import numpy as np
import soundfile

from keras_stt.evidence.example import Example, Picture
from keras_stt.features import FRAME_SECONDS, log_mel
from keras_stt.report.cards.images import data_uri
from keras_stt.report.cards.sounding import sounding, times_of
from keras_stt.report.page import text

PIXELS_PER_SECOND = 200  # a dozen letters or so of normal speech fit above what they sound like
ROW_PIXELS = 16  # of a word in a picture
LANE_PIXELS, SPECTROGRAM_PIXELS = 24, 120  # high
_LOUDEST, _QUIETEST = 99.5, 10.0  # percentiles of a spectrogram that become white and black


def spectrogram_timeline(example: Example, clip: bytes) -> str:
    """The spectrogram between two rows of words, those said and those heard, and the boundaries of words over it."""
    samples = soundfile.read(io.BytesIO(clip), dtype="float32")[0]
    frames = log_mel(samples)
    said = list(zip(example.reference.split(), example.reference_times or (), strict=False))
    heard = [(word.text, (word.start, word.end), word.confidence) for word in example.words]
    bounds = said or [(word, span) for word, span, _ in heard]
    image = data_uri(np.flipud(frames.T), "magma", *_range(frames)) if len(frames) else ""
    size = f"width:{_pixels(len(frames) * FRAME_SECONDS)};height:{SPECTROGRAM_PIXELS}px"
    shown = f'<img alt="Spectrogram, 0 to 8 kHz in mel" src="{image}" style="{size}">' if image else ""
    spans = "".join(_bound(word, span, example.duration) for word, span in bounds)
    lanes = [
        _lane("said", [(word, span, None) for word, span in said], example.duration),
        f'<div class="picture spectrogram" style="height:{SPECTROGRAM_PIXELS}px">{shown}{spans}</div>',
        _lane("heard", heard, example.duration),
        _axis(example.duration),
    ]
    names = [("said", LANE_PIXELS), ("mel", SPECTROGRAM_PIXELS), ("heard", LANE_PIXELS)]
    return _timeline("Spectrogram with words", example.duration, names, "".join(lanes))


def picture_timeline(picture: Picture, example: Example) -> str:
    """A picture of words against time under its title, the place of each word outlined."""
    rows, columns = picture.values.shape
    width, height = columns * picture.column_seconds, rows * ROW_PIXELS
    image = data_uri(picture.values, "viridis", 0.0, float(picture.values.max(initial=0.0)) or 1.0)
    left = _pixels(picture.start)
    marks = "".join(
        f'<span class="place" style="left:{_pixels(span[0])};width:{_pixels(span[1] - span[0])};'
        f'top:{row * ROW_PIXELS}px;height:{ROW_PIXELS}px" {times_of(span, example.duration)}></span>'
        for row, span in enumerate(picture.spans)
        if span is not None
    )
    content = (
        f'<div class="picture" style="height:{height}px"><img alt="Words against time" class="sharp" src="{image}" '
        f'style="left:{left};width:{_pixels(width)};height:{height}px">{marks}</div>{_axis(example.duration)}'
    )
    names = [(label, ROW_PIXELS) for label in picture.labels]
    brightest = f'<small class="quiet">brightest {picture.values.max(initial=0.0):.2f}</small>'
    timeline = _timeline(picture.title, example.duration, names, content)
    return f"<h4>{text(picture.title)} {brightest}</h4>{timeline}"


def _timeline(label: str, duration: float, names: list[tuple[str, int]], content: str) -> str:
    """Scrolls by itself where it is wider than the page, all but the names of its rows, each so many pixels high."""
    column = "".join(
        f'<bdi style="height:{height}px;line-height:{height}px">{text(name)}</bdi>' for name, height in names
    )
    return (
        f'<div class="timeline" tabindex="0" role="group" aria-label="{text(label)}, scrolls sideways" '
        f'data-scale="{PIXELS_PER_SECOND}"><div class="names">{column}</div>'
        f'<div class="inner" style="width:{_pixels(duration)}">{content}'
        '<span class="cursor" aria-hidden="true"></span></div></div>'
    )


def _lane(kind: str, words, duration: float) -> str:
    """Words where they sound. They are buttons already above: here the keyboard passes them by."""
    placed = "".join(
        sounding(word, span, duration, kind, confidence, tabindex=-1, style=_placed(span))
        for word, span, confidence in words
        if span[0] is not None and span[1] is not None
    )
    return f'<div class="lane" aria-hidden="true">{placed}</div>'


def _bound(word: str, span, duration: float) -> str:
    return (
        f'<span class="bound" {times_of(span, duration)} title="{text(word)}" style="{_placed(span)}"></span>'
        if span[0] is not None and span[1] is not None
        else ""
    )


def _placed(span) -> str:
    return f"left:{_pixels(span[0])};width:{_pixels(max(span[1] - span[0], 0.02))}"


def _axis(duration: float) -> str:
    ticks = "".join(
        f'<span style="left:{_pixels(second)}">{second}</span>' for second in range(0, int(np.ceil(duration)))
    )
    return f'<div class="axis" aria-hidden="true">{ticks}</div>'


def _pixels(seconds: float) -> str:
    return f"{seconds * PIXELS_PER_SECOND:.1f}px"


def _range(frames: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(frames, [_QUIETEST, _LOUDEST])
    return float(low), float(max(high, low + 1e-3))
