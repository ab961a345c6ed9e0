"""A transcript as the formats of the API have it."""

import math
import zlib
from collections.abc import Sequence

from keras_stt.decoding.stitch import Word
from keras_stt.formats.cues import PAUSE_SECONDS, cues, word_groups
from keras_stt.formats.subtitles import format_srt, format_vtt
from keras_stt.formats.transcript_jsonl import word_fields
from keras_stt.serve.hearing import Heard
from keras_stt.serve.schema import Segment, TimedWord, VerboseTranscription
from keras_stt.transcribe import Transcript

UNDETERMINED = "und"  # ISO 639's code for a language that nobody named
SEGMENT_SECONDS = 10.0  # of a segment of `verbose_json`, at most
LEAST_CONFIDENCE = 1e-4  # of which a logarithm is taken


def transcript_of(parts: Sequence[Heard]) -> Transcript:
    """All that was heard in a recording."""
    return Transcript([part.word for part in parts if part.word is not None], parts[-1].duration)


def verbose(transcript: Transcript, language: str, granularities: Sequence[str]) -> VerboseTranscription:
    """The fields of `verbose_json`."""
    words = segments = None
    if "word" in granularities:
        words = [TimedWord(**word_fields(word)) for word in transcript.words]
    if "segment" in granularities:
        segments = [
            _segment(number, group)
            for number, group in enumerate(word_groups(transcript.words, _is_short, PAUSE_SECONDS))
        ]
    return VerboseTranscription(
        task="transcribe",
        language=language or UNDETERMINED,
        duration=round(transcript.duration, 3),
        text=transcript.text,
        words=words,
        segments=segments,
    )


def _segment(number: int, words: Sequence[Word]) -> Segment:
    text = " ".join(word.text for word in words)
    encoded = text.encode()
    logs = [math.log(max(word.confidence, LEAST_CONFIDENCE)) for word in words]
    return Segment(
        id=number,
        seek=0,
        start=round(words[0].start, 3),
        end=round(words[-1].end, 3),
        text=text,
        tokens=[],
        temperature=0.0,
        avg_logprob=round(sum(logs) / len(logs), 4),
        compression_ratio=round(len(encoded) / len(zlib.compress(encoded)), 3),
        no_speech_prob=0.0,
    )


def as_format(transcript: Transcript, name: str) -> str:
    """A transcript as plain text: `text`, `srt` or `vtt`."""
    if name == "text":
        return transcript.text + "\n"
    write = {"srt": format_srt, "vtt": format_vtt}[name]
    return write(cues(transcript.words))


def _is_short(words: Sequence[Word]) -> bool:
    return words[-1].end - words[0].start <= SEGMENT_SECONDS
