"""How words are shown while they are being said: on a terminal, as lines, or as events in JSON."""

import os
import shutil
import sys
import time

from keras_stt.errors import printable
from keras_stt.formats.transcript_jsonl import json_line, word_fields

LISTENING = "listening; Ctrl-C ends"
SHOWN_SECONDS = 1.5  # for which a correction is to be seen
SAME_SECONDS = 0.3  # between two hearings of a word, at most
STRUCK, UNDERLINED, DIM, PLAIN = "\x1b[9;2m", "\x1b[4m", "\x1b[2m", "\x1b[0m"


class LineDisplay:
    """Final words alone, a line for all that became final together: for files and other programs."""

    def begin(self) -> None:
        print(LISTENING, file=sys.stderr, flush=True)

    def show(self, update) -> None:
        """Shows a `keras_stt.live.Update`."""
        if update.final:
            print(printable(" ".join(word.text for word in update.final)), flush=True)

    def end(self, transcript) -> None:
        """Takes the `Transcript` of all that was said."""


class JsonDisplay:
    """An event a line: `listening`, an `update` for each hearing, and the `end`.

    `time` is of the clock, in seconds since 1970; all other times are seconds of the audio.
    """

    def begin(self) -> None:
        self._print("listening")

    def show(self, update) -> None:
        words = [{**word_fields(word), "stable": word.stable} for word in update.words]
        corrections = [
            {"before": [word_fields(word) for word in each.before], "after": [word_fields(word) for word in each.after]}
            for each in update.corrections
        ]
        final = [word_fields(word) for word in update.final]
        self._print("update", seconds=round(update.seconds, 3), final=final, words=words, corrections=corrections)

    def end(self, transcript) -> None:
        self._print("end", seconds=round(transcript.duration, 3), text=transcript.text)

    def _print(self, event: str, **fields) -> None:
        print(json_line({"event": event, "time": round(time.time(), 3), **fields}), flush=True)


class TerminalDisplay:
    """Final words as lines that stay, and below them the words that may change, drawn anew with every hearing.

    Words on which two hearings agree are bright, others dim. Where such a word is corrected, it is struck out for a
    while, and what is in its place underlined. `NO_COLOR` in the environment leaves all styles out.
    """

    def __init__(self, styled: bool | None = None):
        self._styled = not os.environ.get("NO_COLOR") if styled is None else styled
        self._corrections: list = []  # with the second of the audio in which each was shown first
        self._lines = 0  # of the words that may change, as they stand on the screen

    @staticmethod
    def possible() -> bool:
        """Whether standard output is a terminal on which lines can be drawn anew."""
        return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def begin(self) -> None:
        print(LISTENING, file=sys.stderr, flush=True)

    def show(self, update) -> None:
        """Shows a `keras_stt.live.Update`."""
        self._corrections = [(at, each) for at, each in self._corrections if update.seconds - at < SHOWN_SECONDS]
        agreed = [each for each in update.corrections if any(word.stable for word in each.before)]
        self._corrections += [(update.seconds, each) for each in agreed]
        width, height = shutil.get_terminal_size()
        sure = " ".join(word.text for word in update.final)
        lines = _wrapped(self._words(update), width)[-(height - 1) :]
        print(self._erased() + (f"{printable(sure)}\n" if sure else "") + "\n".join(lines), end="", flush=True)
        self._lines = len(lines)

    def end(self, transcript) -> None:
        """Takes the `Transcript` of all that was said."""

    def _erased(self) -> str:
        up = f"\x1b[{self._lines - 1}A" if self._lines > 1 else ""
        return f"\r{up}\x1b[J"

    def _words(self, update) -> list[tuple[str, str]]:
        """Text and style of what is shown of the words that may change, in order of time."""
        begin = update.words[0].start if update.words else update.seconds
        shown = []
        for word in update.words:
            new = any(_is(word, other) for _, each in self._corrections for other in each.after)
            shown.append((word.start, 1, word.text, UNDERLINED if new else "" if word.stable else DIM))
        for _, each in self._corrections:
            if each.after and not any(_is(word, other) for word in update.words for other in each.after):
                continue  # corrected once more, or final
            shown += [(word.start, 0, word.text, STRUCK) for word in each.before if word.start >= begin]
        if not self._styled:
            return [(text, "") for _, new, text, _ in sorted(shown) if new]
        return [(text, style) for _, _, text, style in sorted(shown)]


def _is(word, other) -> bool:
    return word.text == other.text and abs(word.start - other.start) < SAME_SECONDS


def _wrapped(words: list[tuple[str, str]], width: int) -> list[str]:
    """Lines of styled words, none wider than the terminal, whose last column stays free."""
    lines, column = [], width
    for text, style in words:
        text = printable(text)[: width - 1]
        styled = f"{style}{text}{PLAIN}" if style else text
        if column + 1 + len(text) < width and lines:
            lines[-1] += f" {styled}"
            column += 1 + len(text)
        else:
            lines.append(styled)
            column = len(text)
    return lines
