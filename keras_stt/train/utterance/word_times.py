"""How well a model's forced alignment agrees with known word times."""

import numpy as np

from keras_stt.audio import SAMPLE_RATE
from keras_stt.errors import InputError
from keras_stt.text import split_words

UTTERANCES = 40  # are enough for a median of a thousand words


def start_differences(model, records) -> np.ndarray:
    """How much later than known, in seconds, the model's words begin; of the records whose word times are no guess."""
    differences = []
    for record in records:
        try:
            words = model.align(record.read(), record.text, SAMPLE_RATE)
        except InputError:  # unreadable, or too long a text for its steps
            continue
        if len(words) == len(split_words(record.text)):
            known = [start for start, _ in record.word_times]
            differences += [word.start - start for word, start in zip(words, known, strict=True)]
    return np.array(differences)


def known_records(index, most: int = UTTERANCES) -> list:
    """Records whose word times somebody measured, at most so many, spread over the index."""
    rows = [row for row in range(len(index)) if index[row].word_times and not index[row].times_guessed]
    chosen = sorted({rows[int(i)] for i in np.linspace(0, len(rows) - 1, min(most, len(rows)))}) if rows else []
    return [index[row] for row in chosen]


def measured_lead(model, index) -> dict:
    """The seconds by which the model's tokens come after their words begin, `lead`; and, in milliseconds,
    `word_start_error_ms`, the mean absolute error of word starts that is left. Nothing where no word times are known.
    """
    lead = model.lead
    differences = start_differences(model, known_records(index)) + lead  # as if there had been none
    if not len(differences):
        return {}
    late = float(np.median(differences))
    return {"lead": round(late, 4), "word_start_error_ms": 1000 * float(np.abs(differences - late).mean())}
