"""The tokens of the utterance view: characters or subwords, from text to ids and back.

Id 0 is the CTC blank and the padding of targets; 1 to n are the pieces; `mask_id`, n + 1, is an input of the refiner
that no head ever says. Texts are as `keras_stt.text.normalize` gives them: upper-case words, single spaces.
"""

import base64
import binascii
import functools
import io
from collections.abc import Iterable, Sequence

import numpy as np

from keras_stt.errors import InputError

WORD_START = "\u2581"  # "▁", as sentencepiece writes it: no letter of any script, so no normalised text has it
KINDS = ("characters", "bpe", "unigram")


class Tokens:
    """What both kinds share: the pieces, what they write, and the way from ids to text.

    Attributes:
        kind: "characters", "bpe" or "unigram".
        pieces: piece `i` has id `i + 1`; "▁" within one stands for the beginning of a word.
        size: n + 1, the pieces and the blank: the width of a CTC head.
        mask_id: n + 1, of the refiner's input alone.
        word_starts: bool `(n + 2,)`, by id: whether a word begins there. Of characters, only the separator.
        letters: n + 2 strings, by id: what a token writes, the beginning of a word aside; empty for the blank, the
            mask and a "▁" alone.
        characters: all that can be encoded, the space between words aside.
    """

    blank_id = 0

    def __init__(self, kind: str, pieces: Sequence[str]):
        self.kind, self.pieces = kind, list(pieces)
        if len(set(self.pieces)) != len(self.pieces):
            raise InputError(f"tokens: a piece is there twice among {len(self.pieces)}; give every piece once")
        self.size = len(self.pieces) + 1
        self.mask_id = self.size
        self.word_starts = np.array([False, *(piece.startswith(WORD_START) for piece in self.pieces), False])
        self.letters = ("", *(piece.removeprefix(WORD_START) for piece in self.pieces), "")
        self.characters = frozenset("".join(self.letters))

    def encode(self, text: str) -> np.ndarray:
        """The ids of a normalised text, int32 `(U,)`, without blanks.

        Characters that no text had when the tokens were learnt are left out, and a word of such alone altogether:
        `set(text) - tokens.characters` says which. So `decode(encode(text))` is the text without them.
        """
        return np.array(self._encode(self._known(text)), np.int32)

    def decode(self, ids) -> str:
        """The text of ids `(U,)`, single spaces between words. Blanks and masks are skipped, repeats are not merged.

        Raises:
            IndexError: an id is negative or above `mask_id`.
        """
        ids = [int(index) for index in ids]
        if any(not 0 <= index <= self.mask_id for index in ids):
            raise IndexError(f"token ids {min(ids)} to {max(ids)} where ids end at {self.mask_id}")
        pieces = ("", *self.pieces, "")
        return " ".join("".join(pieces[index] for index in ids).replace(WORD_START, " ").split())

    def to_config(self) -> dict:
        """All of it, ready for JSON; `tokens_from_config` is the inverse."""
        return {"kind": self.kind, "pieces": list(self.pieces)}

    def _encode(self, text: str) -> list[int]:
        raise NotImplementedError

    def _known(self, text: str) -> str:
        words = ("".join(letter for letter in word if letter in self.characters) for word in text.split())
        return " ".join(word for word in words if word)

    def __eq__(self, other) -> bool:
        return isinstance(other, Tokens) and self.to_config() == other.to_config()

    def __hash__(self) -> int:
        return hash((self.kind, *self.pieces))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.kind}, size {self.size})"


class CharacterTokens(Tokens):
    """Every character a token, and "▁" (id 1) between words: `THE CAT` is `T H E ▁ C A T`."""

    def __init__(self, characters: Iterable[str]):
        """Takes single characters, in any order; they get their ids in the order of their code points."""
        super().__init__("characters", [WORD_START, *sorted(characters)])
        self._ids = {piece: index for index, piece in enumerate(self.pieces, start=1)}

    @classmethod
    def learn(cls, texts: Iterable[str]) -> "CharacterTokens":
        """The characters of normalised texts."""
        return cls(_characters(list(texts)))

    def _encode(self, text: str) -> list[int]:
        return [self._ids[letter] for letter in text.replace(" ", WORD_START)]


