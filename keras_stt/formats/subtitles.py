"""SRT and WebVTT, the subtitles of players and browsers.

SubRip has no specification, and its text no escapes; WebVTT is one of the W3C, https://www.w3.org/TR/webvtt1/.
"""

from collections.abc import Iterable

from keras_stt.formats.cues import Cue

WEBVTT = "WEBVTT\n"  # how a file begins
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def format_srt(cues: Iterable[Cue]) -> str:
    """Cues as the text of an SRT file: numbered from 1, an empty line after each."""
    return "".join(
        f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{_text(cue)}\n\n"
        for number, cue in enumerate(cues, start=1)
    )


def format_vtt(cues: Iterable[Cue]) -> str:
    """Cues as the text of a WebVTT file, an empty line before each."""
    shown = (
        f"\n{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{_text(cue).translate(_ESCAPES)}\n" for cue in cues
    )
    return WEBVTT + "".join(shown)


def _text(cue: Cue) -> str:
    return "\n".join(cue.lines)


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{rest:03d}"
