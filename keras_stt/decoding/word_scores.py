"""What a language model says of a transcript that grows by tokens: finished words in full, begun ones by outlook."""

import dataclasses

import numpy as np

from keras_stt.decoding.language_model import END, UNKNOWN, WordNgrams
from keras_stt.tokens import WORD_START

_GAIN = 3.0  # natural logarithm: a factor of 20 over the one-gram; more is rare, and costs no more than the search sees


@dataclasses.dataclass(frozen=True)
class LanguageWeights:
    """How much a language model is heard.

    Attributes:
        lm_weight: factor of its logarithms beside those of the acoustic model.
        word_bonus: added per word, against the taste of both for few words.
        unknown_bonus: added per word outside the vocabulary, on top; below zero to say fewer of them.
        look_ahead: whether a begun word already counts with the likeliest word that begins so.
    """

    lm_weight: float = 0.5
    word_bonus: float = 0.0
    unknown_bonus: float = 0.0
    look_ahead: bool = True


class Prefix:
    """A transcript so far, in tokens, with what the language model says of it.

    Attributes:
        token: the last token; 0 of the empty transcript.
        parent: the transcript without it.
        children: longer ones met so far, by token.
        letters: of the word begun, or "".
        state: of the language model, after all finished words.
        lm_score: natural logarithm of the probability of the finished words.
        words, unknown: how many words are finished, and how many of them the vocabulary does not have.
        bonus: all that is added to the acoustic score, the begun word included.
    """

    __slots__ = ("bonus", "children", "letters", "lm_score", "parent", "state", "token", "unknown", "words")

    def __init__(self, token: int, parent: "Prefix | None"):
        self.token, self.parent, self.children = token, parent, {}
        self.letters, self.state, self.lm_score, self.words, self.unknown, self.bonus = "", 0, 0.0, 0, 0, 0.0
        if parent is not None:
            self.state, self.lm_score = parent.state, parent.lm_score
            self.words, self.unknown = parent.words, parent.unknown

    def token_ids(self) -> list[int]:
        """All tokens, first to last."""
        ids, prefix = [], self
        while prefix.parent is not None:
            ids.append(prefix.token)
            prefix = prefix.parent
        return ids[::-1]


class WordScores:
    """Grows prefixes; without a language model their bonus is that of their words alone.

    Attributes:
        allowances: `(n + 1,)`, how much a token can add to a bonus at most: 0 within a word, and where a word ends what
            it gains by its context.
    """

    def __init__(self, tokens, language_model: WordNgrams | None, weights: LanguageWeights):
        self._lm, self._weights = language_model, weights
        self._letters = ["", *(piece.removeprefix(WORD_START) for piece in tokens.pieces)]
        self._starts = [False, *(piece.startswith(WORD_START) for piece in tokens.pieces)]
        gained = max(weights.word_bonus, 0.0) + max(weights.unknown_bonus, 0.0) + max(weights.lm_weight, 0.0) * _GAIN
        self.allowances = np.where(self._starts, gained, 0.0)

    def empty(self) -> Prefix:
        """The transcript of no tokens."""
        prefix = Prefix(0, None)
        prefix.state = self._lm.begin if self._lm is not None else 0
        return prefix

    def extend(self, parent: Prefix, token: int) -> Prefix:
        """The transcript one token longer, remembered among the parent's children."""
        prefix = parent.children[token] = Prefix(token, parent)
        if self._starts[token]:
            if parent.letters:
                self._finish_word(prefix, parent.letters)
            prefix.letters = self._letters[token]
        else:
            prefix.letters = parent.letters + self._letters[token]
        prefix.bonus = self._bonus(prefix) + (self._begun(prefix) if prefix.letters else 0.0)
        return prefix

    def finished(self, prefix: Prefix) -> Prefix:
        """The same transcript as one whose last word and sentence have ended."""
        last = Prefix(0, prefix)
        if prefix.letters:
            self._finish_word(last, prefix.letters)
        if self._lm is not None:
            last.lm_score += self._lm.step(last.state, END)[0]
        last.bonus = self._bonus(last)
        return last

    def _finish_word(self, prefix: Prefix, word: str) -> None:
        prefix.words += 1
        if self._lm is None:
            return
        index = self._lm.prefix(word)[0]
        log_p, prefix.state = self._lm.step(prefix.state, index)
        prefix.lm_score += log_p
        if index == UNKNOWN:
            prefix.lm_score += self._lm.spelling.word(word)
            prefix.unknown += 1

    def _bonus(self, prefix: Prefix) -> float:
        weights = self._weights
        words = prefix.words * weights.word_bonus + prefix.unknown * weights.unknown_bonus
        return weights.lm_weight * prefix.lm_score + words

    def _begun(self, prefix: Prefix) -> float:
        """What the begun word is worth already: of no word that the vocabulary begins so, as an unknown one."""
        weights = self._weights
        if self._lm is None:
            return weights.word_bonus
        best = self._lm.prefix(prefix.letters)[1]
        if best is None:
            unknown = self._lm.step(prefix.state, UNKNOWN)[0] + self._lm.spelling.beginning(prefix.letters)
            return weights.lm_weight * unknown + weights.word_bonus + weights.unknown_bonus
        return weights.lm_weight * best * weights.look_ahead + weights.word_bonus
