"""What the API answers, as OpenAPI describes it."""

from typing import Literal

from pydantic import BaseModel, Field


class TimedWord(BaseModel):
    """A word of a transcript."""

    word: str
    start: float = Field(description="Seconds of the recording.")
    end: float = Field(description="Seconds of the recording.")
    confidence: float = Field(ge=0, le=1, description="How sure the model is. Not of OpenAI's API.")


class Segment(BaseModel):
    """Words between two pauses, or ten seconds of them."""

    id: int
    seek: int = Field(description="Always 0.")
    start: float = Field(description="Seconds of the recording.")
    end: float = Field(description="Seconds of the recording.")
    text: str
    tokens: list[int] = Field(description="Always empty.")
    temperature: float = Field(description="Always 0: nothing is drawn by lot.")
    avg_logprob: float = Field(description="Mean natural logarithm of its words' confidences.")
    compression_ratio: float = Field(description="Bytes of its text to those of zlib's; high where it repeats itself.")
    no_speech_prob: float = Field(description="Always 0: it is not estimated.")


class Transcription(BaseModel):
    """`response_format=json`."""

    text: str


class VerboseTranscription(BaseModel):
    """`response_format=verbose_json`."""

    task: Literal["transcribe"]
    language: str = Field(description="As it was asked for; `und` where it was not.")
    duration: float = Field(description="Seconds of the recording.")
    text: str
    words: list[TimedWord] | None = Field(description="With the granularity `word`.")
    segments: list[Segment] | None = Field(description="With the granularity `segment`.")


class FilledWord(TimedWord):
    """A word of a completed text."""

    filled: bool = Field(description="Whether it stood in a gap.")


class FilledText(BaseModel):
    """A completed text."""

    text: str
    score: float = Field(description="Natural logarithm of how likely the recording says this text.")
    words: list[FilledWord]


class Capabilities(BaseModel):
    """What a model can do."""

    draft: bool = Field(description="`passes=0` gives a draft.")
    refine: bool = Field(description="More passes say something else than the draft.")
    fill: bool = Field(description="It completes texts, `/v1/audio/fill`.")


class ServerLimits(BaseModel):
    """What the server takes of a request."""

    max_bytes: int
    max_seconds: float = Field(description="Of a recording.")
    fill_seconds: float = Field(description="Of the part of a recording in which a text is completed.")
    most_passes: int


class Model(BaseModel):
    """A model, as OpenAI's API lists it, with what it can do."""

    id: str
    object: Literal["model"]
    created: int = Field(description="Seconds since 1970 at which it was loaded.")
    owned_by: str
    passes: int = Field(description="Of a request that names no number.")
    capabilities: Capabilities
    limits: ServerLimits


class ModelList(BaseModel):
    """The models that are served."""

    object: Literal["list"]
    data: list[Model]


class Health(BaseModel):
    """That the server is there."""

    status: Literal["ok"]
    requests: int = Field(description="At work or waiting.")
