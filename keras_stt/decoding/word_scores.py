"""What a language model says of a transcript that grows by tokens: finished words in full, begun ones by outlook."""

import dataclasses

import numpy as np

from keras_stt.decoding.language_model import END, UNKNOWN, WordNgrams
from keras_stt.tokens import WORD_START

_UNASKED = object()
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
        said: what is said of the finished words.
        ended: what is said of all words, the begun one as a finished one; None until it has been asked for.
        bonus: all that is added to the acoustic score, the begun word included.
    """

    __slots__ = ("bonus", "children", "ended", "letters", "parent", "said", "token")

    def __init__(self, token: int, parent: "Prefix | None", letters: str, said: "Said", bonus: float):
        self.token, self.parent, self.children = token, parent, {}
        self.letters, self.said, self.ended, self.bonus = letters, said, None, bonus

    def token_ids(self) -> list[int]:
        """All tokens, first to last."""
        ids, prefix = [], self
        while prefix.parent is not None:
            ids.append(prefix.token)
            prefix = prefix.parent
        return ids[::-1]


class Said:
    """What a language model says of finished words.

    Attributes:
        state: of the language model, after them.
        lm_score: natural logarithm of their probability; of a sentence that is at its end, the end included.
        words, unknown: how many they are, and how many of them the vocabulary does not have.
        bonus: what they add to the acoustic score.
    """

    __slots__ = ("bonus", "lm_score", "state", "unknown", "words")

    def __init__(self, state: int, lm_score: float, words: int, unknown: int, bonus: float):
        self.state, self.lm_score, self.words, self.unknown, self.bonus = state, lm_score, words, unknown, bonus


class WordScores:
    """Grows prefixes; without a language model their bonus is that of their words alone.

    Attributes:
        allowances: `(n + 1,)`, how much a token may well add to a bonus: within a word what a word or an unknown word
            is worth, and where a word ends also what it gains by its context, which is an estimate.
    """

    def __init__(self, tokens, language_model: WordNgrams | None, weights: LanguageWeights):
        self._lm, self._weights = language_model, weights
        self._letters = ["", *(piece.removeprefix(WORD_START) for piece in tokens.pieces)]
        self._starts = [False, *(piece.startswith(WORD_START) for piece in tokens.pieces)]
        bonuses = max(weights.word_bonus, 0.0) + max(weights.unknown_bonus, 0.0)
        self.allowances = np.where(self._starts, bonuses + max(weights.lm_weight, 0.0) * _GAIN, bonuses)
        self._outlooks: dict[str, float | None] = {"": 0.0}

    def empty(self) -> Prefix:
        """The transcript of no tokens."""
        return Prefix(0, None, "", Said(self._lm.begin if self._lm is not None else 0, 0.0, 0, 0, 0.0), 0.0)

    def bonus_after(self, parent: Prefix, token: int) -> float:
        """The bonus of the transcript one token longer."""
        said, letters = self._with_token(parent, token)
        outlook = self._outlooks.get(letters, _UNASKED)
        if outlook is _UNASKED:
            outlook = self._outlooks[letters] = self._outlook(letters)
        return said.bonus + (self._unknown(said, letters) if outlook is None else outlook)

    def extend(self, parent: Prefix, token: int, bonus: float | None = None) -> Prefix:
        """The transcript one token longer, remembered among the parent's children.

        Args:
            bonus: what `bonus_after` says of it, where that has been asked already.
        """
        said, letters = self._with_token(parent, token)
        bonus = self.bonus_after(parent, token) if bonus is None else bonus
        prefix = parent.children[token] = Prefix(token, parent, letters, said, bonus)
        return prefix

    def _with_token(self, parent: Prefix, token: int) -> tuple[Said, str]:
        """What is said of the words that are finished then, and the letters of the begun one."""
        if self._starts[token]:
            return parent.ended or self._ended(parent), self._letters[token]
        return parent.said, parent.letters + self._letters[token]

    def finished(self, prefix: Prefix) -> Said:
        """What is said of the transcript when its last word and the sentence have ended."""
        said = prefix.ended or self._ended(prefix)
        lm_score = said.lm_score + (self._lm.step(said.state, END)[0] if self._lm is not None else 0.0)
        return self._counted(said.state, lm_score, said.words, said.unknown)

    def _ended(self, prefix: Prefix) -> Said:
        """Of its begun word, too; most of a transcript's continuations end the same word, so it is kept."""
        said, word = prefix.said, prefix.letters
        if word:
            state, lm_score, unknown = said.state, said.lm_score, said.unknown
            if self._lm is not None:
                index = self._lm.prefix(word)[0]
                log_p, state = self._lm.step(state, index)
                lm_score += log_p
                if index == UNKNOWN:
                    lm_score += self._lm.spelling.word(word)
                    unknown += 1
            said = self._counted(state, lm_score, said.words + 1, unknown)
        prefix.ended = said
        return said

    def _counted(self, state: int, lm_score: float, words: int, unknown: int) -> Said:
        weights = self._weights
        bonus = weights.lm_weight * lm_score + words * weights.word_bonus + unknown * weights.unknown_bonus
        return Said(state, lm_score, words, unknown, bonus)

    def _outlook(self, letters: str) -> float | None:
        """What a begun word is worth already, whatever was said before; None if no word of the vocabulary begins so."""
        weights = self._weights
        if self._lm is None:
            return weights.word_bonus
        best = self._lm.prefix(letters)[1]
        return None if best is None else weights.lm_weight * best * weights.look_ahead + weights.word_bonus

    def _unknown(self, said: Said, letters: str) -> float:
        """What a begun word is worth that will be an unknown one."""
        weights = self._weights
        log_p = self._lm.step(said.state, UNKNOWN)[0] + self._lm.spelling.beginning(letters)
        return weights.lm_weight * log_p + weights.word_bonus + weights.unknown_bonus
