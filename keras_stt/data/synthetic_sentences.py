"""Sentences for the synthetic corpus: a small grammar of everyday English.

100 words, none of which sounds like another one. As in language a few are very common (THE is every eighth word) and
most are rare, so that a model which only learned the commonest words does badly; even the rarest occurs more than
150 times in the training set. An utterance is one to four sentences, as a reader would read them.
"""

import bisect

import numpy as np

SEED = 20_240  # of the corpus; another seed is another corpus, and needs another version of it
SHORTEST, LONGEST = 3, 14  # words of a sentence
SENTENCES_IN_AN_UTTERANCE = (1, 2, 2, 3, 4)  # drawn from
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DIGITS_IN_A_STRING = range(3, 8)

# Symbol: alternatives, each with its weight; upper-case names are symbols, lower-case ones words. A comma is spoken as
# a pause and is no part of the text.
_PATTERNS = {
    "SENTENCE": {
        "WHOLE VERB OBJECT": 6,
        "WHOLE VERB OBJECT WHERE": 11,
        "WHOLE ACT WHERE": 8,
        "WHOLE ACT WHEN": 6,
        "WHEN , WHOLE VERB OBJECT": 7,
        "WHO VERB a VESSEL of STUFF": 14,
        "NUMBER MANY were WHERE": 6,
        "NUMBER MANY were QUALITY and QUALITY": 3,
        "WHO will DO OBJECT LATER": 6,
        "WHO will never DO OBJECT": 5,
        "WHO can DO OBJECT WHERE": 3,
        "where can WHO DO OBJECT": 5,
        "who will DO OBJECT": 5,
        "why was WHOLE so QUALITY": 5,
        "WHOLE is not QUALITY , but QUALITY": 5,
        "WHOLE is WHERE , but WHO ACT WHEN": 4,
        "WHO VERB OBJECT because WHOLE was QUALITY": 5,
        "WHO ACT while WHOLE VERB OBJECT": 5,
        "WHO VERB a VESSEL and NUMBER MANY WHEN": 4,
    },
    "WHOLE": {"THE NOUN": 60, "THE QUALITY NOUN": 36, "THE QUALITY QUALITY NOUN": 4},
    "OBJECT": {"WHOLE": 84, "NUMBER MANY": 16},
    "THE": {"the": 60, "a": 20, "my": 9, "every": 5, "your": 6},
    "NOUN": {"PERSON": 36, "ANIMAL": 30, "THING": 34},
    "WHERE": {"IN the PLACE": 92, "IN THE THING": 8},
}
# The words of a symbol, the commonest first.
_WORDS = {
    "WHO": "she he they we",
    "PERSON": "teacher doctor farmer brother sister captain woman",
    "ANIMAL": "dog monkey rabbit horse tiger spider",
    "THING": "book letter table pencil mirror blanket window",
    "VESSEL": "basket bottle",
    "PLACE": "garden kitchen river village mountain forest",
    "STUFF": "water coffee",
    "MANY": "apples flowers children potatoes",
    "NUMBER": "three seven twenty",
    "QUALITY": "small happy yellow green quiet broken heavy golden strange purple beautiful",
    "VERB": "found carried painted watched dropped followed opened forgot borrowed",
    "ACT": "slept laughed danced jumped",
    "DO": "bring remember visit answer",
    "WHEN": "today yesterday again often",
    "LATER": "today again",
    "IN": "in under behind near with from",
}
COMMONEST_WORD_OF_A_CLASS = 1.2  # times as common as the rarest


def _alternatives():
    """Symbol to `(cumulative shares, productions)`."""
    choices = {symbol: [(text.split(), weight) for text, weight in one.items()] for symbol, one in _PATTERNS.items()}
    for symbol, text in _WORDS.items():
        words = text.split()
        weights = np.linspace(COMMONEST_WORD_OF_A_CLASS, 1, len(words))
        choices[symbol] = [([word], weight) for word, weight in zip(words, weights, strict=True)]
    result = {}
    for symbol, weighted in choices.items():
        shares = np.cumsum([weight for _, weight in weighted])
        result[symbol] = ((shares / shares[-1]).tolist(), [production for production, _ in weighted])
    return result


_ALTERNATIVES = _alternatives()


def vocabulary() -> list[str]:
    """All words of the grammar, sorted."""
    parts = {part for _, productions in _ALTERNATIVES.values() for production in productions for part in production}
    return sorted(parts - set(_ALTERNATIVES) - {","})


def utterances(sizes: dict[str, int], seed: int = SEED) -> dict[str, list[str]]:
    """Sentences, joined by commas into as many utterances per split as `sizes` says; see `sentences`."""
    generator = np.random.default_rng(seed + 1)
    lengths = {split: [_draw(SENTENCES_IN_AN_UTTERANCE, generator) for _ in range(sizes[split])] for split in sizes}
    drawn = {split: iter(all_of_it) for split, all_of_it in sentences(_totals(lengths), seed).items()}
    return {
        split: [", ".join(next(drawn[split]) for _ in range(length)) for length in lengths[split]] for split in sizes
    }


def digit_strings(sizes: dict[str, int], seed: int = SEED) -> dict[str, list[str]]:
    """Strings of 3 to 7 digits in words, some of them run together, some with pauses between."""
    generator = np.random.default_rng(seed)
    return {split: [_digit_string(generator) for _ in range(sizes[split])] for split in sorted(sizes)}


def _digit_string(generator) -> str:
    digits = [_draw(DIGITS, generator) for _ in range(_draw(DIGITS_IN_A_STRING, generator))]
    pauses = generator.random()
    return "".join(digit + (", " if generator.random() < pauses else " ") for digit in digits).strip(" ,")


def _draw(choices, generator):
    return choices[int(generator.random() * len(choices))]


def _totals(lengths: dict[str, list[int]]) -> dict[str, int]:
    return {split: sum(of_it) for split, of_it in lengths.items()}


def sentences(sizes: dict[str, int], seed: int = SEED) -> dict[str, list[str]]:
    """Draws the sentences of every split.

    Args:
        sizes: split to its number of sentences.

    Returns:
        split to its sentences, in lower case and with commas. All splits but `train` hold every sentence once, and no
        sentence is in two splits.
    """
    generator = np.random.default_rng(seed)
    taken, result = set(), {}
    for split in sorted(sizes, key=lambda split: split == "train"):  # train last: what is held out stays out of it
        drawn = result[split] = []
        while len(drawn) < sizes[split]:
            sentence = " ".join(_expand("SENTENCE", generator)).replace(" ,", ",")
            if sentence in taken or not SHORTEST <= len(sentence.split()) <= LONGEST:
                continue
            drawn.append(sentence)
            if split != "train":
                taken.add(sentence)
    return result


def _expand(symbol, generator):
    """Words of one random derivation of `symbol`."""
    if symbol not in _ALTERNATIVES:
        return [symbol]
    shares, productions = _ALTERNATIVES[symbol]
    # Only `random()`, the one draw that NumPy never changes, is used; `min` guards against a rounded last share.
    production = productions[min(bisect.bisect(shares, generator.random()), len(productions) - 1)]
    return [word for part in production for word in _expand(part, generator)]
