"""Whether a classifier has collapsed, from what it says and from what it says to the wrong input."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

# How much of what is not the commonest token's must have gone to it: at a half, the model answers more often with
# its favourite than with an answer. Where 70 % of the targets are one token, 70 % of it is no collapse, 85 % is.
DOMINATED = 0.5
# Share of neighbouring places with one token twice, above that of the targets. Guesses over a balanced vocabulary
# hardly ever double, and one word put in every second place of a window is at a half.
REPEATED = 0.3
# A loss that rises by less than this share of itself when the input is another's does not depend on it. A model that
# makes no use of its input stays at zero but for chance; this is a tenth of a nat where a guess costs five.
UNMOVED = 0.02
# With less than this share of the loss of the unigram guess, the answer is known from elsewhere (a text that is in
# plain sight), and not listening is no fault.
UNSOLVED = 0.5
# Within this share of the loss of the unigram guess, a loss is taken for it.
AT_THE_GUESS = 0.1
# The sum of a softmax in half precision is that far from one, and no farther.
ROUNDING = 0.01

ADVICE = {
    "one_token": (
        "Usual causes: a loss whose best constant answer is the commonest one (mean squared or binary cross entropy "
        "over many classes: take cross entropy), a learning rate that is too high, inputs that do not belong to "
        "their targets; a sound set-up fits one batch to a loss near zero."
    ),
    "blanks": (
        "Most targets may be padding: give padding less weight in the loss, or take shorter strides and windows."
    ),
    "deaf": (
        "Check that inputs belong to their targets and that a gradient reaches the layers that read them; some "
        "models leave this plateau only after long training."
    ),
    "not_finite": "Lower the learning rate, clip gradients, and look for a division by zero or a logarithm of zero.",
    "repeats": (
        "It does not know yet which part of the input belongs to which place: check positions and the times of the "
        "targets, and train longer."
    ),
}


@dataclasses.dataclass(frozen=True)
class Figures:
    """What a set of answers looks like; losses in nats for each token asked.

    Attributes:
        asked: how many targets were counted.
        commonest: the token said most often.
        commonest_share: its share of what is said; `commonest_asked` its share of the targets.
        distinct, distinct_asked: how many tokens are said, and asked.
        kl: Kullback-Leibler divergence of what is said from what is asked, as frequencies of tokens; every token that
            occurs in either counts once more.
        loss, shuffled_loss: cross entropy as it is, and with the inputs of other samples.
        unigram_loss: entropy of the targets, which is the loss of the best answer without looking.
        repeated: share of neighbouring places that say one token twice; `repeated_asked` of the targets.
        blank_share, blank_asked: share of the tokens that stand for nothing, in what is said and in the targets.
        entropy: of what is said; where every answer is the same it is zero, and where all is right `unigram_loss`.
    """

    asked: int
    commonest: int
    commonest_share: float
    commonest_asked: float
    distinct: int
    distinct_asked: int
    kl: float
    loss: float
    shuffled_loss: float
    unigram_loss: float
    repeated: float
    repeated_asked: float
    blank_share: float
    blank_asked: float
    entropy: float = math.nan  # not in the checkpoints of earlier versions

    @property
    def shuffle_gap(self) -> float:
        """What the loss rises by when the input is another's: what the model takes from it."""
        return self.shuffled_loss - self.loss

    @property
    def unigram_gap(self) -> float:
        """The loss above (or, negative, below) the unigram guess."""
        return self.loss - self.unigram_loss

    @property
    def deaf(self) -> bool:
        return self.shuffle_gap < UNMOVED * self.loss and self.loss > UNSOLVED * self.unigram_loss


@dataclasses.dataclass(frozen=True)
class Finding:
    """What is wrong: its `kind` (a key of `ADVICE`), a sentence, and whether the model has collapsed: it says one
    thing whatever it is shown."""

    kind: str
    sentence: str
    collapsed: bool


def are_logits(scores: np.ndarray, loss_takes_logits: bool | None = None) -> bool:
    """Whether the outputs of a classifier, `(N, ..., V)`, are logits; otherwise they are probabilities.

    Beyond 0 to 1 they are logits; rows that sum to one are probabilities. Between them (sigmoids, or a single small
    score for two classes) the loss decides, and where that is unknown a single score is a probability.
    """
    if not np.all((scores >= -ROUNDING) & (scores <= 1 + ROUNDING)):
        return True
    if scores.shape[-1] > 1 and np.all(np.abs(scores.sum(axis=-1, dtype=np.float64) - 1) <= ROUNDING):
        return False
    return scores.shape[-1] > 1 if loss_takes_logits is None else loss_takes_logits


