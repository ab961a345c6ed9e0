"""TextGrid, Praat's annotation of a recording in tiers of intervals; what the Montreal Forced Aligner writes.

Praat's own reader takes from the text only strings, free-standing numbers and flags, and passes over everything
else. So does this one; the long form and the short form are then the same sequence of values.
"""

import codecs
import dataclasses
import re
from collections.abc import Iterable, Mapping

from keras_stt.errors import InputError
from keras_stt.formats.lines import MAX_SECONDS, decode_utf8, format_seconds, parse_number, read_bytes, write_text
from keras_stt.formats.malformed import LineError, line_error

Interval = tuple[float, float, str]  # start and end in seconds, text

SILENCES = frozenset(["", "sil", "sp", "<eps>", "<sil>"])  # what aligners write where no word is spoken

# A text whose closing quote is missing goes on to the end of the file. `*+` never tries again what it has taken, so
# that a quote costs one look at what follows it.
_TOKEN = re.compile(r'"(?:[^"]|"")*+"?|!.*|\S+')
_FIX = "save it from Praat as a text file, long or short"


@dataclasses.dataclass(frozen=True)
class IntervalTier:
    """A tier by name and its intervals in order; those without a word have an empty text."""

    name: str
    intervals: list[Interval]


def parse_textgrid(path) -> list[Interval]:
    """The intervals of the tier "words" (in any case, or a speaker's "NAME - words"), else of the first interval tier.

    Empty intervals are there too: `spoken` drops them.

    Raises:
        InputError: the file is missing, is no TextGrid, or has no interval tier.
    """
    tiers = parse_tiers(path)
    if not tiers:
        raise InputError(f"{path}: no interval tier in it; give a TextGrid with a tier named words")
    for tier in tiers:
        if tier.name.lower() == "words" or tier.name.lower().endswith("- words"):
            return tier.intervals
    return tiers[0].intervals


def spoken(intervals: Iterable[Interval]) -> list[Interval]:
    """The intervals in which a word is spoken: without those that are empty or named as silence."""
    return [interval for interval in intervals if interval[2].strip().lower() not in SILENCES]


def parse_tiers(path) -> list[IntervalTier]:
    """All interval tiers of a TextGrid; tiers of points are passed over.

    UTF-8, or UTF-16 with a byte order mark.

    Raises:
        InputError: the file is missing or is no TextGrid; the message has the line number.
    """
    values = _Values(path)
    # The short form once called itself "ooTextFile short".
    if not values.string().startswith("ooTextFile") or values.string() != "TextGrid":
        raise line_error(path, 1, "not a TextGrid", _FIX)
    values.number(), values.number()  # the time domain, which every tier repeats
    tiers = []
    if not values.flag():
        return tiers
    for _ in range(values.count()):
        kind, name = values.string(), values.string()
        values.number(), values.number()
        if kind == "IntervalTier":
            tiers.append(IntervalTier(name, [values.interval() for _ in range(values.count())]))
        elif kind == "TextTier":
            for _ in range(values.count()):
                values.number(), values.string()
        else:
            raise values.error(f"unknown kind of tier {kind!r:.60}")
    return tiers


class _Values:
    """The strings, numbers and flags of a TextGrid, one after the other."""

    def __init__(self, path):
        self._path = path
        self._text = _decode(path)
        self._tokens = _TOKEN.finditer(self._text)
        self._position = 0

    def error(self, reason: str) -> LineError:
        return line_error(self._path, self._text.count("\n", 0, self._position) + 1, reason, _FIX)

    def _next(self, wanted: str, accept):
        for match in self._tokens:
            value = accept(match.group())
            self._position = match.start()
            if value is not None:
                return value
            if _as_string(match.group()) is not None or parse_number(match.group()) is not None:
                raise self.error(f"{match.group()[:40]} where {wanted} is needed")
        self._position = len(self._text)
        raise self.error(f"the file ends where {wanted} is needed")

    def string(self) -> str:
        return self._next("a text in quotes", _as_string)

    def number(self) -> float:
        return self._next("a number", parse_number)

    def count(self) -> int:
        number = self.number()
        if number < 0 or not number.is_integer():  # nor is infinity one
            raise self.error(f"{number} where a count is needed")
        return int(number)

    def flag(self) -> bool:
        """Whether the file says `<exists>`."""
        return self._next("<exists>", {"<exists>": True, "<absent>": False}.get)

    def interval(self) -> Interval:
        start, end = self.number(), self.number()
        if not -MAX_SECONDS <= start <= end <= MAX_SECONDS:
            raise self.error(f"an interval from {start} to {end}")
        return start, end, self.string()


def _as_string(token: str) -> str | None:
    closed = token[0] == '"' and token.count('"') % 2 == 0
    return token[1:-1].replace('""', '"') if closed else None


def _decode(path) -> str:
    data = read_bytes(path)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise line_error(path, 1, "broken UTF-16 text", _FIX) from error
    return decode_utf8(data, path)


def write_textgrid(path, tiers: Mapping[str, Iterable[Interval]], duration: float) -> None:
    """Writes interval tiers in Praat's long form, through a temporary file.

    Args:
        tiers: intervals by tier name, in order of time; the gaps between them become empty intervals, since Praat
            wants a tier without gaps.
        duration: seconds of the recording.

    Raises:
        InputError: intervals overlap or end after `duration`.
    """
    if not 0 <= duration <= MAX_SECONDS:
        raise InputError(f"TextGrid of {duration} s: give a duration of 0 or more")
    end = format_seconds(duration)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0.00", f"xmax = {end}"]
    lines += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for index, (name, intervals) in enumerate(tiers.items(), start=1):
        filled = _without_gaps(name, intervals, duration)
        lines += [f"    item [{index}]:", '        class = "IntervalTier"', f"        name = {_quote(name)}"]
        lines += ["        xmin = 0.00", f"        xmax = {end}", f"        intervals: size = {len(filled)}"]
        for number, (start, stop, text) in enumerate(filled, start=1):
            lines += [f"        intervals [{number}]:", f"            xmin = {format_seconds(start)}"]
            lines += [f"            xmax = {format_seconds(stop)}", f"            text = {_quote(text)}"]
    write_text(path, "\n".join(lines) + "\n")


def _without_gaps(name: str, intervals: Iterable[Interval], duration: float) -> list[Interval]:
    filled, time = [], 0.0
    for start, end, text in intervals:
        if not time <= start <= end <= duration:
            raise InputError(
                f"TextGrid tier {name:.60}: {text!r:.60} from {start} to {end} s overlaps; put times in order"
            )
        if start > time:
            filled.append((time, start, ""))
        filled.append((start, end, text))
        time = end
    return filled if time >= duration else [*filled, (time, duration, "")]


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
