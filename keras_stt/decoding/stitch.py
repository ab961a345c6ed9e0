"""Windows that overlap to one transcript: every window votes for the words it heard, and on where there is none."""

import dataclasses

import numpy as np

PAIR_SECONDS = 0.4  # two windows' words this far apart cost as much as leaving one of them alone
OTHER_WORD_COST = 0.5  # of pairing two different words; below one, so that a misheard word is outvoted in place
EDGE_SECONDS = 0.3  # so near to where it was cut a window may have lost a part of a word


@dataclasses.dataclass(frozen=True)
class Word:
    """A word of a transcript: `start` and `end` in seconds of the recording, `confidence` 0 to 1."""

    text: str
    start: float
    end: float
    confidence: float

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2


@dataclasses.dataclass(frozen=True)
class HeardWindow:
    """The words one window heard, in order. It speaks for the time from `start` to `until` seconds and no other.

    `cut_at_end` says that it heard nothing after `until`, so that its last word may be a part of one.
    """

    start: float
    until: float
    words: tuple[Word, ...]
    cut_at_end: bool = False

    def speaks_for(self, time: float) -> bool:
        return self.start <= time <= self.until


class _Place:
    """A place in the transcript at which some windows heard a word."""

    def __init__(self, middle: float):
        self.middle, self.present, self.absent, self.asked = middle, 0.0, 0.0, 0.0
        self.votes: dict[str, float] = {}
        self.heard: list[tuple[float, Word]] = []

    def vote(self, word: Word, weight: float) -> None:
        """Takes a word that a window heard here, which is to be believed as much as `weight` says."""
        self.asked += weight
        weight *= word.confidence
        self.heard.append((weight, word))
        self.present += weight
        self.votes[word.text] = self.votes.get(word.text, 0.0) + weight
        self.middle = sum(w * heard.middle for w, heard in self.heard) / max(self.present, 1e-9)

    def word(self, own_confidence: bool) -> Word | None:
        """The word with most votes, at its voters' mean time; None where most windows heard nothing."""
        if self.present <= self.absent or not self.heard:
            return None
        if own_confidence and len(self.heard) == 1 and not self.absent:
            return self.heard[0][1]
        text = max(self.votes, key=self.votes.get)
        weights = np.array([weight for weight, word in self.heard if word.text == text])
        times = np.array([(word.start, word.end) for _, word in self.heard if word.text == text])
        start, end = (weights @ times) / weights.sum()
        asked = self.asked if own_confidence else self.present
        return Word(text, float(start), float(end), self.votes[text] / (asked + self.absent))


class Stitcher:
    """One transcript from overlapping windows in order of time, after ROVER (Fiscus, 1997) with times.

    Each window's words are paired with the places found so far by dynamic programming over their distance in time and
    whether the word is the same. A window's vote weighs as much as its confidence, and little near its edges.
    """

    def __init__(self, own_confidence: bool = False):
        """Takes what the confidence of a word is to be.

        Args:
            own_confidence: the mean of what its windows give it, those that heard another or nothing counting as 0;
                by default its share of the votes.
        """
        self._own_confidence = own_confidence
        self._places: list[_Place] = []  # those that the next window may change
        self._windows: list[HeardWindow] = []  # those that may speak for what the next one hears
        self._longest = 0.0  # seconds, of all windows

    def add(self, window: HeardWindow) -> list[Word]:
        """Takes the next window, and returns the words that neither it nor a later one will change."""
        final = self.before(window.start)
        # Windows come in order of time, so what this one cannot speak of lies at the end.
        places, stop = self._places, 0
        while stop < len(places) and places[stop].middle <= window.until:
            stop += 1
        merged = []
        for place, word in _pair(places[:stop], window.words):
            if place is None:
                place = _Place(word.middle)
                speaking = (past for past in self._windows if past.speaks_for(word.middle))
                place.absent = sum(_weight(past, word.middle) for past in speaking)
            if word is None:
                place.absent += _weight(window, place.middle)
            else:
                place.vote(word, _weight(window, word.middle))
            merged.append(place)
        merged.sort(key=lambda place: place.middle)
        self._places = merged + places[stop:]
        self._longest = max(self._longest, window.until - window.start)
        self._windows = [past for past in self._windows if past.start >= window.start - self._longest] + [window]
        return final

    def before(self, time: float) -> list[Word]:
        """The words before `time` seconds, where every later window begins there or after it."""
        places = self._places
        first = len(places)
        while first and places[first - 1].middle >= time:
            first -= 1
        self._places = places[first:]
        return self._words(places[:first])

    def finish(self) -> list[Word]:
        """The words that are left."""
        final, self._places = self._places, []
        return self._words(final)

    def _words(self, places: list[_Place]) -> list[Word]:
        words = (place.word(self._own_confidence) for place in places)
        return [word for word in words if word is not None]


def stitch(windows: list[HeardWindow]) -> list[Word]:
    """One transcript from overlapping windows in order of time; see `Stitcher`."""
    stitcher = Stitcher()
    words = [word for window in windows for word in stitcher.add(window)]
    return words + stitcher.finish()


def _weight(window: HeardWindow, time: float) -> float:
    """How much a window is to be believed about a moment: less where it may have cut a word."""
    inside = min(time - window.start, window.until - time if window.cut_at_end else EDGE_SECONDS, EDGE_SECONDS)
    return 0.05 + 0.95 * max(0.0, inside / EDGE_SECONDS)


def _pair(places: list[_Place], words: tuple[Word, ...]):
    """Pairs in order, `(place, None)` and `(None, word)` for what stays alone, at the least cost."""
    rows, columns = len(places), len(words)
    cost = np.zeros((rows + 1, columns + 1))
    cost[:, 0], cost[0] = np.arange(rows + 1), np.arange(columns + 1)
    together = np.zeros((rows, columns))
    for i, place in enumerate(places):
        for j, word in enumerate(words):
            together[i, j] = abs(place.middle - word.middle) / PAIR_SECONDS
            together[i, j] += OTHER_WORD_COST * (word.text not in place.votes)
            cost[i + 1, j + 1] = min(cost[i, j] + together[i, j], cost[i, j + 1] + 1, cost[i + 1, j] + 1)
    pairs, i, j = [], rows, columns
    while i or j:
        if i and j and cost[i, j] == cost[i - 1, j - 1] + together[i - 1, j - 1]:
            i, j = i - 1, j - 1
            pairs.append((places[i], words[j]))
        elif i and cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
            pairs.append((places[i], None))
        else:
            j -= 1
            pairs.append((None, words[j]))
    return pairs[::-1]
