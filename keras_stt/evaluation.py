"""How good a model is: word error rate on whole utterances, and what it says where it is asked in windows."""

import dataclasses
from collections.abc import Iterable

import numpy as np
from tqdm import tqdm

from keras_stt.audio import SAMPLE_RATE
from keras_stt.decoding.refine import refine
from keras_stt.decoding.stitch import Word
from keras_stt.errors import InputError
from keras_stt.masking import IGNORED
from keras_stt.text import Vocabulary
from keras_stt.wer import EditCounts, bootstrap_interval, edit_counts


@dataclasses.dataclass(frozen=True)
class UtteranceResult:
    """One utterance, what was said (`reference`) and what the model heard (`hypothesis`), with times in `words`.

    `draft` is what it heard before refinement; None where that is not known.
    """

    id: str
    speaker: str
    duration: float
    reference: str
    hypothesis: str
    counts: EditCounts
    characters: EditCounts
    words: tuple[Word, ...]
    draft: str | None = None


def evaluate_utterances(model, records: Iterable, label: str = "evaluate", **decoding) -> list[UtteranceResult]:
    """Transcribes whole utterances as a user would. Those whose audio cannot be read are left out.

    Args:
        model: a recogniser.
        records: with normalised text, as an `Index` gives them.
        label: shown by the progress bar.
        decoding: of the model's `transcribe`.
    """
    results = []
    for record in tqdm(records, desc=label, unit=" utterances", leave=False, mininterval=0.5):
        try:
            samples = record.read()
        except InputError:
            continue
        transcript = model.transcribe(samples, SAMPLE_RATE, **decoding)
        counts = edit_counts(record.text.split(), transcript.text.split())
        characters = edit_counts(list(record.text), list(transcript.text))
        results.append(
            UtteranceResult(
                record.id,
                record.speaker,
                record.duration,
                record.text,
                transcript.text,
                counts,
                characters,
                tuple(transcript.words),
            )
        )
    return results


def summarize(results: list[UtteranceResult]) -> dict:
    """Plain values: `wer`, its 95 % interval (bootstrap over utterances), `cer`, edits, utterances and words."""
    if not results:
        raise InputError("evaluation: no utterance could be read; check that the audio files are there")
    counts = [result.counts for result in results]
    total = sum(counts[1:], counts[0])
    characters = sum((result.characters for result in results[1:]), results[0].characters)
    low, high = bootstrap_interval(counts)
    return {
        "wer": total.rate,
        "wer_interval": [low, high],
        "cer": characters.rate,
        "substitutions": total.substitutions,
        "deletions": total.deletions,
        "insertions": total.insertions,
        "words": total.reference_words,
        "utterances": len(results),
        "hours": sum(result.duration for result in results) / 3600,
    }


def window_errors(predict, batches, vocabulary: Vocabulary, passes: int = 1) -> dict:
    """Word errors on windows.

    Returns:
        `wer`, of all words of the windows, those that were given among them (right by definition, so that tasks which
        give words do not compare by it), tokens that say "nothing here" left out on both sides; `wer_with_sil`, in
        which those are words like any other (the diary's D03); `masked_error`, the share of asked words that were not
        said in their own slot; `nats`, the cross entropy of all asked tokens on the first pass, of the plain softmax
        whatever loss was trained on, so that runs with different losses compare: the mean over samples of the mean
        over their targets.
    """
    plain, with_sil = EditCounts(0, 0, 0, 0), EditCounts(0, 0, 0, 0)
    wrong = count = 0
    nats = []
    for step in range(len(batches)):
        inputs, targets = batches[step]
        asked = targets["tokens"] != IGNORED
        decoded = refine(predict, inputs, vocabulary, passes, asked)
        nats.append(_sample_means(cross_entropy(decoded.first_logits, np.maximum(targets["tokens"], 0)), asked))
        said = decoded.token_ids
        truth = np.where(asked, targets["tokens"], inputs["token_ids"])
        counted = _asked_words(targets["tokens"], vocabulary)
        wrong += int(np.sum(counted & (said != truth)))
        count += int(np.sum(counted))
        for reference, hypothesis in zip(truth.tolist(), said.tolist(), strict=True):
            with_sil = with_sil + edit_counts(reference, hypothesis)
            spoken = [[token for token in row if token not in vocabulary.fill_ids] for row in (reference, hypothesis)]
            plain = plain + edit_counts(*spoken)
    return {
        "wer": plain.rate,
        "wer_with_sil": with_sil.rate,
        "masked_error": wrong / max(count, 1),
        "nats": float(np.concatenate(nats).mean()) if nats else 0.0,
    }


def cross_entropy(logits: np.ndarray, token_ids: np.ndarray) -> np.ndarray:
    """Nats at which a softmax over `logits` `(B, U, V)` says `token_ids` `(B, U)`: `(B, U)`."""
    highest = logits.max(axis=-1)
    said = np.take_along_axis(logits, token_ids[..., None], axis=-1)[..., 0]
    return np.log(np.exp(logits - highest[..., None]).sum(axis=-1)) + highest - said


def _sample_means(nats: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The mean over each sample's asked tokens, `(B,)`, as the losses take it; 0 where nothing is asked."""
    return (nats * asked).sum(axis=1) / np.maximum(asked.sum(axis=1), 1)


def _asked_words(targets: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    """Where a word, and not "nothing here", is asked for."""
    return (targets != IGNORED) & ~np.isin(targets, vocabulary.fill_ids)


def masked_word_report(predict, batches, vocabulary: Vocabulary, unigram: np.ndarray, passes: int = 1) -> dict:
    """What the model has heard: its errors on asked words beside those of deaf guesses.

    `unigram_error` always says the commonest word; `shuffled_audio_error` is the same model with the audio of another
    utterance; the gap between that and `masked_error` is what was heard. `masked_words` are all words asked for,
    visible ones too where the task is to say what is read.
    """
    guess = int(np.argmax(np.where(np.arange(len(unigram)) > vocabulary.sil_id, unigram, -1)))
    wrong = count = 0
    for step in range(len(batches)):
        targets = batches[step][1]["tokens"]
        counted = _asked_words(targets, vocabulary)
        wrong += int(np.sum(counted & (targets != guess)))
        count += int(np.sum(counted))
    return {
        "masked_error": window_errors(predict, batches, vocabulary, passes)["masked_error"],
        "shuffled_audio_error": window_errors(predict, _ShuffledAudio(batches), vocabulary, passes)["masked_error"],
        "unigram_error": wrong / max(count, 1),
        "masked_words": count,
    }


class _ShuffledAudio:
    """Batches whose texts meet the audio of other utterances.

    Neighbouring windows hear each other's words, so the audio comes from the batch after, or from half a batch away
    where there is one batch alone.
    """

    def __init__(self, batches):
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, step: int):
        inputs, targets = self.batches[step]
        size = len(inputs["feature_lengths"])
        other = self.batches[(step + 1) % len(self.batches)][0]
        far = size // 2 if len(self.batches) == 1 else 0
        rows = (np.arange(size) + far) % len(other["feature_lengths"])
        audio = {name: other[name][rows] for name in ("features", "feature_lengths")}
        return {**inputs, **audio}, targets
