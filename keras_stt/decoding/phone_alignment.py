"""When each phone of a known text is said: Viterbi over what a model hears, with pronunciations learned from speech.

A few hours of speech with phone times make a model that tells phones apart; with it, all other speech whose text is
known gets phone times too. The hidden Markov models of speech recognition were trained so (Rabiner, 1989).
"""

import collections
import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from keras_stt.decoding.ctc_alignment import log_softmax
from keras_stt.errors import InputError

SILENCE_ID = 0
ANY_PHONE = -1  # a state of a word whose pronunciation nobody has heard
ANY_PHONE_COST = 1.0  # nats that such a state pays at each step, so that it does not take what a known word says
LETTERS_PER_PHONE = 1.25  # of English spelling
PRIOR_SCALE = 0.7  # of the phones' frequencies, which are divided out of what the model says
NEVER = -1e9


class Pronunciations:
    """How words are said: the commonest sequence of phones of each.

    Attributes:
        phones: by word.
    """

    def __init__(self, phones: dict[str, tuple[str, ...]]):
        self.phones = phones

    @classmethod
    def learn(cls, heard: Iterable[tuple[str, tuple[str, ...]]]) -> "Pronunciations":
        """Takes words and the phones with which they were said, once for each time."""
        counts: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
        for word, phones in heard:
            if phones:
                counts[word][phones] += 1
        return cls({word: said.most_common(1)[0][0] for word, said in counts.items()})

    def __len__(self) -> int:
        return len(self.phones)

    def __contains__(self, word: str) -> bool:
        return word in self.phones


@dataclasses.dataclass(frozen=True)
class PhoneSpan:
    """Steps `start` up to `stop` in which a phone is said; `phone` is None within a word of unknown pronunciation.

    Attributes:
        word: number of the word in the text; -1 in silence.
    """

    start: int
    stop: int
    phone: str | None
    word: int


def align_phones(
    logits: np.ndarray, words: Sequence[str], names: Sequence[str], pronunciations: Pronunciations, prior: np.ndarray
) -> list[PhoneSpan]:
    """The likeliest times of the phones of a text.

    Args:
        logits: `(S, phones)` of one utterance, without padding.
        words: of the text, normalised.
        names: of the phones, silence first.
        prior: how frequent each phone is, `(phones,)`.

    Raises:
        InputError: there are fewer steps than phones.
    """
    states, of_word = _states(words, {name: i for i, name in enumerate(names)}, pronunciations)
    emitted = log_softmax(np.asarray(logits, np.float64)) - PRIOR_SCALE * np.log(np.maximum(prior, 1e-8))
    any_phone = emitted[:, SILENCE_ID + 1 :].max(axis=1) - ANY_PHONE_COST
    scores = np.where(states >= 0, emitted[:, np.maximum(states, 0)], any_phone[:, None])
    if len(scores) < np.sum(states != SILENCE_ID):
        raise InputError(f"{len(scores)} steps of audio for {np.sum(states != SILENCE_ID)} phones; give the right text")
    path = _path(scores, states == SILENCE_ID)
    edges = np.flatnonzero(np.diff(path)) + 1
    spans = zip([0, *edges.tolist()], [*edges.tolist(), len(path)], strict=True)
    return [PhoneSpan(a, b, _name(names, states[path[a]]), int(of_word[path[a]])) for a, b in spans]


def _name(names: Sequence[str], state: int) -> str | None:
    return None if state == ANY_PHONE else names[state]


def _states(words: Sequence[str], ids: dict[str, int], pronunciations: Pronunciations) -> tuple[np.ndarray, np.ndarray]:
    """Phone ids in order, with a silence that may be left out before, between and after the words; words of each."""
    states, of_word = [SILENCE_ID], [-1]
    for number, word in enumerate(words):
        if word in pronunciations:
            said = [ids.get(phone, ANY_PHONE) for phone in pronunciations.phones[word]]
        else:
            said = [ANY_PHONE] * max(1, round(len(word) / LETTERS_PER_PHONE))
        states += [*said, SILENCE_ID]
        of_word += [number] * len(said) + [-1]
    return np.array(states), np.array(of_word)


def _path(scores: np.ndarray, optional: np.ndarray) -> np.ndarray:
    """The likeliest state of every step, `(S,)`: each stays, goes to the next, or skips one that is optional."""
    steps, count = scores.shape
    may_skip = np.zeros(count, bool)
    may_skip[2:] = optional[1:-1]
    best = np.full(count, NEVER)
    best[:2] = scores[0, :2]
    moves = np.zeros((steps, count), np.int8)
    places = np.arange(count)
    for step in range(1, steps):
        one, two = np.roll(best, 1), np.roll(best, 2)
        one[0] = NEVER
        two[~may_skip] = NEVER
        ways = np.stack([best, one, two])
        moves[step] = ways.argmax(axis=0)
        best = ways[moves[step], places] + scores[step]
    state = count - 1 if best[-1] >= best[-2] else count - 2
    path = np.empty(steps, np.int64)
    for step in range(steps - 1, -1, -1):
        path[step] = state
        state -= int(moves[step, state])
    return path
