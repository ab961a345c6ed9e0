"""The utterances that a run on windows shows in its report."""

import numpy as np

from keras_stt.data.windows import cut_window
from keras_stt.evidence.example import Example
from keras_stt.evidence.reference import known_times
from keras_stt.evidence.window import NOTE, HeardWindow, hear_windows
from keras_stt.train.corpus import with_records
from keras_stt.train.window.batching import evaluation_batches
from keras_stt.train.window.setup import Setup


def examples(model, setup: Setup, results: list, found: dict) -> list[tuple[Example, np.ndarray]]:
    """Each with its samples, 16 kHz; `found` are the figures of the evaluation."""
    test = setup.splits["test"]
    chosen = with_records(test, results, setup.options.test_utterances)
    windows = windows_of(setup, {record.id for _, _, record in chosen})
    made = iter(
        hear_windows(model, [each for *_, record in chosen for each in windows[record.id]], setup.options.passes)
    )
    return [
        (_example(group, result, record, [next(made) for _ in windows[record.id]], setup.options.passes), record.read())
        for group, result, record in chosen
    ]


def windows_of(setup: Setup, ids: set[str]) -> dict[str, list[HeardWindow]]:
    """The windows, side by side, of test utterances, masked as in every evaluation of the run."""
    split = setup.splits["test"]
    rows = [row for row in range(len(split.index)) if split.index[row].id in ids]
    windows: dict[str, list[HeardWindow]] = {split.index[row].id: [] for row in rows}
    if not rows:
        return windows
    batches = evaluation_batches(setup.options, split, setup.vocabulary, rows=rows)
    for step in range(len(batches)):
        inputs, _ = batches[step]
        for i, (row, number) in enumerate(zip(*batches.plan.rows(step), strict=True)):
            record = split.index[int(row)]
            mine = {name: value[i : i + 1] for name, value in inputs.items()}
            title = f"Window {len(windows[record.id]) + 1}"
            windows[record.id].append(_window(title, record, int(number), mine, batches.shape, setup.vocabulary))
    return windows


def _window(title: str, record, number: int, inputs: dict, shape, vocabulary) -> HeardWindow:
    """The window that is the given number of an utterance's."""
    first = number * shape.text_stride
    cut = cut_window(record, first, shape, vocabulary)
    truth, spans = vocabulary.decode(cut.token_ids), [None] * shape.text_context
    slots = np.flatnonzero(~np.isin(cut.token_ids, vocabulary.fill_ids))
    for slot, word, span in zip(slots, record.text.split()[first:], record.word_times[first:], strict=False):
        truth[slot] = word  # in full where the vocabulary does not have it
        spans[slot] = None if record.times_guessed else (float(span[0]), float(span[1]))
    return HeardWindow(title, inputs, tuple(truth), cut.start, tuple(spans))


def _example(group: str, result, record, made: list, passes: int) -> Example:
    times, known_from = known_times(record, result.reference)
    return Example(
        group,
        result.id,
        result.speaker,
        result.duration,
        result.reference,
        result.hypothesis,
        times,
        known_from,
        tuple(result.words),
        tuple(masked for masked, _ in made),
        f"{NOTE} Whole utterances are transcribed in windows that overlap, passes in each: {passes}.",
        tuple(picture for _, picture in made),
    )
