"""A transcript as a network of words: alternations branch it, and a path through it is one way to say it.

Alternations are written as in sclite's references, and may hold others:

    i've { um / uh / @ } as far as { i am / i'm } concerned

`@` is a word of nothing. The order of arcs and of their predecessors is that of sclite, whose choice between
alignments of the same cost depends on it.
"""

import dataclasses
import functools
import re
from collections import deque

from keras_stt.errors import InputError

NULL = "@"
_INSIDE = re.compile(r"[{}/]|[^\s{}/]+")
_OUTSIDE = re.compile(r"\{|\S+")
_TAG = re.compile(r"(?<!\\);")
_MAX_DEPTH = 100  # of alternations within alternations: nobody writes that many, and each costs a level of the stack


@dataclasses.dataclass(frozen=True, slots=True)
class Rules:
    """How words are compared. The defaults are those of sclite.

    Attributes:
        case_sensitive: whether case counts (sclite -s).
        optional: words in parentheses may be left out without an error (sclite -D).
        fragments: `par-` is any word that begins so, `-tial` any that ends so (sclite -F).
        levenshtein: every error costs the same, as in jiwer; sclite's costs are 4 for a substitution and 3 for a
            deletion or an insertion.
    """

    case_sensitive: bool = False
    optional: bool = False
    fragments: bool = False
    levenshtein: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Word:
    """A word of a transcript.

    Attributes:
        text: as it is compared and shown, in lower case unless case counts; "@" is nothing.
        place: which word of its transcript it is, from 0; all words of an alternation have the same place.
        optional: may be left out.
        fragment: begins or ends with a hyphen that stands for the rest of a word.
    """

    text: str
    place: int = 0
    optional: bool = False
    fragment: bool = False

    @property
    def shown(self) -> str:
        """As it stands in the transcript."""
        return f"({self.text})" if self.optional else self.text


@dataclasses.dataclass(frozen=True)
class Network:
    """Words and what may come before each; arc 0 is the beginning and carries none.

    Attributes:
        words: of every arc; the first is None.
        before: for every arc the arcs that lead to it.
        last: the arcs that lead to the end.
    """

    words: list[Word | None]
    before: list[list[int]]
    last: list[int]

    @property
    def linear(self) -> bool:
        """Whether there is one path alone."""
        return self.last == [len(self.words) - 1] and self.before[1:] == [[arc] for arc in range(len(self.words) - 1)]


def parse_transcript(text: str, rules: Rules) -> Network:
    """The network of a transcript with alternations.

    Raises:
        InputError: a brace has no partner, or an alternative is empty.
    """
    items, place, position = [], 0, 0
    while found := _OUTSIDE.search(text, position):
        if found[0] == "{":
            item, position = _alternation(text, found.end(), place, rules)
        else:
            item, position = word_of(found[0], place, rules), found.end()
        items.append(item)
        place += 1
    return build_network(items)


def word_of(written: str, place: int, rules: Rules, tags: bool = True) -> Word:
    """A word as it is compared.

    Args:
        written: the word as it is written; an asterisk at its end, and with `tags` what follows a semicolon, is a mark
            and no part of it.
    """
    text = _TAG.split(written, maxsplit=1)[0].replace("\\;", ";") if tags else written
    if len(text) > 1:
        text = text.removesuffix("*")
    text = text if rules.case_sensitive else fold_case(text)
    optional = rules.optional and len(text) > 1 and text.startswith("(") and text.endswith(")")
    text = text[1:-1] if optional else text
    fragment = rules.fragments and len(text) > 1 and (text.startswith("-") or text.endswith("-"))
    return Word(text, place, optional, fragment)


@functools.lru_cache(maxsize=65536)
def fold_case(text: str) -> str:
    """Lower case, character by character: the length stays, and no letter depends on its neighbours."""
    if text.isascii():
        return text.lower()
    return "".join(lower if len(lower := letter.lower()) == 1 else letter for letter in text)


def _alternation(text: str, start: int, place: int, rules: Rules, depth: int = 0) -> tuple[list, int]:
    """The alternatives behind an opening brace, each a list of items, and where the text goes on."""
    if depth >= _MAX_DEPTH:
        raise InputError(f"{text!r:.60}: alternations lie {depth} deep within each other; write fewer")
    alternatives, items, position = [], [], start
    while found := _INSIDE.search(text, position):
        position = found.end()
        if found[0] == "{":
            item, position = _alternation(text, position, place, rules, depth + 1)
            items.append(item)
        elif found[0] in "/}":
            if not items:
                raise InputError(f"{text!r:.60}: an alternative is empty; write @ for nothing")
            alternatives.append(items)
            if found[0] == "}":
                return alternatives, position
            items = []
        else:
            items.append(word_of(found[0], place, rules))
    raise InputError(f"{text!r:.60}: a {{ without its }}; write {{ a / b }}")


def build_network(items: list) -> Network:
    """The network of a list of words and alternations, an alternation being a list of such lists."""
    nodes = _Nodes()
    beginning = nodes.add()
    nodes.chain(items, nodes.connect(beginning, None), None)
    return nodes.network(beginning)


class _Nodes:
    """Nodes and the arcs between them, while a network is made."""

    def __init__(self):
        self.arcs: list[tuple[int, int, Word | None]] = []  # start, stop and word, in the order of the text
        self.leaving: list[list[int]] = []  # by node, its arcs
        self.arriving: list[list[int]] = []

    def add(self) -> int:
        self.leaving.append([])
        self.arriving.append([])
        return len(self.leaving) - 1

    def connect(self, start: int, word: Word | None, stop: int | None = None) -> int:
        stop = self.add() if stop is None else stop
        self.leaving[start].append(len(self.arcs))
        self.arriving[stop].append(len(self.arcs))
        self.arcs.append((start, stop, word))
        return stop

    def chain(self, items: list, start: int, stop: int | None) -> None:
        """Adds items one after another; the last leads to `stop` if it is given."""
        for number, item in enumerate(items):
            end = stop if number == len(items) - 1 else None
            end = self.add() if end is None else end
            if isinstance(item, Word):
                self.connect(start, item, end)
            else:
                for alternative in item:
                    self.chain(alternative, start, end)
            start = end

    def network(self, beginning: int) -> Network:
        """The arcs numbered anew: those of a node come once all arcs before it have, first come, first served."""
        missing = [len(arcs) for arcs in self.arriving]
        order, ready, last = [], deque([beginning]), beginning
        while ready:
            last = ready.popleft()
            for arc in self.leaving[last]:
                order.append(arc)
                stop = self.arcs[arc][1]
                missing[stop] -= 1
                if not missing[stop]:
                    ready.append(stop)
        number_of = {arc: number for number, arc in enumerate(order)}
        before = [[number_of[arc] for arc in self.arriving[self.arcs[old][0]]] for old in order]
        return Network([self.arcs[old][2] for old in order], before, [number_of[arc] for arc in self.arriving[last]])