def log_distributions(scores: np.ndarray, from_logits: bool) -> np.ndarray:
    """Natural logarithms of the distributions that scores `(N, ..., V)` stand for.

    A single score, `(N, ..., 1)`, is that of the second of two classes: the result is `(N, ..., 2)`.
    """
    if scores.shape[-1] == 1:
        scores = np.concatenate([np.zeros_like(scores) if from_logits else 1 - scores, scores], axis=-1)
    if not from_logits:
        scores = np.log(np.maximum(scores, np.finfo(np.float32).tiny))
    with np.errstate(invalid="ignore"):  # infinite scores give what is no number, which is a finding of its own
        scores = scores - scores.max(axis=-1, keepdims=True)
        return scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))


def collapse_figures(
    log_probabilities: np.ndarray,
    shuffled: np.ndarray,
    targets: np.ndarray,
    ignored: int | None = -1,
    blanks: Sequence[int] = (),
) -> Figures:
    """The figures of answers to some samples.

    Args:
        log_probabilities: `(N, V)` or `(N, U, V)`, natural logarithms; `shuffled` the same with other inputs.
        targets: ids, `(N,)` or `(N, U)`, also with a last axis of one; or distributions (one-hot, or smoothed), as
            `log_probabilities`, of which the likeliest class counts and a row without any asks for nothing.
        ignored: the target that asks for nothing; None when there is none.
        blanks: the tokens that stand for nothing, such as padding and silence.

    Raises:
        ValueError: targets or blanks do not fit the outputs, or nothing is asked.
    """
    targets = _class_ids(targets, log_probabilities.shape, ignored)
    asked = np.ones(targets.shape, bool) if ignored is None else targets != ignored
    if not asked.any():
        raise ValueError("collapse: the samples ask for nothing, all their targets are ignored; give others")
    said, size = log_probabilities.argmax(axis=-1), log_probabilities.shape[-1]
    if not all(0 <= blank < size for blank in blanks):
        raise ValueError(f"collapse: blanks={list(blanks)}, but the output has {size} classes; give ids below that")
    counts = [np.bincount(ids[asked], minlength=size) for ids in (said, targets)]
    shares = [count / count.sum() for count in counts]
    commonest = int(counts[0].argmax())
    return Figures(
        int(asked.sum()),
        commonest,
        float(shares[0][commonest]),
        float(shares[1][commonest]),
        int(np.count_nonzero(counts[0])),
        int(np.count_nonzero(counts[1])),
        _divergence(*counts),
        _cross_entropy(log_probabilities, targets, asked),
        _cross_entropy(shuffled, targets, asked),
        entropy(counts[1]),
        _repeated(said, asked, blanks),
        _repeated(targets, asked, blanks),
        float(shares[0][list(blanks)].sum()),
        float(shares[1][list(blanks)].sum()),
        entropy(counts[0]),
    )


def entropy(counts: np.ndarray) -> float:
    """Nats of the distribution that counts are of; 0 where nothing was counted."""
    present = counts[counts > 0]
    shares = present / present.sum()
    return float(-np.sum(shares * np.log(shares))) + 0.0


def find_collapse(
    figures: Figures, names: Sequence[str] | None = None, input_name: str = "the input"
) -> Finding | None:
    """What is wrong with the model, as a `Finding`; None when nothing is.

    Args:
        names: the name of each token, for the sentence.
        input_name: what was shuffled.
    """
    if not np.isfinite(figures.loss):
        return Finding("not_finite", "the answers of the model are not finite numbers", True)
    if figures.distinct_asked < 2:
        return None  # one answer is right, whatever the input
    token = names[figures.commonest] if names else f"class {figures.commonest}"
    listening = _listening(figures, input_name)
    if _excess(figures.blank_share, figures.blank_asked) > DOMINATED:
        all_of_them = "all" if figures.blank_share == 1 else f"{_percent(figures.blank_share)} of"
        said = f"{all_of_them} predictions are blanks ({token})"
        return Finding("blanks", f"{said}; {listening}", figures.deaf)
    if _excess(figures.commonest_share, figures.commonest_asked) > DOMINATED:
        share, asked = _percent(figures.commonest_share), _percent(figures.commonest_asked)
        said = f"{share} of predictions are {token} ({asked} are asked)"
        return Finding("one_token", f"{said}; {listening}", figures.deaf)
    if _excess(figures.repeated, figures.repeated_asked) > REPEATED:
        said = f"the same word is said again in the next place {_percent(figures.repeated)} of the time"
        asked = f"where {_percent(figures.repeated_asked)} is asked"
        return Finding("repeats", f"{said}, {asked}; {listening}", False)
    if figures.deaf:
        return Finding("deaf", listening, False)
    return None


