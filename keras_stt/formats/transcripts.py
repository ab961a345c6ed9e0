"""A transcript as the text of a file, in the format that is asked for."""

import dataclasses
from collections.abc import Callable

from keras_stt.formats.ctm import CtmWord, format_ctm
from keras_stt.formats.cues import cues, word_groups
from keras_stt.formats.stm import StmSegment, format_stm
from keras_stt.formats.subtitles import format_srt, format_vtt
from keras_stt.formats.transcript_jsonl import json_line, transcript_fields
from keras_stt.formats.trn import TrnUtterance, format_trn

CHANNEL = "1"
SEGMENT_SECONDS = 30.0  # of an STM segment, at most
SEGMENT_PAUSE_SECONDS = 1.0  # after which a new one begins


@dataclasses.dataclass(frozen=True)
class TranscriptFormat:
    """A format of transcripts.

    Attributes:
        write: name of the file, id of the recording and its `Transcript` to text.
        joins: whether texts of several recordings, one after the other, are a file of the format.
    """

    write: Callable[[str, str, object], str]
    joins: bool = True


def _ctm(file: str, name: str, transcript) -> str:
    words = (
        CtmWord(name, CHANNEL, _rounded(w.start), _rounded(w.end - w.start), w.text, round(w.confidence, 4))
        for w in transcript.words
    )
    return format_ctm(words)


def _stm(file: str, name: str, transcript) -> str:
    """Segments in which somebody speaks; who, is not known: the recording's id stands for it."""
    groups = word_groups(
        transcript.words, lambda group: group[-1].end - group[0].start <= SEGMENT_SECONDS, SEGMENT_PAUSE_SECONDS
    )
    spans = [(_rounded(group[0].start), _rounded(group[-1].end), " ".join(w.text for w in group)) for group in groups]
    # The format knows no segment of no length.
    lasting = ((start, max(end, _rounded(start + 0.001)), text) for start, end, text in spans)
    return format_stm(StmSegment(name, CHANNEL, name, start, end, text=text) for start, end, text in lasting)


def _rounded(seconds: float) -> float:
    return round(max(0.0, seconds), 3)


FORMATS = {
    "txt": TranscriptFormat(lambda file, name, transcript: f"{transcript.text}\n"),
    "srt": TranscriptFormat(lambda file, name, transcript: format_srt(cues(transcript.words)), joins=False),
    "vtt": TranscriptFormat(lambda file, name, transcript: format_vtt(cues(transcript.words)), joins=False),
    "ctm": TranscriptFormat(_ctm),
    "trn": TranscriptFormat(lambda file, name, transcript: format_trn([TrnUtterance(name, transcript.text)])),
    "jsonl": TranscriptFormat(lambda file, name, transcript: f"{json_line(transcript_fields(file, transcript))}\n"),
    "stm": TranscriptFormat(_stm),
}
