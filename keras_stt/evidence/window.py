"""What a window model makes of the windows of an utterance, pass by pass, and where it looks."""

import dataclasses

import numpy as np

from keras_stt.decoding.refine import refine
from keras_stt.evidence import example
from keras_stt.evidence.example import MaskedText, Picture, Slot
from keras_stt.features import FRAME_SECONDS
from keras_stt.text import Vocabulary

LEAST_PASSES = 3  # shown, even where fewer are made to transcribe: one pass alone hides nothing again
OTHERS = 3  # next likeliest words told of each guess
NOTE = (
    "Windows of the utterance one after the other, masked as in training. A pass says every masked word; the surest "
    "guesses stay, the others are masked again and said once more by the next pass."
)
ATTENTION = (
    "Attention of text over audio: where in the sound the last block looks for each word, the mean of its heads. "
    "Outlined is where the word is said."
)


@dataclasses.dataclass(frozen=True)
class HeardWindow:
    """A window as the model meets it.

    Attributes:
        title: which of an utterance.
        inputs: of the model, each `(1, ...)`.
        truth: the words of its slots, special tokens where none is said.
        start: seconds of the utterance at which it begins.
        spans: start and end in seconds of each slot's word; None where it is not known.
    """

    title: str
    inputs: dict
    truth: tuple[str, ...]
    start: float
    spans: tuple[tuple[float, float] | None, ...]


def hear_windows(model, windows: list[HeardWindow], passes: int) -> list[tuple[MaskedText, Picture]]:
    """The masked words of windows and what was guessed, and the attention of the text over the audio of each.

    Args:
        model: a `MaskedTokenModel`.
        passes: with which it transcribes; at least `LEAST_PASSES` are shown.
    """
    if not windows:
        return []
    vocabulary = Vocabulary.from_list(model.vocabulary)
    inputs = {name: np.concatenate([window.inputs[name] for window in windows]) for name in windows[0].inputs}
    made: list[tuple[np.ndarray, np.ndarray]] = []
    decoded = refine(
        model.predict_on_batch,
        inputs,
        vocabulary,
        max(passes, LEAST_PASSES),
        watch=lambda read, probabilities: made.append((read.copy(), probabilities)),
    )
    step_seconds = model.frames_per_step * FRAME_SECONDS
    found = []
    for row, window in enumerate(windows):
        title = f"{window.title}, from {window.start:.2f} s"
        stages = [(read[row], probabilities[row]) for read, probabilities in made]
        steps = max(1, -(-int(inputs["feature_lengths"][row]) // model.frames_per_step))
        picture = Picture(
            example.ATTENTION,
            title,
            ATTENTION,
            window.truth,
            window.spans,
            window.start,
            step_seconds,
            decoded.attention[row, :, :steps],
        )
        found.append((MaskedText(title, window.truth, _passes(stages, window, vocabulary)), picture))
    return found


def _passes(stages, window: HeardWindow, vocabulary: Vocabulary) -> tuple[tuple[Slot, ...], ...]:
    """The slots of every pass that had something to say."""
    passes, under = [], window.truth
    for read, probabilities in stages:
        hidden = read == vocabulary.mask_id
        if not hidden.any():
            break
        slots = tuple(
            _slot(under[i], bool(hidden[i]), probabilities[i], window.spans[i], vocabulary) for i in range(len(read))
        )
        passes.append(slots)
        under = tuple(slot.said for slot in slots)
    return tuple(passes)


def _slot(under: str, hidden: bool, probabilities: np.ndarray, span, vocabulary: Vocabulary) -> Slot:
    start = None if span is None else span[0]
    if not hidden:
        return Slot(under, False, under, None, start=start)
    likeliest = np.argsort(-probabilities, kind="stable")[: OTHERS + 1]
    words = vocabulary.decode(likeliest)
    (said, confidence), *others = zip(words, probabilities[likeliest].tolist(), strict=True)
    return Slot(under, True, said, confidence, tuple(others), start=start)
