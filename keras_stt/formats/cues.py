"""Timed words to the cues of subtitles: short lines, broken where somebody pauses, one after the other."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

LINE_CHARACTERS = 42
LINES = 2
LEAST_SECONDS, MOST_SECONDS = 1.0, 7.0  # that a cue is shown; less where the next one follows
PAUSE_SECONDS = 0.8  # after which a new cue begins


@dataclasses.dataclass(frozen=True)
class Cue:
    """What is shown together: `start` and `end` in milliseconds, and one line or two."""

    start: int
    end: int
    lines: tuple[str, ...]


def cues(words: Sequence) -> list[Cue]:
    """The cues of timed words, each at least a millisecond long, which begins when the one before it is over or later.

    Args:
        words: in order, each with `text`, and `start` and `end` in seconds.
    """
    groups = word_groups(words, _fits, PAUSE_SECONDS)
    starts = [round(1000 * group[0].start) for group in groups]
    found: list[Cue] = []
    for number, (group, start) in enumerate(zip(groups, starts, strict=True)):
        start = max(start, found[-1].end if found else 0)
        end = max(round(1000 * min(group[-1].end, group[0].start + MOST_SECONDS)), start + round(1000 * LEAST_SECONDS))
        if number + 1 < len(groups):
            end = min(end, starts[number + 1])
        found.append(Cue(start, max(end, start + 1), tuple(_lines([word.text for word in group]))))
    return found


def word_groups(words: Iterable, fits: Callable[[list], bool], pause: float) -> list[list]:
    """Words that go together: none after a pause of `pause` seconds, and never more than `fits` allows.

    What does not fit is divided at the longest pause in its later half.
    """
    groups: list[list] = []
    for word in words:
        if not groups or word.start - groups[-1][-1].end >= pause:
            groups.append([word])
            continue
        groups[-1].append(word)
        while len(group := groups[-1]) > 1 and not fits(group):
            places = range((len(group) + 1) // 2, len(group))
            place = max(places, key=lambda at: (group[at].start - group[at - 1].end, at))
            groups[-1:] = [group[:place], group[place:]]
    return groups


def _fits(group: list) -> bool:
    if group[-1].end - group[0].start > MOST_SECONDS:
        return False
    return len(_lines([word.text for word in group])) <= LINES


def _lines(texts: list[str]) -> list[str]:
    """Lines of words: one, or two about as long as each other, or as many as it takes; a long word has its own."""
    whole = " ".join(texts)
    if len(whole) <= LINE_CHARACTERS or len(texts) == 1:
        return [whole]
    halves = [(" ".join(texts[:at]), " ".join(texts[at:])) for at in range(1, len(texts))]
    best = min(halves, key=lambda both: max(map(len, both)))
    if max(map(len, best)) <= LINE_CHARACTERS or len(texts) == 2:
        return list(best)
    lines = [texts[0]]
    for text in texts[1:]:
        if len(lines[-1]) + 1 + len(text) <= LINE_CHARACTERS:
            lines[-1] += f" {text}"
        else:
            lines.append(text)
    return lines
