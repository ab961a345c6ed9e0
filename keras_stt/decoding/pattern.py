"""A transcript with gaps, such as `THE ___ BROWN FOX`, as the places that a search goes through."""

import dataclasses
import re

from keras_stt.errors import InputError
from keras_stt.text import normalize, split_words
from keras_stt.tokens import Tokens


def parse_pattern(pattern: str, tokens: Tokens) -> list[str | int]:
    """The normalised known words, and for each gap the least number of words it stands for.

    Raises:
        InputError: nothing in it, or a letter that the tokens do not have.
    """
    parts: list[str | int] = []
    for part in re.split(r"(_+)", pattern):
        if not part.startswith("_"):
            parts += split_words(normalize(part))
        elif parts and isinstance(parts[-1], int):
            parts[-1] += 1
        else:
            parts.append(1)
    if not parts:
        raise InputError(f"pattern {pattern!r}: no word and no gap in it; write one such as THE ___ BROWN FOX")
    for word in parts:
        unknown = [] if isinstance(word, int) else [letter for letter in word if letter not in tokens.characters]
        if unknown:
            raise InputError(f"pattern: the model has no {unknown[0]!r} as in {word!r}; spell the word as it is spoken")
    return parts


@dataclasses.dataclass
class Place:
    """A place in the pattern: what may be said next, and where it leads; -1 where it may not be.

    Attributes:
        said: the token that leads here; 0 where it may be any.
        in_gap: whether what leads here is a gap's.
        known, known_to: the pattern's next token, 0 where it has none.
        word_to: by a piece that begins a word and has letters.
        bare_to: by a "▁" alone.
        inside_to: by a piece that goes on with a word.
    """

    said: int = 0
    in_gap: bool = False
    known: int = 0
    known_to: int = -1
    word_to: int = -1
    bare_to: int = -1
    inside_to: int = -1


def places_of(parts: list[str | int], tokens: Tokens) -> list[Place]:
    """The pattern as places, the start first, its end last."""
    bare = bare_separator(tokens)
    separate = tokens.kind == "characters"  # the "▁" is said between words alone, not before the first
    places = [Place()]
    for part in parts:
        first_word = len(places) == 1
        if isinstance(part, int):
            for _ in range(part):
                _begin_gap_word(places, bare, joined=separate and first_word)
                first_word = False
            # More words than that come back to the last one's place.
            places[-1].word_to, places[-1].bare_to = len(places) - 1, len(places) - 2
            continue
        token_ids = tokens.encode(part).tolist()
        for token in [bare, *token_ids] if separate and not first_word else token_ids:
            places[-1].known, places[-1].known_to = token, len(places)
            places.append(Place(said=token))
    return places


def _begin_gap_word(places: list[Place], bare: int, joined: bool) -> None:
    """Adds two places: behind a "▁" alone, and within the word. `joined`: no "▁" comes first."""
    before, opened, within = places[-1], len(places), len(places) + 1
    if joined:
        before.inside_to = within
    else:
        before.word_to, before.bare_to = within, opened
    places.append(Place(said=bare, in_gap=True, inside_to=within))
    places.append(Place(in_gap=True, inside_to=within))


def bare_separator(tokens: Tokens) -> int:
    """The id of the "▁" alone; 0 where there is none."""
    return next((i for i in range(1, tokens.size) if tokens.word_starts[i] and not tokens.letters[i]), 0)
