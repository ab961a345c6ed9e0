"""`POST /v1/audio/transcriptions`: what is said in a recording, asked for and answered as OpenAI's clients do."""

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from keras_stt.serve.answers import as_format, transcript_of, verbose
from keras_stt.serve.errors import documented
from keras_stt.serve.events import begun, events_of
from keras_stt.serve.hearing import Heard, hear
from keras_stt.serve.schema import Transcription, VerboseTranscription
from keras_stt.serve.served import MOST_PASSES
from keras_stt.serve.service import Service
from keras_stt.serve.uploads import FILE_TYPES, KINDS, upload_blocks

PATH = "/v1/audio/transcriptions"
IGNORED = "Taken and not used: "

_EVENT = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": {"type": "string", "description": "JSON: `type`, and `delta` and `word`, or `text`."}},
}
_ANSWER = {
    "model": Transcription | VerboseTranscription,
    "description": "The transcript, in the format asked for; `text`, `srt` and `vtt` are plain text, "
    "`stream` gives server-sent events `transcript.text.delta` and, last, `transcript.text.done`.",
    "content": {"text/plain": {"schema": {"type": "string"}}, "text/event-stream": {"schema": _EVENT}},
}


def transcription_router(service: Service) -> APIRouter:
    """The operation, for an app to include."""
    router, served = APIRouter(), service.served

    @router.post(
        PATH,
        operation_id="transcribe",
        summary="Say what is spoken in a recording",
        response_class=Response,
        openapi_extra=FILE_TYPES,
        responses={200: _ANSWER, **documented(400, 403, 404, 408, 413, 415, 422, 429, 500, 503, 504)},
    )
    async def transcribe(
        request: Request,
        file: Annotated[UploadFile, File(description=f"The recording: {KINDS}.")],
        model: Annotated[str, Form(description="The model's id; none names the one that is served.")] = "",
        response_format: Annotated[Literal["json", "text", "srt", "verbose_json", "vtt"], Form()] = "json",
        timestamp_granularities: Annotated[
            list[Literal["word", "segment"]],
            Form(alias="timestamp_granularities[]", description="What `verbose_json` has times of."),
        ] = ["segment"],  # noqa: B006
        passes: Annotated[
            int,
            Form(ge=served.least_passes, le=MOST_PASSES, description="Refinements; 0: the draft. Not of OpenAI's API."),
        ] = served.passes,
        stream: Annotated[bool, Form(description="Send the words as they are found.")] = False,
        language: Annotated[
            str, Form(max_length=35, description=IGNORED + "a model knows one language. `verbose_json` repeats it.")
        ] = "",
        prompt: Annotated[str, Form(description=IGNORED + "a model is not told what came before.")] = "",
        temperature: Annotated[float, Form(ge=0, le=1, description=IGNORED + "nothing is drawn by lot.")] = 0.0,
    ) -> Response:
        """Transcribes a recording. Fields that are not named here are taken and not used."""
        service.require_model(model)

        def work(loaded) -> Iterator[Heard]:
            blocks = upload_blocks(file.file, service.limits.max_seconds)
            yield from hear(loaded, blocks, served, passes)

        if stream:
            parts = await begun(service.workers.parts(work, request, "file"))
            return StreamingResponse(events_of(parts), media_type="text/event-stream")
        transcript = transcript_of(await service.workers.all_parts(work, request, "file"))
        if response_format == "json":
            return JSONResponse({"text": transcript.text})
        if response_format == "verbose_json":
            answer = verbose(transcript, language, timestamp_granularities)
            return JSONResponse(answer.model_dump())
        return PlainTextResponse(as_format(transcript, response_format))

    return router