def _listening(figures: Figures, input_name: str) -> str:
    shuffled = f"when {input_name} is shuffled between samples"
    if not figures.deaf:
        return f"but the loss rises by {figures.shuffle_gap:.2f} nats {shuffled}: the model has begun to listen"
    change = "even falls" if figures.shuffle_gap < -UNMOVED * figures.loss else "does not change"
    return f"the loss {change} {shuffled}: the model does not listen"


def advice_for(finding: Finding, figures: Figures, advice: Mapping[str, str] | None = None) -> str:
    """How far the model is from guessing by frequency, and what to try; `advice` overrides `ADVICE` by kind."""
    kinds = {**ADVICE, **(advice or {})}
    return _beside_the_guess(figures) + kinds[finding.kind]


def _beside_the_guess(figures: Figures) -> str:
    gap = figures.unigram_gap
    # The entropy of a sample is lower than a guess from elsewhere can be, by about this (Miller and Madow, 1955).
    chance = (figures.distinct_asked - 1) / (2 * figures.asked)
    if not gap > -AT_THE_GUESS * figures.unigram_loss:
        return ""
    if gap < AT_THE_GUESS * figures.unigram_loss + chance:
        return f"Its cross entropy, {figures.loss:.2f} nats, is that of guessing by frequency. "
    return (
        f"Its cross entropy, {figures.loss:.2f} nats, is {gap:.2f} above that of guessing by frequency: it has learned "
        "little yet, or its loss asks for something else. "
    )


def _class_ids(targets: np.ndarray, shape: tuple[int, ...], ignored: int | None) -> np.ndarray:
    if targets.shape == shape:
        sums = targets.sum(axis=-1)
        asks = (targets >= 0).all(axis=-1) & (sums > 0)
        if np.any(np.abs(sums[asks] - 1) > ROUNDING) or (ignored is None and not asks.all()):
            raise _no_class_ids(targets, shape)
        return np.where(asks, targets.argmax(axis=-1), -1 if ignored is None else ignored)
    ids = targets[..., 0] if targets.shape == (*shape[:-1], 1) else targets
    if ids.shape != shape[:-1] or not np.all((ids == ignored) | ((ids >= 0) & (ids < shape[-1]) & (ids % 1 == 0))):
        raise _no_class_ids(targets, shape)
    return ids.astype(np.int64)


def _no_class_ids(targets: np.ndarray, shape: tuple[int, ...]) -> ValueError:
    return ValueError(
        f"collapse: targets of shape {targets.shape}, {targets.min()} to {targets.max()}, are no class ids for outputs "
        f"of shape {shape}; give one id from 0 to {shape[-1] - 1} for each row of scores (or one-hot rows), and name "
        "the output that holds them"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _excess(share: float, expected: float) -> float:
    """How much of the room above what is expected is taken, 0 to 1."""
    return max(0.0, share - expected) / max(1 - expected, 1e-9)


def _divergence(said: np.ndarray, asked: np.ndarray) -> float:
    either = (said + asked) > 0
    p, q = ((counts[either] + 1) / np.sum(counts[either] + 1) for counts in (said, asked))
    return float(np.sum(p * np.log(p / q)))


def _cross_entropy(log_probabilities: np.ndarray, targets: np.ndarray, asked: np.ndarray) -> float:
    chosen = np.take_along_axis(log_probabilities, np.where(asked, targets, 0)[..., None], axis=-1)[..., 0]
    return float(-np.mean(chosen[asked], dtype=np.float64))


def _repeated(ids: np.ndarray, asked: np.ndarray, blanks: Sequence[int]) -> float:
    """Share of neighbouring places, both asked, that hold one token other than a blank; 0 without any."""
    if ids.ndim < 2:
        return 0.0
    pairs = asked[..., 1:] & asked[..., :-1]
    twice = (ids[..., 1:] == ids[..., :-1]) & ~np.isin(ids[..., 1:], list(blanks))
    return float(np.mean(twice[pairs])) if pairs.any() else 0.0
