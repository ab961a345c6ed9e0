"""An utterance and what a model made of it, as plain values that JSON holds."""

import base64
import dataclasses

import numpy as np

from keras_stt.decoding.stitch import Word
from keras_stt.errors import InputError

FORMAT = 1  # of the files; another one is not read
ATTENTION, FOUND = "attention", "found"


@dataclasses.dataclass(frozen=True)
class Slot:
    """A place in a text that a pass read, and what it said there.

    Attributes:
        under: the token that stood there before the pass; "" where none stood and the pass put one in.
        hidden: whether the model read a mask there and not that token.
        said: what the pass made of it; "" where it left the token out.
        confidence: its probability, 0 to 1; None where nothing is said.
        others: the next likeliest tokens and their probabilities, likeliest first.
        starts_word: whether a word begins there.
        start: seconds at which it is said; None where the model does not tell.
    """

    under: str
    hidden: bool
    said: str
    confidence: float | None
    others: tuple[tuple[str, float], ...] = ()
    starts_word: bool = True
    start: float | None = None


@dataclasses.dataclass(frozen=True)
class MaskedText:
    """A text, some of whose tokens are masked, and what the model says in pass after pass.

    Attributes:
        title: which text.
        truth: what was said in each slot, where slots are words of a known text; else empty.
        passes: the slots of each pass, in order.
    """

    title: str
    truth: tuple[str, ...]
    passes: tuple[tuple[Slot, ...], ...]


@dataclasses.dataclass(frozen=True)
class Picture:
    """Words against time.

    Attributes:
        kind: `attention`, where the model looks; `found`, where it hears them.
        title, caption: what it shows.
        labels: a word for each row.
        spans: start and end in seconds of each row's word; None where it is not known.
        start: seconds at which the first column begins.
        column_seconds: what a column lasts.
        values: `(rows, columns)`, 0 or more.
    """

    kind: str
    title: str
    caption: str
    labels: tuple[str, ...]
    spans: tuple[tuple[float, float] | None, ...]
    start: float
    column_seconds: float
    values: np.ndarray


@dataclasses.dataclass(frozen=True)
class Example:
    """One utterance.

    Attributes:
        group: why it is shown: `best`, `median`, `worst` or `all`.
        id, speaker, duration, reference, hypothesis: as in `evaluation.UtteranceResult`.
        reference_times: start and end in seconds of each reference word; None where nobody knows.
        times_from: who knows them, in words.
        words: of the hypothesis, with times and confidences.
        masked: what was hidden and guessed.
        masked_note: how to read it.
        pictures: attention and the like.
    """

    group: str
    id: str
    speaker: str
    duration: float
    reference: str
    hypothesis: str
    reference_times: tuple[tuple[float, float], ...] | None
    times_from: str
    words: tuple[Word, ...]
    masked: tuple[MaskedText, ...]
    masked_note: str
    pictures: tuple[Picture, ...]

    def to_dict(self) -> dict:
        """Plain values, rounded to what can be seen and heard."""
        fields = dataclasses.asdict(self)
        for picture, values in zip(fields["pictures"], self.pictures, strict=True):
            picture["values"] = _packed(values.values)
        return {"format": FORMAT, **_rounded(fields)}

    @classmethod
    def from_dict(cls, fields: dict) -> "Example":
        """The inverse of `to_dict`.

        Raises:
            InputError: it is none.
        """
        try:
            fields = dict(fields)
            if fields.pop("format") != FORMAT:
                raise InputError("another format; make it anew with this version")
            times = fields["reference_times"]
            fields["reference_times"] = None if times is None else tuple(map(_span, times))
            fields["duration"] = float(fields["duration"])
            fields["words"] = tuple(map(_word, fields["words"]))
            fields["masked"] = tuple(map(_masked, fields["masked"]))
            fields["pictures"] = tuple(map(_picture, fields["pictures"]))
            return cls(**fields)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            said = str(error) if isinstance(error, InputError) else f"{type(error).__name__} {error}"
            raise InputError(f"no utterance of a run ({said})") from error


def _span(span) -> tuple[float, float]:
    start, end = span
    return float(start), float(end)


def _word(fields: dict) -> Word:
    confidence = fields["confidence"]
    return Word(fields["text"], *_span((fields["start"], fields["end"])), confidence and float(confidence))


def _masked(fields: dict) -> MaskedText:
    passes = tuple(
        tuple(Slot(**{**slot, "others": tuple(map(tuple, slot["others"]))}) for slot in slots)
        for slots in fields["passes"]
    )
    return MaskedText(fields["title"], tuple(fields["truth"]), passes)


def _picture(fields: dict) -> Picture:
    spans = tuple(None if span is None else _span(span) for span in fields["spans"])
    return Picture(
        **{**fields, "labels": tuple(fields["labels"]), "spans": spans, "values": _unpacked(fields["values"])}
    )


def _packed(values: np.ndarray) -> dict:
    """An array in 256 levels: a picture shows no more."""
    values = np.nan_to_num(np.asarray(values, np.float64))
    most = float(values.max(initial=0.0)) or 1.0
    levels = np.clip(np.rint(255 * values / most), 0, 255).astype(np.uint8)
    return {"shape": list(levels.shape), "most": most, "levels": base64.b64encode(levels.tobytes()).decode()}


def _unpacked(packed: dict) -> np.ndarray:
    levels = np.frombuffer(base64.b64decode(packed["levels"]), np.uint8).reshape(packed["shape"])
    return levels * (float(packed["most"]) / 255)


def _rounded(value):
    """Numbers with five decimals, where half a frame is 0.005 s; None for what is no number, as JSON knows none."""
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    if isinstance(value, float | np.floating):
        return round(float(value), 5) if np.isfinite(value) else None
    return value
