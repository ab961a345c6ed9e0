"""Utterances as a model of whole utterances hears them."""

import numpy as np

from keras_stt.audio import SAMPLE_RATE
from keras_stt.decoding.ctc_alignment import least_steps, viterbi, word_groups, word_times
from keras_stt.decoding.ctc_occupancy import occupancy
from keras_stt.decoding.stitch import Word
from keras_stt.errors import InputError
from keras_stt.evidence import example
from keras_stt.evidence.example import Example, Picture
from keras_stt.evidence.passes import NOTE, Passes, hear_passes, masked_text
from keras_stt.evidence.reference import known_times
from keras_stt.transcribe.transcript import transcript_of
from keras_stt.transcribe.utterances import Decoding, Heard, stream

FOUND = (
    "How probable it is, given the transcript, that the CTC head says the word in this "
    "step. A token is said in one or two steps, often some time after the word began."
)
ATTENTION = (
    "Attention of text over audio: where the {part} looks from the steps in which it says each word; the mean of the "
    "heads of {block}. Outlined is where the word was heard."
)
DRAFT = "The transcript is the draft."
TRANSCRIPT = (
    "The transcript is, of draft, pass {passes} and the mean of both, the text that both together find likeliest."
)
NO_ATTENTION = (
    " This model has no attention that could be shown: its blocks are convolutions, and text stands on the audio steps "
    "themselves."
)


def utterance_examples(model, chosen, passes: int, lead: float) -> list[tuple[Example, np.ndarray]]:
    """Each chosen utterance and its samples.

    Args:
        model: an `UtteranceRecognizer`.
        chosen: group, `evaluation.UtteranceResult` and record of each.
        passes: with which it transcribes.
        lead: seconds by which the model's tokens come after their words begin.
    """
    recordings = [record.read() for _, _, record in chosen]
    if not recordings:
        return []
    heard = hear_passes(model, recordings, passes)
    return [
        (_example(model, group, result, record, samples, said, passes, lead), samples)
        for (group, result, record), samples, said in zip(chosen, recordings, heard, strict=True)
    ]


def _example(model, group: str, result, record, samples, said: Passes, passes: int, lead: float) -> Example:
    transcript = transcript_of([samples], lambda blocks: stream(model, blocks, Decoding(passes), lead))
    times, known_from = known_times(record, result.reference)
    if times is None or record.times_guessed:
        aligned = _aligned(model, said, result.reference, lead)
        times, known_from = (aligned, "the model's own alignment of the text") if aligned else (times, known_from)
    tokens = model.token_set
    return Example(
        group,
        result.id,
        result.speaker,
        len(samples) / SAMPLE_RATE,
        result.reference,
        transcript.text,
        times,
        known_from,
        tuple(transcript.words),
        (masked_text(said, tokens, model.step_seconds, lead),) if said.read else (),
        f"{NOTE} {TRANSCRIPT.format(passes=passes) if passes else DRAFT}",
        word_pictures(said, transcript.words, transcript.text, passes, model, lead),
    )


def _aligned(model, said: Passes, text: str, lead: float):
    """Start and end of each word; None where the model cannot say the text in the time."""
    tokens = model.token_set
    try:
        words = word_times(viterbi(said.said[0], tokens.encode(text)), tokens, model.step_seconds, lead)
    except InputError:
        return None
    spans = tuple((word.start, min(word.end, len(said.said[0]) * model.step_seconds)) for word in words)
    return spans if [word.text for word in words] == text.split() else None


def word_pictures(said: Passes, words: list[Word], text: str, passes: int, model, lead: float) -> tuple[Picture, ...]:
    """Where each word of a transcript is found, and where the model looks when it says it.

    Args:
        words, text: of the transcript.
        passes: with which it was made.
    """
    tokens = model.token_set
    token_ids = tokens.encode(text)
    if not len(token_ids) or least_steps(token_ids) > len(said.said[0]):
        return ()  # nothing, or the model said it in fewer and longer pieces than it is now written with
    refined = said.said[passes] if passes < len(said.said) and passes else None
    of_tokens = occupancy(Heard(said.said[0], refined).together, token_ids)
    found = np.array([of_tokens[group].sum(axis=0) for group in word_groups(token_ids, tokens)])
    labels, spans = tuple(word.text for word in words), tuple((word.start, word.end) for word in words)
    late = f" Here by {1000 * lead:.0f} ms, which is taken off the times of words." if lead else ""
    caption = FOUND + late + (NO_ATTENTION if said.attention is None else "")
    step = model.step_seconds
    pictures = [
        Picture(example.FOUND, "Where each word is found", caption, labels, spans, 0.0, step, np.minimum(found, 1.0))
    ]
    if said.attention is not None:
        looks = found / np.maximum(found.sum(axis=1, keepdims=True), 1e-9) @ said.attention
        caption = ATTENTION.format(part=said.part, block=said.block)
        pictures.append(Picture(example.ATTENTION, "Attention", caption, labels, spans, 0.0, step, looks))
    return tuple(pictures)
