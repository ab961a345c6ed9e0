"""What a run on utterances says of itself in `summary.json`: its corpus, and the model's error rates at the end."""

import dataclasses

import numpy as np

from keras_stt.evaluation import evaluate_utterances, summarize
from keras_stt.train.utterance.setup import Setup
from keras_stt.train.utterance.word_times import measured_lead


def figures(setup: Setup, history: list[dict]) -> dict:
    """The tokens, what was left out, and the last epoch's losses."""
    losses = {name: value for name, value in history[-1].items() if name.endswith("_loss")}
    return {
        "tokens": setup.tokens.kind,
        "token_count": setup.tokens.size,
        "loss": history[-1].get("draft_loss", history[-1]["loss"]),
        **losses,
        "left_out": setup.left_out,
    }


def evaluate(model, setup: Setup) -> tuple[dict, list]:
    """Error rates on test utterances, drafted and refined, word times on train, and the results of the refined."""
    options = setup.options
    test_split = setup.splits["test"]
    rows = test_split.test_rows(options.test_utterances)
    records = [test_split.index[row] for row in rows]
    results = evaluate_utterances(model, records, "test utterances", passes=options.passes)
    found = {f"test_{name}": value for name, value in summarize(results).items()}
    if options.passes and model.refiner is not None:
        drafts = evaluate_utterances(model, records, "test drafts", passes=0)
        found["test_wer_draft"] = summarize(drafts)["wer"]
        results = [
            dataclasses.replace(result, draft=draft.hypothesis) for result, draft in zip(results, drafts, strict=True)
        ]
    found |= measured_lead(model, setup.splits["train"].index)
    unreadable = int(np.sum(~test_split.features.usable)) + len(rows) - len(results)
    return found | {"test_wer_of": "whole utterances", "test_unreadable": unreadable}, results
