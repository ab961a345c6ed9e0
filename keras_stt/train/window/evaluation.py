"""What a run on windows says of itself in `summary.json`: its corpus, and the model's error rates at the end."""

import numpy as np

from keras_stt.evaluation import evaluate_utterances, masked_word_report, summarize, window_errors
from keras_stt.train.window.batching import evaluation_batches
from keras_stt.train.window.setup import Setup, unknown_words

TRAIN_WINDOWS = 256  # of train on which the model is evaluated: enough to tell 20 % from 25 % WER
UTTERANCE_TASKS = ("transcribe", "infill")  # the others are given the text, or most of it


def figures(setup: Setup, history: list[dict]) -> dict:
    """The vocabulary, what of the corpus it or a window misses, and the last epoch's loss on tokens."""
    splits = setup.splits
    return {
        "vocabulary": len(setup.vocabulary),
        "loss": history[-1]["tokens_loss"],
        "unigram_loss": setup.unigram_loss,
        "unknown_words": {name: unknown_words(split.index, setup.vocabulary) for name, split in splits.items()},
        "utterances_shorter_than_a_window": {
            name: int((split.index.word_counts < setup.options.text_context).sum()) for name, split in splits.items()
        },
    }


def evaluate(model, setup: Setup) -> tuple[dict, list]:
    """Error rates on windows of train and test and on whole test utterances, and these utterances' results.

    Tasks that are given text have no whole utterances to transcribe: there `test_wer` is of the words asked for in
    windows, and `test_wer_of` says so.
    """
    options, vocabulary = setup.options, setup.vocabulary

    def errors(split: str, windows: int | None = None) -> dict:
        batches = evaluation_batches(options, setup.splits[split], vocabulary, windows)
        return window_errors(model.predict_on_batch, batches, vocabulary, options.passes)

    train, test = errors("train", TRAIN_WINDOWS), errors("test")
    found = {f"train_{name}": value for name, value in train.items()}
    found |= {f"test_window_{name}": value for name, value in test.items()}
    if options.task != "transcribe":
        found["dev_masked_words"] = masked_word_report(
            model.predict_on_batch, setup.dev_batches, vocabulary, setup.unigram, options.passes
        )
    if options.task not in UTTERANCE_TASKS:
        return found | {"test_wer": test["masked_error"], "test_wer_of": "words asked for in windows"}, []
    test_split = setup.splits["test"]
    rows = test_split.test_rows(options.test_utterances)
    decoding = {"passes": options.passes, "hop_seconds": options.hop_ms / 1000}
    results = evaluate_utterances(model, [test_split.index[row] for row in rows], "test utterances", **decoding)
    found |= {f"test_{name}": value for name, value in summarize(results).items()}
    unreadable = int(np.sum(~test_split.features.usable)) + len(rows) - len(results)
    return found | {"test_wer_of": "whole utterances", "test_unreadable": unreadable}, results
