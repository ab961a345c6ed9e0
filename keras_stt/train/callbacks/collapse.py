"""Is the model collapsing? Measured after every epoch, in any Keras program that trains a classifier."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np

from keras_stt.diagnosis import (
    ROUNDING,
    Figures,
    Finding,
    advice_for,
    are_logits,
    collapse_figures,
    find_collapse,
    log_distributions,
)
from keras_stt.train.callbacks.samples import gather, part, require_arrays, shuffled, spread

_FIELDS = tuple(field.name for field in dataclasses.fields(Figures))
_GAPS = ("shuffle_gap", "unigram_gap")
_LOGGED = ("commonest_share", "distinct", "entropy", "kl", *_GAPS)
_WHO = "CollapseMonitor"


class CollapseMonitor(keras.callbacks.Callback):
    """Predicts some samples after each epoch, as they are and with the input shuffled between samples, and warns in
    plain words when the answers do not depend on it. Adds to the logs:

    `collapse/commonest_share`: share of the commonest prediction. `collapse/distinct`: how many different ones there
    are. `collapse/entropy`: of the predictions, nats. `collapse/kl`: divergence of the predictions from the unigram
    distribution of the targets, nats. `collapse/shuffle_gap`: what the cross entropy rises by when the input is
    shuffled, nats. `collapse/unigram_gap`: the cross entropy above the entropy of the targets, which is the loss of
    guessing by frequency alone.

    The cross entropy is that of the predicted distribution, whatever loss the model trains on. A model with one
    output for each sample (`Dense(1)`, a sigmoid or its logit) is one of two classes.

    Most models say one thing at the beginning: nothing is printed before the second epoch, unless it was the only
    one. A line "so far" says that the model has begun to say one thing, a second one with advice that it did so for
    `patience` epochs in a row; of a model that has begun to listen nothing is said before that. `summary` judges the
    last epoch, whatever its number. `diagnosis` has the thresholds and their reasons.

    Put it before callbacks that read the logs, and after one that swaps in averaged weights.

    Args:
        inputs, targets: samples, `(N, ...)` and class ids `(N,)` or `(N, U)` (or one-hot), as arrays, or dicts or
            lists of them. Or, without `targets`, batches `(inputs, targets, ...)`: an object with `len` and items,
            such as a `keras.utils.PyDataset`, or a finite iterable, such as a `tf.data.Dataset`, which is read once;
            what is shorter in some is padded, inputs with zeros, targets with `ignored`.
        output: name or number of the output, and of the target, that is watched; None for the only one.
        ignored: target that asks for nothing; None when there is none.
        from_logits: whether the output holds logits, or else probabilities. None finds out from what is predicted:
            rows from 0 to 1 that sum to one are probabilities, anything outside 0 to 1 is a logit; what that leaves
            open, such as one output of 0.3, is what the compiled loss takes.
        names: the name of each class, for messages. blanks: classes that stand for nothing, such as padding.
        shuffle: names or numbers of the inputs that are shuffled, together; None for all. What they mean together
            (values and their lengths) belongs here together. input_name: what messages call them.
        samples: most samples looked at, evenly from all. batch_size: of prediction, for arrays.
        stop: whether to end the training once the model has said one thing, whatever the input, for `patience`
            epochs after the first.
        advice: what to try, instead of `diagnosis.ADVICE`, by kind of finding.
        report: called with each line of warning; `lambda line: None` for silence.

    Attributes:
        figures: of the last epoch. finding: what was found in it, or None.
        stopped_because: the sentence with which training was stopped, or None.

    Raises:
        ValueError: lists of numbers instead of arrays, inputs and targets of different length, an input or output that
            is not there, fewer than two samples, targets that are no class ids; at the end of the first epoch, where
            they do not fit the output: targets, `names` or `blanks`.
    """

    def __init__(
        self,
        inputs,
        targets=None,
        *,
        output: str | int | None = None,
        ignored: int | None = -1,
        from_logits: bool | None = None,
        names: Sequence[str] | None = None,
        blanks: Sequence[int] = (),
        shuffle: Sequence[str | int] | None = None,
        input_name: str = "the input",
        samples: int = 128,
        batch_size: int = 32,
        stop: bool = False,
        patience: int = 3,
        advice: Mapping[str, str] | None = None,
        report: Callable[[str], None] = print,
    ):
        super().__init__()
        if targets is None:
            inputs, targets, batch_size = gather(_WHO, inputs, samples, -1 if ignored is None else ignored)
        require_arrays(_WHO, inputs=inputs, targets=targets)
        self.batch_size = batch_size
        self.inputs, self.targets = spread((inputs, part(_WHO, targets, output, "target")), samples)
        _require_classes(self.targets)
        if len(self.targets) < 2:
            raise ValueError(f"{_WHO}: {len(self.targets)} sample; give two or more, to be shuffled")
        self._shuffled = shuffled(_WHO, self.inputs, shuffle)
        self.output, self.ignored, self.from_logits = output, ignored, from_logits
        self.names, self.blanks, self.input_name = names, tuple(blanks), input_name
        self.stop, self.patience, self.advice, self.report = stop, patience, advice, report
        self.figures: Figures | None = None
        self.finding: Finding | None = None
        self.stopped_because: str | None = None
        self._epochs_alike = self._epochs_collapsed = 0

        self._goes_on = False

    def state(self) -> dict:
        """Plain values, from which another monitor goes on: of the last epoch, and for how long it was so."""
        return {
            "figures": dataclasses.asdict(self.figures) if self.figures else None,
            "finding": dataclasses.asdict(self.finding) if self.finding else None,
            "stopped_because": self.stopped_because,
            "epochs_alike": self._epochs_alike,
            "epochs_collapsed": self._epochs_collapsed,
        }

    def restore(self, state: dict) -> None:
        """Goes on from what `state` gave, in the next training; an empty one is that of the beginning."""
        self.figures = Figures(**state["figures"]) if state.get("figures") else None
        self.finding = Finding(**state["finding"]) if state.get("finding") else None
        self.stopped_because = state.get("stopped_because")
        self._epochs_alike = state.get("epochs_alike", 0)
        self._epochs_collapsed = state.get("epochs_collapsed", 0)
        self._goes_on = bool(state)

    def on_train_begin(self, logs=None):
        if not self._goes_on:
            self.restore({})
        self._goes_on = False

    def on_epoch_end(self, epoch, logs=None):
        answers = self._log_probabilities(self._scores(self.inputs), self._scores(self._shuffled))
        classes = answers[0].shape[-1]
        if self.names is not None and len(self.names) < classes:
            raise ValueError(f"{_WHO}: {len(self.names)} names for {classes} classes; give every class one")
        self.figures = collapse_figures(*answers, self.targets, self.ignored, self.blanks)
        if logs is not None:
            logs.update({f"collapse/{name}": float(getattr(self.figures, name)) for name in _LOGGED})
        self._count(find_collapse(self.figures, self.names, self.input_name), first=epoch == 0)
        if self._epochs_alike == self.patience or (self._epochs_alike == 1 and self._is_serious()):
            self._warn(f"so far, after epoch {epoch + 1}")
        if self.stop and self._epochs_collapsed >= self.patience:
            self.stopped_because = f"{self._epochs_collapsed} epochs of collapse: {self.finding.sentence}"
            self.model.stop_training = True
            self.report(f"stopped after {self.stopped_because}")

    def on_train_end(self, logs=None):
        # Not counted yet: the only epoch was the first.
        if self.finding is not None and self.finding.collapsed and self._epochs_alike == 0:
            self._warn("after one epoch")

    def _count(self, finding: Finding | None, first: bool) -> None:
        """For how many epochs the same was found, and for how many the model has been collapsed.

        The first does not count: the model may not have learned yet.
        """
        alike = (
            finding
            and self.finding
            and (finding.kind, finding.collapsed) == (self.finding.kind, self.finding.collapsed)
        )
        self._epochs_alike = 0 if first else self._epochs_alike + 1 if alike else int(finding is not None)
        self._epochs_collapsed = self._epochs_collapsed + 1 if finding and finding.collapsed and not first else 0
        self.finding = finding

    def _is_serious(self) -> bool:
        """Whether it is said at once. A model that listens often mends the rest by itself: that has to last."""
        return self.finding.collapsed or self.figures.deaf or self._epochs_alike >= self.patience

    def summary(self) -> dict:
        """Plain values for JSON: the figures of the last epoch, the `warning` or None, and why it was stopped."""
        if self.figures is None:
            return {}
        figures = {name: getattr(self.figures, name) for name in (*_FIELDS, *_GAPS)}
        if self.names:
            figures["commonest"] = self.names[self.figures.commonest]
        finding = self.finding
        return {
            **figures,
            "collapsed": finding is not None and finding.collapsed,
            "finding": None if finding is None else finding.kind,
            "warning": self._sentence() if finding is not None and self._is_serious() else None,
            "stopped_because": self.stopped_because,
        }

    def _warn(self, since: str) -> None:
        for_long = self._epochs_alike >= self.patience
        when = f"for {self._epochs_alike} epochs" if for_long else since
        self.report(f"collapse monitor, {when}: {self.finding.sentence}")
        if for_long:
            self.report(f"  {advice_for(self.finding, self.figures, self.advice)}")

    def _sentence(self) -> str:
        sentence = self.finding.sentence
        return f"{sentence[0].upper()}{sentence[1:]}. {advice_for(self.finding, self.figures, self.advice)}"

    def _scores(self, inputs) -> np.ndarray:
        """What the model answers, `(N, ..., V)`."""
        pieces = []
        for first in range(0, len(self.targets), self.batch_size):
            rows = slice(first, first + self.batch_size)
            batch = keras.tree.map_structure(lambda value, rows=rows: value[rows], inputs)
            answer = part(_WHO, self.model.predict_on_batch(batch), self.output, "output")
            # Under a distribution strategy every replica answers the whole batch, one after the other.
            pieces.append(np.asarray(answer, np.float32)[: len(self.targets[rows])])
        scores = np.concatenate(pieces)
        return scores[:, None] if scores.ndim == 1 else scores

    def _log_probabilities(self, *scores: np.ndarray) -> list[np.ndarray]:
        """Natural logarithms of the predicted distributions, of answers as they are and of those to other inputs."""
        from_logits = self.from_logits
        if from_logits is None:
            from_logits = are_logits(np.stack(scores), self._loss_takes_logits())
        return [log_distributions(each, from_logits) for each in scores]

    def _loss_takes_logits(self) -> bool | None:
        """What the loss of the watched output expects; None where it does not say."""
        loss = getattr(self.model, "loss", None)
        if isinstance(loss, (Mapping, list, tuple)):
            losses = dict(loss) if isinstance(loss, Mapping) else dict(enumerate(loss))
            loss = losses.get(self.output) if len(losses) > 1 else next(iter(losses.values()), None)
        if isinstance(loss, str):
            return False if loss.endswith(("crossentropy", "Crossentropy")) else None
        return getattr(loss, "from_logits", None)


def _require_classes(targets: np.ndarray) -> None:
    """Refuses what can be neither class ids nor distributions over classes."""
    numbers = targets.dtype.kind in "biuf"
    if numbers and targets.dtype.kind == "f" and np.any(targets % 1):
        rows = targets.reshape(-1, targets.shape[-1])
        rows = rows[(rows.min(axis=-1) >= 0) & (rows.max(axis=-1) > 0)]
        numbers = targets.ndim > 1 and len(rows) > 0 and np.allclose(rows.sum(axis=-1), 1, atol=ROUNDING)
    if not numbers:
        raise ValueError(
            f"{_WHO}: targets such as {targets.ravel()[:1]} are no class ids; it watches classifiers, no regression"
        )
