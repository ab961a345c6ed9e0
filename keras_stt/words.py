"""How the words of a text are distributed, and what a model that only knows this would reach.

All figures come from counts of words and of pairs of neighbours, so that a corpus is read once and never kept.
Logarithms are natural: cross entropies are nats per word, as the loss of training is.
"""

import dataclasses
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from keras_stt.text import SPECIAL_TOKENS, Vocabulary

START = "<s>"  # before the first word of an utterance; no normalised word has such brackets
VOCABULARY_SIZES = (1000, 5000)
RANKS_PER_DECADE = 20  # of the fits
DEFAULT_DISCOUNT = 0.5  # where a text is too small to estimate it


@dataclasses.dataclass(frozen=True)
class WordCounts:
    """What is counted of a text.

    Attributes:
        words: how often each word occurs.
        followers: `followers[a][b]` is how often `b` came right after `a` in an utterance; `a` may be `START`.
        utterances: how many have a word at all.
    """

    words: Counter
    followers: Mapping[str, Counter]
    utterances: int

    @property
    def total(self) -> int:
        """Words, repeated ones too."""
        return self.words.total()

    def ranked(self) -> list[tuple[str, int]]:
        """Words and counts, commonest first; words of equal count in alphabetical order, as in a `Vocabulary`."""
        return sorted(self.words.items(), key=lambda item: (-item[1], item[0]))


def count_words(utterances: Iterable[Sequence[str]]) -> WordCounts:
    """Counts the words of utterances, each a sequence of normalised words."""
    words, followers, count = Counter(), defaultdict(Counter), 0
    for utterance in utterances:
        words.update(utterance)
        count += bool(utterance)
        for previous, word in zip((START, *utterance), utterance, strict=False):
            followers[previous][word] += 1
    return WordCounts(words, dict(followers), count)


class UnigramModel:
    """The probability of a word from how often it was seen.

    All words never seen share the mass that Good and Turing give them, the share of words seen once (Good 1953, "The
    population frequencies of species"). Half a count is added to it, so that it is never 0 and never all there is.

    Args:
        counts: how often each word was seen; at least one.
    """

    def __init__(self, counts: Mapping[str, int]):
        self._counts, self._total = counts, sum(counts.values())
        once = sum(count == 1 for count in counts.values())
        self.unknown = (once + 0.5) / (self._total + 1)

    def knows(self, word: str) -> bool:
        return word in self._counts

    def probability(self, word: str, previous: str = START) -> float:
        """Of `word`; of any unknown word at all where it is one. `previous` changes nothing."""
        return (1 - self.unknown) * self._counts[word] / self._total if word in self._counts else self.unknown


class BigramModel:
    """The probability of a word after another: interpolated Kneser-Ney.

    A pair's count is lowered by a discount; what is gained goes to words in the measure of how many different words
    they were seen after (Kneser and Ney 1995; Chen and Goodman 1999, eq. 20, discount n1 / (n1 + 2 n2)). Of these
    numbers unknown words take the share that `UnigramModel` gives them.
    """

    def __init__(self, counts: WordCounts):
        self._followers = counts.followers
        self._totals = {previous: words.total() for previous, words in counts.followers.items()}
        self._continuations = UnigramModel(Counter(word for words in counts.followers.values() for word in words))
        seen = Counter(count for words in counts.followers.values() for count in words.values())
        self.discount = seen[1] / (seen[1] + 2 * seen[2]) if seen[1] and seen[2] else DEFAULT_DISCOUNT

    def knows(self, word: str) -> bool:
        return self._continuations.knows(word)

    def probability(self, word: str, previous: str) -> float:
        """Of `word` after `previous`, which may be `START`; of any unknown word at all where `word` is one."""
        base = self._continuations.probability(word)
        if previous not in self._followers:
            return base
        words, total = self._followers[previous], self._totals[previous]
        own = max(words.get(word, 0) - self.discount, 0) / total
        return own + self.discount * len(words) / total * base


@dataclasses.dataclass(frozen=True)
class CrossEntropy:
    """Mean of `-log p` over a text that was not counted.

    Attributes:
        nats: per word, where all unknown words count as one word `<unk>`.
        known_nats: per word the model knows; None without one.
    """

    nats: float
    known_nats: float | None

    @property
    def bits(self) -> float:
        return self.nats / math.log(2)

    @property
    def perplexity(self) -> float:
        return math.exp(self.nats)


def cross_entropy(model: UnigramModel | BigramModel, held_out: WordCounts) -> CrossEntropy:
    """Of a text with at least one word. The end of an utterance is not predicted, its first word is, after `START`."""
    known = unknown = 0.0
    known_words = 0
    for previous, words in held_out.followers.items():
        for word, count in words.items():
            nats = -count * math.log(model.probability(word, previous))
            if model.knows(word):
                known, known_words = known + nats, known_words + count
            else:
                unknown += nats
    return CrossEntropy((known + unknown) / held_out.total, known / known_words if known_words else None)


def entropy(counts: Mapping[str, int]) -> float:
    """Of the distribution of the counts, nats per word."""
    share = np.array(list(counts.values()), float)
    share /= share.sum()
    return float(-(share * np.log(share)).sum())


