"""Word times for known text: from TextGrids, CTM files or the corpus itself, else an equal share for every word."""

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from keras_stt.data.records import Record
from keras_stt.errors import FlagError
from keras_stt.formats.ctm import parse_ctm
from keras_stt.formats.textgrid import Interval, parse_textgrid, spoken
from keras_stt.text import normalize, split_words

WordTimes = list[tuple[float, float]]  # start and end in seconds, of every word
Hear = Callable[[Record, list[str]], WordTimes | None]

METHODS = ("auto", "uniform", "proportional", "textgrid", "ctm", "corpus", "model")
UNKNOWN_WORDS = frozenset(["<unk>", "<oov>", "[unk]", "spn"])  # how aligners write a word their dictionary lacks
MIN_WORD_SECONDS = 0.04  # a missing word given less room than this takes some from its neighbour


def uniform_times(number_of_words: int, duration: float) -> WordTimes:
    """An equal share of the recording for every word, as the diary of the first model assumes. Seconds."""
    # The fraction first: the last word then ends at the duration exactly, not a rounding error past it.
    bounds = [duration * (index / number_of_words) for index in range(number_of_words + 1)] if number_of_words else []
    return list(zip(bounds, bounds[1:], strict=False))


def proportional_times(words: Sequence[str], duration: float, start: float = 0.0) -> WordTimes:
    """A share of the recording for every word by the number of its letters. Seconds, from `start` on."""
    times, letters = [], 0
    total = sum(map(len, words))
    for word in words:
        begin, letters = letters, letters + len(word)
        times.append((start + duration * (begin / total), start + duration * (letters / total)))
    return times


def times_from_textgrid(path, words: Sequence[str], duration: float | None = None) -> WordTimes | None:
    """The times a TextGrid has for the words of a transcript, see `match_times`.

    Args:
        path: of a TextGrid of this utterance; its time 0 is the utterance's start.
        words: of the normalised transcript.
        duration: seconds of the utterance; None: where the TextGrid ends.
    """
    intervals = parse_textgrid(path)
    if duration is None:
        duration = max((end for _, end, _ in intervals), default=0.0)
    return match_times(spoken(intervals), words, duration)


def times_from_ctm(path, file: str, words: Sequence[str], duration: float) -> WordTimes | None:
    """The times a CTM file has for the words of a transcript, see `match_times`.

    Args:
        path: of the CTM file.
        file: the recording's name in its first column.
        words: of the normalised transcript.
        duration: seconds of the recording.
    """
    intervals = [(word.start, word.end, word.word) for word in parse_ctm(path) if word.file == file]
    return match_times(spoken(sorted(intervals)), words, duration)


def match_times(intervals: Iterable[Interval], words: Sequence[str], duration: float) -> WordTimes | None:
    """Gives the words of a transcript the times of an alignment that may differ from it.

    The two are matched by edit distance over normalised words; a word the aligner did not know (`<unk>`) matches any.
    A word spelt otherwise takes the time of what stands in its place, a word that is missing takes its share of the
    gap between its neighbours.

    Args:
        intervals: aligned words with their times in order, without silences.
        words: of the normalised transcript.
        duration: seconds; times beyond it are cut.

    Returns:
        `(start, end)` of every word, or None when fewer than half of the words match.
    """
    aligned = list(_normalized(intervals))
    times: list[tuple[float, float] | None] = [None] * len(words)
    matched = 0
    labels = [label for _, _, label in aligned]
    for tag, start, stop, other_start, other_stop in Levenshtein.opcodes(words, labels):
        if tag in ("equal", "replace"):
            for index, other in zip(range(start, stop), range(other_start, other_stop), strict=True):
                begin, end, label = aligned[other]
                times[index] = (min(begin, duration), min(end, duration))
                matched += tag == "equal" or label == ""
    if 2 * matched < len(words):
        return None
    return _fill_missing(times, words, duration)


