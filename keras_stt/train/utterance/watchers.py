"""What watches a run on utterances after every epoch."""

import dataclasses
import time
from collections import Counter
from collections.abc import Callable

import keras
import numpy as np

from keras_stt.decoding.ctc import greedy
from keras_stt.diagnosis import entropy
from keras_stt.train.callbacks.gradients import GradientNorms
from keras_stt.train.utterance.setup import Setup
from keras_stt.wer import EditCounts, edit_counts

GRADIENT_ROWS = 2  # of the first batch: the gradient is taken without a compiled graph
BLANKS_ONLY = 0.05  # words said for a word spoken; below, a model has not begun to speak
PATIENCE = 3  # epochs of that until it is reported


class UtteranceErrors(keras.callbacks.Callback):
    """Drafts the utterances of dev, greedily, and adds to the logs:

    `dev_wer` and `dev_cer` of the refiner where there is one, else of the draft; `dev_wer_draft`; `dev_words`, words
    said for a word spoken, which is near 0 while a model says blanks alone; `dev_wer_seconds`; and of the words said
    the share of the commonest, how many there are and their entropy in nats: `collapse/commonest_share`,
    `collapse/distinct`, `collapse/entropy`.
    """

    def __init__(self, batches, tokens, report: Callable[[str], None] = print):
        super().__init__()
        self.batches, self.tokens, self.report = batches, tokens, report
        self.silent_epochs = 0

    def state(self) -> dict:
        """Plain values, from which others go on."""
        return {"silent_epochs": self.silent_epochs}

    def restore(self, state: dict) -> None:
        """Goes on from what `state` gave."""
        self.silent_epochs = state.get("silent_epochs", 0)

    def on_epoch_end(self, epoch, logs=None):
        started = time.perf_counter()
        found = self.measure()
        found["dev_wer_seconds"] = time.perf_counter() - started
        self.silent_epochs = self.silent_epochs + 1 if found["dev_words"] < BLANKS_ONLY else 0
        if self.silent_epochs == PATIENCE:
            self.report(
                f"the model has said next to nothing for {PATIENCE} epochs: it is on CTC's plateau of blanks; train "
                "longer, begin with short utterances (--short_first_epochs) or phone times (--phone_weight)"
            )
        if logs is not None:
            logs.update(found)

    def measure(self) -> dict:
        heads = ("draft", "refined") if self.model.refiner is not None else ("draft",)
        words = {head: EditCounts(0, 0, 0, 0) for head in heads}
        letters = EditCounts(0, 0, 0, 0)
        said = Counter()
        for step in range(len(self.batches)):
            inputs, _ = self.batches[step]
            rows = len(self.batches.plan.rows(step))
            outputs = self.model.decoder(len(heads) - 1).predict_on_batch(inputs)
            steps = -(-inputs["feature_lengths"][:rows] // self.model.frames_per_step)
            # The transcripts themselves: token ids lack letters for which there is no token.
            spoken = [self.batches.index[int(row)].text for row in self.batches.plan.rows(step)]
            for head in heads:
                logits = keras.ops.convert_to_numpy(outputs[head])[:rows]
                heard = [self.tokens.decode(draft.token_ids) for draft in greedy(logits, steps)]
                for reference, hypothesis in zip(spoken, heard, strict=True):
                    words[head] = words[head] + edit_counts(reference.split(), hypothesis.split())
            letters = sum((edit_counts(list(s), list(h)) for s, h in zip(spoken, heard, strict=True)), letters)
            said.update(word for hypothesis in heard for word in hypothesis.split())
        found = {"dev_wer": words[heads[-1]].rate, "dev_cer": letters.rate, "dev_wer_draft": words["draft"].rate}
        found["dev_words"] = said.total() / max(words["draft"].reference_words, 1)
        return found | {f"collapse/{name}": value for name, value in _variety(said).items()}


def _variety(said: Counter) -> dict[str, float]:
    """What a model that always says the same is known by; without a word, no word is the commonest."""
    share = said.most_common(1)[0][1] / said.total() if said else 0.0
    return {
        "commonest_share": share,
        "distinct": float(len(said)),
        "entropy": entropy(np.array([*said.values()], np.float64)),
    }


@dataclasses.dataclass(frozen=True)
class Watchers:
    """Callbacks that add to the logs, in the order in which they must come."""

    errors: UtteranceErrors
    gradients: GradientNorms | None

    @property
    def all(self) -> list[keras.callbacks.Callback]:
        return [watcher for watcher in (self.errors, self.gradients) if watcher is not None]

    def summary(self) -> dict:
        return {}


def watchers(setup: Setup, report: Callable[[str], None] = print) -> Watchers:
    """Word errors and, unless the flags say no, gradients."""
    inputs, targets = setup.batches[0]
    few = [{name: np.asarray(value[:GRADIENT_ROWS]) for name, value in part.items()} for part in (inputs, targets)]
    return Watchers(
        UtteranceErrors(setup.dev_batches, setup.tokens, report),
        GradientNorms(*few, report=report) if setup.options.gradient_norms else None,
    )


def epoch_line(setup: Setup) -> Callable[[dict], str]:
    """The draft's loss, and WER on dev."""

    def describe(logs: dict) -> str:
        loss = logs.get("draft_loss", logs["loss"])
        refined = f" (draft {logs['dev_wer_draft']:.1%})" if setup.options.refiner_blocks else ""
        return f"draft loss {loss:.3f}  dev WER {logs['dev_wer']:.1%}{refined}  CER {logs['dev_cer']:.1%}"

    return describe