def unknown_share(vocabulary: Vocabulary, text: WordCounts) -> float:
    """Share of the words of a text, repeated ones too, that the vocabulary does not have."""
    return sum(count for word, count in text.words.items() if word not in vocabulary) / text.total


def constant_guess_error(word: str, text: WordCounts) -> float:
    """WER of saying `word` in the place of every word: what is said elsewhere is right only where `word` stands."""
    return 1 - text.words[word] / text.total


@dataclasses.dataclass(frozen=True)
class LineFit:
    """`y = slope * x + intercept` by least squares, and the share of y's variance it explains."""

    slope: float
    intercept: float
    r_squared: float


def fit_ranks(vocabulary_words: int) -> np.ndarray:
    """Ranks at equal distances of their logarithms, so that the thousands of rare words do not outvote the others."""
    spaced = np.geomspace(1, vocabulary_words, 1 + math.ceil(RANKS_PER_DECADE * math.log10(vocabulary_words)))
    return np.unique(np.round(spaced).astype(int))


def zipf_fit(frequencies: Sequence[int]) -> LineFit | None:
    """Zipf's law, `log frequency = slope * log rank + intercept`, at `fit_ranks`.

    Args:
        frequencies: counts, highest first.

    Returns:
        None for fewer than three words, or where the commonest is not twice as common as the rarest: then there is
        nothing for a law to explain.
    """
    return _fit(frequencies, np.log)


def exponential_fit(frequencies: Sequence[int]) -> LineFit | None:
    """An exponential distribution, `log frequency = slope * rank + intercept`, at the same ranks as `zipf_fit`."""
    return _fit(frequencies, np.asarray)


def _fit(frequencies, of_rank) -> LineFit | None:
    if len(frequencies) < 3 or frequencies[0] < 2 * frequencies[-1]:
        return None
    ranks = fit_ranks(len(frequencies))
    x, y = of_rank(ranks), np.log(np.asarray(frequencies)[ranks - 1])
    slope, intercept = np.polyfit(x, y, 1)
    left = ((y - slope * x - intercept) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    return LineFit(float(slope), float(intercept), float(1 - left))


def analyze(
    text: WordCounts, held_out: Mapping[str, WordCounts], vocabulary_sizes: Sequence[int] = VOCABULARY_SIZES
) -> dict:
    """All figures of a text, ready for JSON; shares are fractions of one, entropies nats per word.

    Args:
        text: what is counted; at least one word.
        held_out: texts that nothing is counted on, by name; each of at least one word.
        vocabulary_sizes: values of `--vocabulary_size`, special tokens included, to try on the held-out texts; those
            that hold all words are left out, for all words are tried in any case.
    """
    ranked = text.ranked()
    frequencies = [count for _, count in ranked]
    once = frequencies.count(1)
    fits = {"zipf": zipf_fit(frequencies), "exponential": exponential_fit(frequencies)}
    return {
        "words": text.total,
        "distinct_words": len(ranked),
        "utterances": text.utterances,
        "type_token_ratio": len(ranked) / text.total,
        "seen_once": once,
        "seen_once_of_distinct": once / len(ranked),
        "seen_once_of_words": once / text.total,
        "commonest_word": ranked[0][0],
        "constant_guess_wer": constant_guess_error(ranked[0][0], text),
        "uniform_nats": math.log(len(ranked)),
        "unigram_entropy_nats": entropy(text.words),
        **{name: fit and dataclasses.asdict(fit) for name, fit in fits.items()},
        "held_out": _analyze_held_out(text, held_out, vocabulary_sizes) if held_out else {},
    }


def _analyze_held_out(text: WordCounts, held_out: Mapping[str, WordCounts], sizes: Sequence[int]) -> dict:
    commonest = text.ranked()[0][0]
    models = {"unigram": UnigramModel(text.words), "bigram": BigramModel(text)}
    most = len(text.words) + len(SPECIAL_TOKENS)
    sizes = [*sorted(size for size in set(sizes) if size < most), most]
    vocabularies = {size: Vocabulary.from_counts(text.words, size) for size in sizes}
    figures = {}
    for name, other in held_out.items():
        entropies = {kind: cross_entropy(model, other) for kind, model in models.items()}
        figures[name] = {
            "words": other.total,
            "distinct_words": len(other.words),
            "unknown_share": {str(size): unknown_share(words, other) for size, words in vocabularies.items()},
            "constant_guess_wer": constant_guess_error(commonest, other),
            **{
                kind: {**dataclasses.asdict(found), "bits": found.bits, "perplexity": found.perplexity}
                for kind, found in entropies.items()
            },
        }
    return figures


def frequency_table(text: WordCounts) -> list[tuple[int, str, int, float, float]]:
    """Rank from 1, word, count, share and cumulative share of every word, commonest first."""
    table, before, total = [], 0, text.total
    for rank, (word, count) in enumerate(text.ranked(), start=1):
        before += count
        table.append((rank, word, count, count / total, before / total))
    return table