def _normalized(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """Yields one interval per normalised word; the word "" for one that the aligner did not know."""
    for start, end, label in intervals:
        if label.strip().lower() in UNKNOWN_WORDS:
            yield start, end, ""
            continue
        parts = split_words(normalize(label))  # "e-mail" is two words to us
        for (begin, stop), part in zip(proportional_times(parts, end - start, start), parts, strict=True):
            yield begin, stop, part


def _fill_missing(times: list, words: Sequence[str], duration: float) -> WordTimes:
    index = 0
    while index < len(words):
        if times[index] is not None:
            index += 1
            continue
        first = index
        while index < len(words) and times[index] is None:
            index += 1
        left = times[first - 1][1] if first else 0.0
        right = times[index][0] if index < len(words) else duration
        if right - left < MIN_WORD_SECONDS * (index - first):
            # No gap: the aligner heard the word as a part of its neighbour ("CAN NOT" as "cannot").
            if first:
                first -= 1
                left = times[first][0]
            elif index < len(words):
                right = times[index][1]
                index += 1
        times[first:index] = proportional_times(words[first:index], max(0.0, right - left), left)
    return times


GUESSED = ("uniform", "proportional")  # kinds of word times that nobody measured


class WordAligner:
    """Sets the word times of records, by one of `METHODS`.

    "auto" takes the record's own times, else those of a TextGrid, else of a CTM file in `alignment_dir`, else uniform
    ones. "textgrid", "ctm" and "corpus" take that source alone, and records it does not have get None. "uniform" gives
    every word an equal share of the recording, "proportional" a share by its letters, which comes nearer to the truth.
    "model" asks `hear`, a recogniser's forced alignment.

    A TextGrid is found by the record's id (`1034-121119-0000.TextGrid`, in any folder of `alignment_dir`), its times
    counted from the start of the utterance; else by the name of the recording the record is a part of, its times
    counted from the start of the recording. So are the words of the CTM files, by their first column.

    Attributes:
        kinds: how many records got their times from where: "corpus", "textgrid", "ctm", "model", "uniform",
            "proportional", "no words" (an empty transcript) or "none".
    """

    def __init__(self, method: str = "auto", alignment_dir: str = "", hear: Hear | None = None):
        """Reads the folder's index, once.

        Args:
            hear: for "model": the word times of a record whose words are given; None where it cannot be heard.

        Raises:
            FlagError: an unknown method, or a folder that is missing or has no such files.
        """
        if method not in METHODS:
            raise FlagError("alignment", f"unknown method {method!r}; one of {', '.join(METHODS)}")
        self.method = method
        if method == "model" and hear is None:
            raise FlagError("alignment_model", "is needed by --alignment=model; give a model that aligns")
        self._hear = hear
        self.kinds: Counter = Counter()
        self._textgrids: dict[str, str] = {}
        self._ctm_words: dict[str, list[Interval]] = {}
        if alignment_dir and method in ("auto", "textgrid", "ctm"):
            self._read_folder(alignment_dir)
        elif method in ("textgrid", "ctm"):
            raise FlagError("alignment_dir", f"is needed by --alignment={method}; give the folder of its files")

    def _read_folder(self, alignment_dir: str) -> None:
        if not os.path.isdir(alignment_dir):
            raise FlagError("alignment_dir", f"no folder {alignment_dir}; give one with .TextGrid or .ctm files")
        for folder, _, names in sorted(os.walk(alignment_dir)):
            for name in sorted(names):
                stem, extension = os.path.splitext(name)
                path = os.path.join(folder, name)
                if extension.lower() == ".textgrid" and self.method != "ctm":
                    inside = Path(folder, stem).relative_to(alignment_dir).as_posix()
                    self._textgrids[stem] = self._textgrids[inside] = path
                elif extension.lower() == ".ctm" and self.method != "textgrid":
                    for word in parse_ctm(path):
                        self._ctm_words.setdefault(word.file, []).append((word.start, word.end, word.word))
        for intervals in self._ctm_words.values():
            intervals.sort()
        if not self._textgrids and not self._ctm_words:
            wanted = {"textgrid": ".TextGrid", "ctm": ".ctm"}.get(self.method, ".TextGrid or .ctm")
            raise FlagError("alignment_dir", f"no {wanted} files in {alignment_dir}; give the folder that has them")

    def align_records(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yields the records with their word times, counting them in `kinds`."""
        return map(self.align, records)

    def align(self, record: Record) -> Record:
        """The record with times for the words of its normalised text, one pair of seconds per word, or None."""
        words = split_words(normalize(record.text))
        kind, times = self._times(record, words) if words else ("no words", [])
        self.kinds[kind] += 1
        times = None if times is None else tuple(times)
        return dataclasses.replace(record, word_times=times, times_guessed=kind in GUESSED)

    def _times(self, record: Record, words: list[str]) -> tuple[str, WordTimes | None]:
        if self.method in ("auto", "corpus") and record.word_times is not None and len(record.word_times) == len(words):
            return "corpus", list(record.word_times)
        if self.method == "model":
            times = self._hear(record, words)
            return ("model", times) if times is not None else ("none", None)
        for kind, find in (("textgrid", self._textgrid), ("ctm", self._ctm_words.get)):
            times = self._aligned(record, words, find)
            if times is not None:
                return kind, times
        if self.method in ("auto", "uniform"):
            return "uniform", uniform_times(len(words), record.duration)
        if self.method == "proportional":
            return "proportional", proportional_times(words, record.duration)
        return "none", None

    def _textgrid(self, name: str) -> list[Interval] | None:
        path = self._textgrids.get(name)
        return None if path is None else parse_textgrid(path)

    def _aligned(self, record: Record, words: list[str], find) -> WordTimes | None:
        for name in dict.fromkeys([record.id, record.id.rpartition("/")[2]]):
            intervals = find(name)
            if intervals is not None:
                return match_times(spoken(intervals), words, record.duration)
        recording = os.path.splitext(os.path.basename(getattr(record.audio, "path", "")))[0]
        intervals = find(recording) if recording else None
        if intervals is None:
            return None
        within = [
            (max(start, record.start) - record.start, end - record.start, word)
            for start, end, word in spoken(intervals)
            if record.start <= (start + end) / 2 < record.end
        ]
        return match_times(within, words, record.duration)
