"""Is the model collapsing? Measured after every epoch, in any Keras program that trains a classifier."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np

from keras_stt.diagnosis import Figures, Finding, advice_for, collapse_figures, find_collapse

_FIELDS = tuple(field.name for field in dataclasses.fields(Figures))
_GAPS = ("shuffle_gap", "unigram_gap")
_LOGGED = ("commonest_share", "distinct", "kl", *_GAPS)


class CollapseMonitor(keras.callbacks.Callback):
    """Predicts some samples after each epoch, as they are and with the input shuffled between samples, and warns in
    plain words when the answers do not depend on it. Adds to the logs:

    `collapse/commonest_share`: share of the commonest prediction. `collapse/distinct`: how many different ones there
    are. `collapse/kl`: divergence of the predictions from the unigram distribution of the targets, nats.
    `collapse/shuffle_gap`: what the cross entropy rises by when the input is shuffled, nats. `collapse/unigram_gap`:
    the cross entropy above the entropy of the targets, which is the loss of guessing by frequency alone.

    The cross entropy is that of the predicted distribution, whatever loss the model trains on. Each sample meets the
    input of the one half the set away, since neighbouring samples are often cut from one recording.

    Most models say one thing at the beginning: after the first epoch nothing is reported, until `patience` epochs in
    a row have found the same the line says "so far", and of a model that has begun to listen nothing is said before
    that. `diagnosis` has the thresholds and their reasons.

    Put it before callbacks that read the logs, and after one that swaps in averaged weights.

    Args:
        inputs, targets: samples, `(N, ...)` and class ids `(N,)` or `(N, U)`, as arrays, or dicts or lists of them.
            Or, without `targets`, batches: an object with `len` whose items are `(inputs, targets, ...)`, such as a
            `keras.utils.PyDataset`; what is shorter in some is padded, inputs with zeros, targets with `ignored`.
        output: name or number of the output, and of the target, that is watched; None for the only one.
        ignored: target that asks for nothing; None when there is none.
        from_logits: whether the output holds logits; otherwise probabilities.
        names: the name of each class, for messages. blanks: classes that stand for nothing, such as padding.
        shuffle: names or numbers of the inputs that are shuffled, together; None for all. What they mean together
            (values and their lengths) belongs here together. input_name: what messages call them.
        samples: most samples looked at, evenly from all batches. batch_size: of prediction, for arrays.
        stop: whether to end the training once the model has said one thing, whatever the input, for `patience`
            epochs after the first.
        advice: what to try, instead of `diagnosis.ADVICE`, by kind of finding.
        report: called with each line of warning.

    Attributes:
        figures: of the last epoch. finding: what was found in it, or None.
        stopped_because: the sentence with which training was stopped, or None.

    Raises:
        ValueError: an input or output that is not there, fewer than two samples, or targets that are no class ids.
    """

    def __init__(
        self,
        inputs,
        targets=None,
        *,
        output: str | int | None = None,
        ignored: int | None = -1,
        from_logits: bool = True,
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
            inputs, targets, batch_size = _gather(inputs, samples, -1 if ignored is None else ignored)
        self.batch_size = batch_size
        self.inputs = keras.tree.map_structure(lambda value: np.asarray(value)[:samples], inputs)
        self.targets = np.asarray(_part(targets, output, "target"))[:samples]
        if len(self.targets) < 2:
            raise ValueError(f"CollapseMonitor: {len(self.targets)} sample; give two or more, to be shuffled")
        self._shuffled = _shuffled(self.inputs, shuffle, len(self.targets) // 2)
        self.output, self.ignored, self.from_logits = output, ignored, from_logits
        self.names, self.blanks, self.input_name = names, tuple(blanks), input_name
        self.stop, self.patience, self.advice, self.report = stop, patience, advice, report
        self.figures: Figures | None = None
        self.finding: Finding | None = None
        self.stopped_because: str | None = None
        self._epochs_alike = self._epochs_collapsed = 0

    def on_epoch_end(self, epoch, logs=None):
        log_probabilities, shuffled = self._answers(self.inputs), self._answers(self._shuffled)
        self.figures = collapse_figures(log_probabilities, shuffled, self.targets, self.ignored, self.blanks)
        if logs is not None:
            logs.update({f"collapse/{name}": float(getattr(self.figures, name)) for name in _LOGGED})
        # After the first epoch it may not have learned yet.
        self._count(find_collapse(self.figures, self.names, self.input_name) if epoch else None)
        if self._epochs_alike == self.patience or (self._epochs_alike == 1 and self._is_serious()):
            self._warn(epoch)
        if self.stop and self._epochs_collapsed >= self.patience:
            self.stopped_because = f"{self._epochs_collapsed} epochs of collapse: {self.finding.sentence}"
            self.model.stop_training = True
            self.report(f"stopped after {self.stopped_because}")

    def _count(self, finding: Finding | None) -> None:
        """For how many epochs the same was found, and for how many the model has been collapsed."""
        alike = (
            finding
            and self.finding
            and (finding.kind, finding.collapsed) == (self.finding.kind, self.finding.collapsed)
        )
        self._epochs_alike = self._epochs_alike + 1 if alike else int(finding is not None)
        self._epochs_collapsed = self._epochs_collapsed + 1 if finding and finding.collapsed else 0
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

    def _warn(self, epoch: int) -> None:
        for_long = self._epochs_alike >= self.patience
        since = f"for {self._epochs_alike} epochs" if for_long else f"so far, after epoch {epoch + 1}"
        self.report(f"collapse monitor, {since}: {self.finding.sentence}")
        if for_long:
            self.report(f"  {advice_for(self.finding, self.figures, self.advice)}")

    def _sentence(self) -> str:
        sentence = self.finding.sentence
        return f"{sentence[0].upper()}{sentence[1:]}. {advice_for(self.finding, self.figures, self.advice)}"

    def _answers(self, inputs) -> np.ndarray:
        """Natural logarithms of the predicted distributions, `(N, ..., V)`."""
        pieces = []
        for first in range(0, len(self.targets), self.batch_size):
            rows = slice(first, first + self.batch_size)
            batch = keras.tree.map_structure(lambda value, rows=rows: value[rows], inputs)
            answer = _part(self.model.predict_on_batch(batch), self.output, "output")
            # Under a distribution strategy every replica answers the whole batch, one after the other.
            pieces.append(np.asarray(answer, np.float32)[: len(self.targets[rows])])
        scores = np.concatenate(pieces)
        if self.from_logits:
            scores = scores - scores.max(axis=-1, keepdims=True)
            return scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
        return np.log(np.maximum(scores, np.finfo(np.float32).tiny))


def _gather(batches, samples: int, ignored: int):
    """About `samples` samples from batches spread evenly over the set, as `(inputs, targets, batch size)`."""
    size = len(keras.tree.flatten(batches[0][0])[0])
    count = min(len(batches), -(-samples // size))
    steps = np.unique(np.linspace(0, len(batches) - 1, count).astype(int)) if count > 1 else [0]
    found = [batches[int(step)][:2] for step in steps]
    inputs, targets = (
        keras.tree.map_structure(lambda *arrays, fill=fill: _joined(arrays, fill), *parts)
        for parts, fill in zip(zip(*found, strict=True), (0, ignored), strict=True)
    )
    return inputs, targets, size


def _joined(arrays, fill: int) -> np.ndarray:
    """Along the first axis; what is shorter along the others is filled up."""
    arrays = [np.asarray(array) for array in arrays]
    longest = np.max([array.shape[1:] for array in arrays], axis=0)
    padded = []
    for array in arrays:
        after = [(0, int(most - own)) for most, own in zip(longest, array.shape[1:], strict=True)]
        padded.append(np.pad(array, [(0, 0), *after], constant_values=fill))
    return np.concatenate(padded)


def _shuffled(inputs, names: Sequence[str | int] | None, distance: int):
    """The inputs in which those of these names are of the sample that is `distance` away."""
    if not isinstance(inputs, (Mapping, list, tuple)):
        return np.roll(inputs, -distance, axis=0)
    parts = dict(inputs) if isinstance(inputs, Mapping) else dict(enumerate(inputs))
    unknown = set(names or ()) - set(parts)
    if unknown:
        raise ValueError(f"CollapseMonitor: shuffle={sorted(unknown)}, but the inputs are {list(parts)}")
    moved = {
        name: np.roll(value, -distance, axis=0) if names is None or name in names else value
        for name, value in parts.items()
    }
    return moved if isinstance(inputs, Mapping) else list(moved.values())


def _part(values, name: str | int | None, what: str):
    """The output or target of this name, or the only one."""
    if not isinstance(values, (Mapping, list, tuple)):
        return values
    parts = dict(values) if isinstance(values, Mapping) else dict(enumerate(values))
    if name is None and len(parts) == 1:
        return next(iter(parts.values()))
    if name not in parts:
        raise ValueError(f"CollapseMonitor: output={name!r}, but the {what}s are {list(parts)}; name one of them")
    return parts[name]
