"""Transcripts to words, and words to token ids."""

import unicodedata
from collections.abc import Iterable, Mapping

import numpy as np

from keras_stt.errors import InputError

PAD, MASK, UNK, SIL = "<pad>", "<mask>", "<unk>", "<sil>"
SPECIAL_TOKENS = (PAD, MASK, UNK, SIL)

# What keyboards and typesetters write for an apostrophe. Replaced before NFKC, which would split the acute accent
# into a space and a combining mark; the modifier letter U+02BC counts as a letter and would stay in the word.
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u2018\u201b\u02bc\uff07\u00b4\u0060\u2032", "'"))


def normalize(text: str) -> str:
    """Upper-case words with single spaces between them, written as LibriSpeech writes them.

    NFKC and upper case; letters of any script with their combining marks, digits and apostrophes are kept
    (`LYNDE'S`, `'TIS`, `BOYS'`); everything else, and an apostrophe on its own, becomes a space.
    Normalising twice changes nothing more.
    """
    text = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES))
    text = unicodedata.normalize("NFKC", text.upper())  # upper case can take a composed letter apart
    kept = "".join(character if _belongs_to_a_word(character) else " " for character in text)
    # Two apostrophes together are a quotation mark typed twice, not a part of a word.
    words = kept.replace("''", " ").split()
    return " ".join(word for word in words if any(map(str.isalnum, word)))


def split_words(text: str) -> list[str]:
    """The words of a normalised transcript."""
    return text.split()


def _belongs_to_a_word(character: str) -> bool:
    # Marks (M*) carry the vowels of Indic scripts and the accents that have no composed form.
    return character == "'" or character.isalnum() or unicodedata.category(character).startswith("M")


class Vocabulary:
    """Words and their token ids.

    Four special tokens have fixed ids: `<pad>` 0 and `<sil>` 3 say "nothing here", a slot of a window in which no word
    is spoken (which of the two a corpus's windows use is `data.windows.WindowShape.pad_token`); `<mask>` 1 hides a
    word; `<unk>` 2 stands for a word outside the vocabulary. The words follow, most frequent first.

    Attributes:
        fill_ids: tokens that say "nothing here"; no words in any transcript or error rate.
        unsaid_ids: tokens that a model is only shown or asked for, and that decoding never says.
    """

    pad_id, mask_id, unk_id, sil_id = range(len(SPECIAL_TOKENS))
    fill_ids = (pad_id, sil_id)
    unsaid_ids = (mask_id, unk_id)

    def __init__(self, words: Iterable[str]):
        """Takes the words in the order of their ids, without the special tokens."""
        self._tokens = [*SPECIAL_TOKENS, *words]
        self._ids = {token: index for index, token in enumerate(self._tokens)}
        if len(self._ids) != len(self._tokens):
            twice = next(token for index, token in enumerate(self._tokens) if self._ids[token] != index)
            raise InputError(f"vocabulary: {twice!r} is in it twice; give every word once and no special token")

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], max_size: int | None = None, min_count: int = 1) -> "Vocabulary":
        """The most frequent words; words of equal count in alphabetical order.

        Args:
            counts: how often each word was seen.
            max_size: most tokens in all, the four special ones among them; None keeps all words.
            min_count: words seen less often are left out.

        Raises:
            InputError: `max_size` leaves no room for a word.
        """
        if max_size is not None and max_size <= len(SPECIAL_TOKENS):
            raise InputError(
                f"vocabulary size {max_size}: give at least {len(SPECIAL_TOKENS) + 1} (4 are special tokens)"
            )
        words = [word for word, count in counts.items() if count >= min_count and word not in SPECIAL_TOKENS]
        words.sort(key=lambda word: (-counts[word], word))
        return cls(words if max_size is None else words[: max_size - len(SPECIAL_TOKENS)])

    @classmethod
    def from_list(cls, tokens: list[str]) -> "Vocabulary":
        """The inverse of `to_list`.

        Raises:
            InputError: the list does not begin with the special tokens, or names a token twice.
        """
        if tuple(tokens[: len(SPECIAL_TOKENS)]) != SPECIAL_TOKENS:
            raise InputError(f"vocabulary: must begin with {', '.join(SPECIAL_TOKENS)}, begins with {tokens[:4]}")
        return cls(tokens[len(SPECIAL_TOKENS) :])

    def to_list(self) -> list[str]:
        """All tokens in the order of their ids, ready for JSON."""
        return list(self._tokens)

    @property
    def words(self) -> list[str]:
        """The words, without the special tokens: `words[i]` has id `i + 4`."""
        return self._tokens[len(SPECIAL_TOKENS) :]

    def encode(self, words: Iterable[str]) -> np.ndarray:
        """The id of every word, int32 `(words,)`; `unk_id` for words it does not have."""
        return np.array([self._ids.get(word, self.unk_id) for word in words], np.int32)

    def decode(self, ids) -> list[str]:
        """The token of every id, special tokens included.

        Raises:
            IndexError: an id is negative or not below `len(self)`.
        """
        ids = [int(index) for index in ids]
        if any(not 0 <= index < len(self._tokens) for index in ids):
            raise IndexError(f"token ids {min(ids)} to {max(ids)} in a vocabulary of {len(self._tokens)} tokens")
        return [self._tokens[index] for index in ids]

    def __len__(self) -> int:
        return len(self._tokens)

    def __contains__(self, word: str) -> bool:
        return word in self._ids

    def __eq__(self, other) -> bool:
        return isinstance(other, Vocabulary) and self._tokens == other._tokens

    def __hash__(self) -> int:
        return hash(tuple(self._tokens))

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} tokens)"
