"""What is likely to be said: word n-grams learned from text, with words never seen spelt letter by letter."""

import io
import math
import operator
import os
from bisect import bisect_left
from collections.abc import Iterable, Sequence

import numpy as np

from keras_stt.decoding.ngrams import ARRAYS, BEGIN, END, ROOT, UNKNOWN, Ngrams, learn_ngrams
from keras_stt.decoding.stored_arrays import read_arrays
from keras_stt.errors import InputError
from keras_stt.formats.lines import write_bytes

BEGIN_WORD = "<s>"  # in a context: the beginning of the sentence
END_WORD, UNKNOWN_WORD = "</s>", "<unk>"
LONGEST_ORDER = 4
_SPECIAL = (UNKNOWN_WORD, BEGIN_WORD, END_WORD)
_SPELLING_ORDER = 5
_UNSEEN_CHARACTERS = 10_000  # among which a character outside the alphabet is one
_LAST_CHARACTER = chr(0x10FFFF)
_MEMO_ENTRIES = 500_000
_FORMAT = 1
_ARRAYS = ("format", "order", "words", "alphabet", *(f"{of}_{name}" for of in ("words", "letters") for name in ARRAYS))


class Spelling:
    """How likely a word never seen is spelt so: character n-grams over word types.

    Attributes:
        alphabet: the characters of the known words, in order.
        ngrams: over `alphabet`, the ids of which begin at 3.
    """

    def __init__(self, alphabet: str, ngrams: Ngrams):
        self.alphabet, self.ngrams = alphabet, ngrams
        self._ids = {character: index for index, character in enumerate(alphabet, len(_SPECIAL))}
        self._beginnings = {"": (0.0, ngrams.begin)}

    @classmethod
    def learn(cls, words: Sequence[str]) -> "Spelling":
        """From words, each given once: names and rare words, which are most of them, are what has to be spelt."""
        alphabet = "".join(sorted(set("".join(words))))
        ids = {character: index for index, character in enumerate(alphabet, len(_SPECIAL))}
        size, order = len(alphabet) + len(_SPECIAL), _SPELLING_ORDER
        prune = [0, 0, 0, 1, 1][:order]
        return cls(alphabet, learn_ngrams([[ids[letter] for letter in word] for word in words], size, order, prune))

    def beginning(self, letters: str) -> float:
        """Natural logarithm of the probability that a word begins with these letters."""
        return self._walk(letters)[0]

    def word(self, word: str) -> float:
        """Natural logarithm of the probability of a whole word."""
        log_p, state = self._walk(word)
        return log_p + self.ngrams.step(state, END)[0]

    def _walk(self, letters: str) -> tuple[float, int]:
        known = self._beginnings.get(letters)
        if known is None:
            if len(self._beginnings) >= _MEMO_ENTRIES:
                self._beginnings = {"": (0.0, self.ngrams.begin)}
            before, state = self._walk(letters[:-1])
            index = self._ids.get(letters[-1], UNKNOWN)
            log_p, state = self.ngrams.step(state, index)
            log_p -= math.log(_UNSEEN_CHARACTERS) if index == UNKNOWN else 0.0
            known = self._beginnings[letters] = (before + log_p, state)
        return known


