"""`POST /v1/audio/fill`: a text with gaps, completed by its recording."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from fastapi import APIRouter, File, Form, Request, UploadFile

from keras_stt.audio import SAMPLE_RATE
from keras_stt.decoding.fill import Filled
from keras_stt.formats.transcript_jsonl import word_fields
from keras_stt.serve.errors import ApiError, documented
from keras_stt.serve.schema import FilledText, FilledWord
from keras_stt.serve.served import FILL_SECONDS, MOST_PASSES
from keras_stt.serve.service import Service
from keras_stt.serve.uploads import FILE_TYPES, KINDS, upload_blocks

PATH = "/v1/audio/fill"
LONGEST_TEXT = 4_000  # characters
LAST_SECOND = 1e6
_NOTHING = np.zeros(0, np.float32)


def fill_router(service: Service) -> APIRouter:
    """The operation, for an app to include."""
    router = APIRouter()

    @router.post(
        PATH,
        operation_id="fill",
        summary="Complete a text that has gaps",
        response_model=FilledText,
        openapi_extra=FILE_TYPES,
        responses=documented(400, 403, 404, 408, 413, 415, 422, 429, 500, 503, 504),
    )
    async def fill(
        request: Request,
        file: Annotated[UploadFile, File(description=f"The recording: {KINDS}.")],
        text: Annotated[
            str,
            Form(
                min_length=1,
                max_length=LONGEST_TEXT,
                description="What is said; underscores stand for one or more unknown words: THE ___ BROWN FOX.",
            ),
        ],
        model: Annotated[str, Form(description="The model's id; none names the one that is served.")] = "",
        passes: Annotated[
            int, Form(ge=0, le=MOST_PASSES, description="Refinements of what is heard; 0: none.")
        ] = service.served.passes,
        start: Annotated[
            float, Form(ge=0, le=LAST_SECOND, description="Seconds of the recording at which the text begins.")
        ] = 0.0,
        end: Annotated[
            float,
            Form(ge=0, le=LAST_SECOND, description="Seconds at which it ends, where that is not the recording's end."),
        ] = LAST_SECOND,
    ) -> FilledText:
        """Completes the text with what the recording says in its gaps. The known words stay as they are, in upper case.

        The recording, or the part of it from `start` to `end`, has at most 30 seconds.
        """
        service.require_model(model)
        if not service.served.fills:
            raise ApiError(400, f"{service.served.name}: a window model, which fills no gaps", "no_fill", "model")
        if end <= start:
            raise ApiError(400, f"end {end:g} s: not after start, {start:g} s", "invalid_value", "end")

        def work(loaded) -> Iterator[Filled]:
            samples = np.concatenate([_NOTHING, *upload_blocks(file.file, FILL_SECONDS, start, end)])
            yield loaded.fill(samples, text, SAMPLE_RATE, passes, **service.served.filling)

        (filled,) = await service.workers.all_parts(work, request, param="text")
        return _answer(filled, start)

    return router


def _answer(filled: Filled, start: float) -> FilledText:
    words = []
    for word, in_gap in zip(filled.words, filled.filled, strict=True):
        fields = word_fields(word)
        times = {"start": round(fields["start"] + start, 3), "end": round(fields["end"] + start, 3)}
        words.append(FilledWord(**{**fields, **times}, filled=in_gap))
    return FilledText(text=filled.text, score=round(filled.score, 3), words=words)