class SubwordTokens(Tokens):
    """Pieces of words by sentencepiece: byte pair encoding (Sennrich et al., 2016) or unigram (Kudo, 2018).

    sentencepiece's only control id kept is `<unk>`, put at 0 where our blank is, so that its ids 1 to n are ours and
    none goes unused. The package sentencepiece is needed to learn and to encode; decoding does without.
    """

    def __init__(self, kind: str, pieces: Sequence[str], model: bytes):
        """Takes what `learn` made: `model` is sentencepiece's serialised model, whose pieces from id 1 are `pieces`."""
        super().__init__(kind, pieces)
        self.model = model

    @classmethod
    def learn(cls, kind: str, size: int, texts: Iterable[str]) -> "SubwordTokens":
        """Learns pieces from normalised texts; equal texts in equal order give equal pieces.

        Args:
            kind: "bpe" or "unigram".
            size: most ids, the blank among them. Of few texts there come fewer: `size` of the result says how many.
            texts: any iterable of them.

        Raises:
            InputError: no text, `size` leaves no room for every character, or sentencepiece is not installed.
        """
        texts = list(texts)
        least = len(_characters(texts)) + 2  # with the blank and the "▁" alone
        if size < least:
            raise InputError(
                f"{size} subword tokens: the texts have {least - 2} different characters; give at least {least}, "
                "or use tokens of kind 'characters'"
            )
        model = io.BytesIO()
        _sentencepiece().SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=model,
            model_type=kind,
            vocab_size=size,
            hard_vocab_limit=False,
            character_coverage=1.0,
            normalization_rule_name="identity",
            split_by_unicode_script=False,  # else no piece holds an apostrophe and a letter, as in 'S
            max_sentence_length=2**30,  # bytes; longer texts would be left out in silence
            unk_id=0,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            num_threads=1,  # sums in one order
            minloglevel=3,
        )
        return cls(kind, _pieces(_processor(model.getvalue())), model.getvalue())

    def to_config(self) -> dict:
        return {**super().to_config(), "model": base64.b64encode(self.model).decode("ascii")}

    @functools.cached_property
    def _encoder(self):
        try:
            encoder = _processor(self.model)
            whole = _pieces(encoder) == self.pieces  # else it would give ids of other pieces in silence
        except (RuntimeError, UnicodeDecodeError):
            whole = False
        if not whole:
            raise InputError("subword tokens: the sentencepiece model is damaged; take the config of to_config() whole")
        return encoder

    def _encode(self, text: str) -> list[int]:
        return self._encoder.encode(text)


def learn_tokens(kind: str, size: int | None, texts: Iterable[str]) -> Tokens:
    """Tokens of a kind from normalised texts.

    Args:
        kind: "characters", "bpe" or "unigram".
        size: most ids of subwords, the blank among them; of characters the texts decide, and it is not looked at.
        texts: any iterable of them, read once.

    Raises:
        InputError: an unknown kind, no text, a size too small, or subwords without the package sentencepiece.
    """
    _check_kind(kind)
    if kind == "characters":
        return CharacterTokens.learn(texts)
    if size is None:
        raise InputError(f"{kind} tokens: how many is missing; give a size, such as 256")
    return SubwordTokens.learn(kind, size, texts)


def tokens_from_config(config: dict) -> Tokens:
    """The inverse of `Tokens.to_config`.

    Raises:
        InputError: the config is of no known kind, or not whole.
    """
    _check_kind(config.get("kind"))
    kind, names = config["kind"], ("pieces",) if config["kind"] == "characters" else ("pieces", "model")
    for name in names:
        if name not in config:
            raise InputError(f"config of {kind} tokens: {name!r} is missing; take one that to_config() wrote")
    if kind == "characters":
        return CharacterTokens(piece for piece in config["pieces"] if piece != WORD_START)
    try:
        model = base64.b64decode(config["model"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"config of {kind} tokens: 'model' is no base64 ({error}); take one of to_config()") from None
    return SubwordTokens(kind, config["pieces"], model)


def _check_kind(kind) -> None:
    if kind not in KINDS:
        raise InputError(f"tokens of kind {kind!r}: give one of {', '.join(KINDS)}")


def _characters(texts: list[str]) -> set[str]:
    found = {letter for text in texts for letter in text if not letter.isspace()} - {WORD_START}
    if not found:
        raise InputError(f"tokens: no word in the {len(texts)} texts they are learnt from; give transcripts")
    return found


def _sentencepiece():
    try:
        import sentencepiece
    except ImportError:
        raise InputError("subword tokens: the package sentencepiece is missing; pip install sentencepiece") from None
    return sentencepiece


def _processor(model: bytes):
    return _sentencepiece().SentencePieceProcessor(model_proto=model)


def _pieces(processor) -> list[str]:
    return [processor.id_to_piece(index) for index in range(1, processor.get_piece_size())]