class WordNgrams:
    """Word n-grams: modified Kneser-Ney (Chen and Goodman, 1999), with an open vocabulary.

    A word outside the vocabulary has the probability of `<unk>` times that of its spelling. All logarithms are
    natural. Beam search uses the ids and states: `word_id`, `begin`, `step`, `prefix`.

    Attributes:
        words: the vocabulary in alphabetical order; `words[i]` has id `i + 3`.
        order: longest n-gram, in words.
        ngrams: over the ids.
        spelling: of words outside the vocabulary.
    """

    def __init__(self, words: Sequence[str], order: int, ngrams: Ngrams, spelling: Spelling):
        self.words, self.order, self.ngrams, self.spelling = list(words), order, ngrams, spelling
        self._ids = {word: index for index, word in enumerate(self.words, len(_SPECIAL))}
        self._one_grams = ngrams.log_probabilities[len(_SPECIAL) : ngrams.size]
        self._prefixes: dict[str, tuple[int, float | None]] = {}
        self.begin, self.step = ngrams.begin, ngrams.step

    @classmethod
    def learn(cls, texts: Iterable[str], order: int = 3, prune: Sequence[int] = (0, 0, 1, 1)) -> "WordNgrams":
        """Learns from texts, one sentence or utterance each, normalised as transcripts are.

        Args:
            texts: words with single spaces between them; empty ones are passed over.
            order: longest n-gram, 1 to 4 words.
            prune: n-grams of length `k` seen at most `prune[k - 1]` times are left out; what is past the end of it
                counts as its last number. Begins with 0 and never falls.

        Raises:
            InputError: a value out of range, or no words in the texts.
        """
        if not 1 <= order <= LONGEST_ORDER:
            raise InputError(f"language model of order {order}: give 1 to {LONGEST_ORDER} words")
        prune = [*prune, *prune[-1:] * order][:order]
        if not prune or prune[0] != 0 or any(longer < shorter for shorter, longer in zip(prune, prune[1:])):  # noqa: B905
            raise InputError(f"language model: prune {prune} must begin with 0 and never fall")
        sentences = [words for words in (text.split() for text in texts) if words]
        if not sentences:
            raise InputError("language model: the texts have no words; give at least one sentence")
        words = sorted({word for sentence in sentences for word in sentence}.difference(_SPECIAL))
        ids = {word: index for index, word in enumerate([*_SPECIAL, *words])}
        size = len(ids)
        rows = [[ids[word] for word in sentence if word not in _SPECIAL] for sentence in sentences]
        return cls(words, order, learn_ngrams(rows, size, order, prune), Spelling.learn(words))

    def __contains__(self, word: str) -> bool:
        return word in self._ids

    def word_id(self, word: str) -> int:
        """The id of a word, `UNKNOWN` for one outside the vocabulary."""
        return self._ids.get(word, UNKNOWN)

    def prefix(self, letters: str) -> tuple[int, float | None]:
        """What the vocabulary knows of the beginning of a word.

        Returns:
            The id of `letters` as a word (`UNKNOWN` if it is none), and the natural logarithm of the one-gram
            probability of the likeliest word that begins with them (None if no word does).
        """
        known = self._prefixes.get(letters)
        if known is None:
            if len(self._prefixes) >= _MEMO_ENTRIES:
                self._prefixes.clear()
            # Words in order are a trie: all that begin with the same letters lie together.
            first = bisect_left(self.words, letters)
            stop = bisect_left(self.words, letters + _LAST_CHARACTER, lo=first)
            best = float(self._one_grams[first:stop].max()) if first < stop else None
            known = self._prefixes[letters] = (self.word_id(letters), best)
        return known

    def log_probability(self, word: str, context: Sequence[str] = ()) -> float:
        """Natural logarithm of the probability of a word after others.

        Args:
            word: a word, `</s>` for the end of the sentence, or `<unk>` for all words outside the vocabulary together.
            context: the words before it, `<s>` as the first where they begin the sentence.
        """
        ids = [self._special_id(before) for before in context]
        state = self.ngrams.state_after(ids[1:], self.begin) if ids[:1] == [BEGIN] else self.ngrams.state_after(ids)
        log_p = self.step(state, self._special_id(word))[0]
        spelt = word not in self and word not in _SPECIAL
        return log_p + (self.spelling.word(word) if spelt else 0.0)

    def _special_id(self, word: str) -> int:
        return _SPECIAL.index(word) if word in _SPECIAL else self.word_id(word)

    def score(self, text: str) -> float:
        """Natural logarithm of the probability of a whole sentence, its end included."""
        total, state = 0.0, self.begin
        for word in text.split():
            index = self.word_id(word)
            log_p, state = self.step(state, index)
            total += log_p + (self.spelling.word(word) if index == UNKNOWN else 0.0)
        return total + self.step(state, END)[0]

    def perplexity(self, texts: Iterable[str]) -> float:
        """Per word, ends of sentences counted as words, and the letters of unknown words paid for.

        Raises:
            InputError: there are no texts.
        """
        total = words = 0
        for text in texts:
            total, words = total + self.score(text), words + len(text.split()) + 1
        if not words:
            raise InputError("perplexity of no texts; give at least one")
        return math.exp(-total / words)

    def save(self, path) -> None:
        """Writes all to one `.npz` file; a file already there is replaced as a whole.

        Raises:
            InputError: the path does not end in `.npz`, or cannot be written to.
        """
        path = os.fspath(path)
        if not path.endswith(".npz"):
            raise InputError(f"{path}: a language model is saved as .npz; end the name so")
        values = {
            "format": np.array(_FORMAT),
            "order": np.array(self.order),
            "words": np.frombuffer("\n".join(self.words).encode(), np.uint8),
            "alphabet": np.frombuffer(self.spelling.alphabet.encode(), np.uint8),
            **self.ngrams.arrays("words_"),
            **self.spelling.ngrams.arrays("letters_"),
        }
        content = io.BytesIO()
        np.savez_compressed(content, **values)
        write_bytes(path, content.getvalue())

    @classmethod
    def load(cls, path) -> "WordNgrams":
        """Reads what `save` wrote.

        Raises:
            InputError: the file is missing or is no language model.
        """
        path = os.fspath(path)
        try:
            values = read_arrays(path, _ARRAYS)
            if int(values["format"]) != _FORMAT:
                raise InputError(f"{path}: language model of format {values['format']}, not {_FORMAT}; learn it anew")
            words, alphabet = (bytes(values[name]).decode() for name in ("words", "alphabet"))
            words, alphabet = words.split("\n"), list(alphabet)
            letters = Ngrams.from_arrays(values, "letters_")
            ngrams = Ngrams.from_arrays(values, "words_")
            for names, of in ((words, ngrams), (alphabet, letters)):
                if len(names) != of.size - len(_SPECIAL) or any(map(operator.ge, names, names[1:])):
                    raise ValueError("words or letters that its n-grams are not of")
            if not 1 <= values["order"] <= LONGEST_ORDER:
                raise ValueError("n-grams longer than any")
            return cls(words, int(values["order"]), ngrams, Spelling("".join(alphabet), letters))
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error
        except InputError:
            raise
        except Exception as error:  # a damaged file can fail in many ways
            raise InputError(f"{path}: is no language model; make one with `keras-stt ngrams TEXT OUT.npz`") from error


__all__ = ["BEGIN_WORD", "END", "END_WORD", "ROOT", "UNKNOWN", "UNKNOWN_WORD", "Spelling", "WordNgrams"]
