"""`POST /v1/audio/subtitles`: words with their times as SRT or WebVTT."""

from typing import Literal

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel, Field

from keras_stt.decoding.stitch import Word
from keras_stt.serve.answers import as_format
from keras_stt.serve.errors import documented
from keras_stt.transcribe import Transcript

PATH = "/v1/audio/subtitles"
LONGEST_WORD = 200  # characters
MOST_WORDS = 100_000
MOST_MB = 10.0  # of JSON, which takes some twenty times its size when it is read
LAST_SECOND = 1e6
_ANSWER = {"description": "The file's text.", "content": {"text/plain": {"schema": {"type": "string"}}}}


class ShownWord(BaseModel, strict=True):
    """A word and when it is shown."""

    word: str = Field(min_length=1, max_length=LONGEST_WORD)
    start: float = Field(ge=0, le=LAST_SECOND, description="Seconds of the recording.")
    end: float = Field(ge=0, le=LAST_SECOND, description="Seconds of the recording.")


class Subtitles(BaseModel, strict=True):
    """What is to be written."""

    words: list[ShownWord] = Field(max_length=MOST_WORDS, description="In order of their times.")
    format: Literal["srt", "vtt"] = "srt"


def subtitles_router() -> APIRouter:
    """The operation, for an app to include."""
    router = APIRouter()

    @router.post(
        PATH,
        operation_id="subtitles",
        summary="Write words as subtitles",
        response_class=Response,
        responses={200: _ANSWER, **documented(400, 403, 408, 413, 415, 422, 429, 500)},
    )
    def subtitles(asked: Subtitles) -> PlainTextResponse:  # in a thread: of many words it takes seconds
        """Writes a transcript that was corrected as SRT or WebVTT, cut into cues as transcription cuts them."""
        words = [Word(" ".join(word.word.split()), word.start, word.end, 1.0) for word in asked.words]
        return PlainTextResponse(as_format(Transcript(words, max((w.end for w in words), default=0.0)), asked.format))

    return router
