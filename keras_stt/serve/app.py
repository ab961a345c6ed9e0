"""The application: the API's operations, the page, and what stands before them."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from keras_stt import __version__
from keras_stt.serve import fill, subtitles, transcriptions
from keras_stt.serve.errors import add_error_handlers
from keras_stt.serve.gate import Body, Gate, Room
from keras_stt.serve.headers import SecurityHeaders
from keras_stt.serve.limits import Limits
from keras_stt.serve.models import models_router
from keras_stt.serve.served import Served
from keras_stt.serve.service import Service
from keras_stt.serve.work import Workers

STATIC = Path(__file__).with_name("static")
BODIES = {
    transcriptions.PATH: Body("multipart/form-data"),
    fill.PATH: Body("multipart/form-data"),
    subtitles.PATH: Body("application/json", subtitles.MOST_MB, "send fewer words"),
}
ABOUT = """Speech to text, asked for as OpenAI's clients do. There is no authentication.

Errors have the shape `{"error": {"message", "type", "param", "code"}}`. A recording is heard by one copy of the model;
requests that find all of them at work wait, and more than the queue holds are refused with 429 and `Retry-After`.
"""


def create_app(
    served: Served, models: Sequence[object], limits: Limits | None = None, hosts: frozenset[str] | None = None
) -> FastAPI:
    """Makes the application of one model.

    Args:
        served: its name, what it can do, and how it is asked.
        models: copies of it, `limits.concurrency` many, as `load_model` gives them.
        limits: None: the defaults.
        hosts: names in `Host` that it answers to; None: any.
    """
    limits = limits or Limits()
    workers = Workers(models, limits)
    service = Service(served, workers, limits)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        workers.stop()

    app = FastAPI(
        title="keras_stt",
        version=__version__,
        description=ABOUT,
        lifespan=lifespan,
        docs_url=None,  # its page comes from other hosts
        redoc_url=None,
    )
    room = Room(limits.most_requests, workers.retry_seconds)
    app.include_router(transcriptions.transcription_router(service))
    app.include_router(fill.fill_router(service))
    app.include_router(subtitles.subtitles_router())
    app.include_router(models_router(service, room))

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    add_error_handlers(app)
    app.add_middleware(Gate, limits=limits, room=room, bodies=BODIES, hosts=hosts)
    app.add_middleware(SecurityHeaders)  # the last that is added is the first
    return app
