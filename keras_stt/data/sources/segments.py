"""Segments of recordings, as transcript files list them, to records: the audio is found and the times are checked."""

import os
from functools import lru_cache

from keras_stt.audio import EXTENSIONS, AudioError, audio_duration
from keras_stt.data.locations import FileAudio
from keras_stt.data.records import Record
from keras_stt.data.sources.stream import RecordStream

# A segment may end this much after its recording, and is cut: times are rounded, and lossy codecs pad.
END_TOLERANCE = 0.5  # seconds


def find_audio(path: str) -> str | None:
    """The audio file of a path that may lack its extension; None when there is none."""
    if path.lower().endswith(EXTENSIONS) and os.path.isfile(path):
        return os.path.abspath(path)
    return next((os.path.abspath(path + suffix) for suffix in EXTENSIONS if os.path.isfile(path + suffix)), None)


class SegmentReader:
    """Makes records of segments; what cannot be read is skipped and counted in the stream.

    It remembers the recordings it met last, so that the many segments of a long recording open it once.
    """

    def __init__(self, stream: RecordStream):
        self._stream = stream
        self._inspect = lru_cache(maxsize=64)(_inspect)

    def record(
        self, identifier: str, path: str, start: float, end: float | None, speaker: str, text: str
    ) -> Record | None:
        """The record of a segment from `start` to `end` seconds (None: to its end), or None when it is skipped."""
        audio, duration, problem = self._inspect(path)
        if problem:
            self._stream.skip(problem, audio or path)
            return None
        if start >= duration or (end is not None and end > duration + END_TOLERANCE):
            self._stream.skip("segment after the end of its recording", identifier)
            return None
        end = duration if end is None else min(end, duration)
        return Record(identifier, FileAudio(audio), start, end, speaker, text)


def _inspect(path: str) -> tuple[str | None, float, str]:
    """The audio file, its seconds, and what is wrong with it."""
    audio = find_audio(path)
    if audio is None:
        return None, 0.0, "no audio file"
    try:
        duration = audio_duration(audio)
    except AudioError as error:
        return audio, 0.0, error.reason
    return audio, duration, "" if duration > 0 else "empty audio file"
