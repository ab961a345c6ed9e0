"""`GET /v1/models`: what is served, and what it can do; `GET /healthz`."""

from fastapi import APIRouter

from keras_stt.serve.errors import documented
from keras_stt.serve.gate import Room
from keras_stt.serve.schema import Capabilities, Health, Model, ModelList, ServerLimits
from keras_stt.serve.served import FILL_SECONDS, MOST_PASSES
from keras_stt.serve.service import Service


def models_router(service: Service, room: Room) -> APIRouter:
    """The operations, for an app to include.

    Args:
        room: in which requests are at work or wait.
    """
    router = APIRouter()
    served, limits = service.served, service.limits
    described = Model(
        id=served.name,
        object="model",
        created=served.created,
        owned_by="keras_stt",
        passes=served.passes,
        capabilities=Capabilities(draft=served.drafts, refine=served.refines, fill=served.fills),
        limits=ServerLimits(
            max_bytes=limits.max_bytes,
            max_seconds=limits.max_seconds,
            fill_seconds=FILL_SECONDS,
            most_passes=MOST_PASSES,
        ),
    )

    @router.get("/v1/models", operation_id="models", summary="What is served", responses=documented(403))
    async def models() -> ModelList:
        """The one model that is served."""
        return ModelList(object="list", data=[described])

    @router.get("/v1/models/{model}", operation_id="model", summary="A model", responses=documented(403, 404, 422))
    async def one(model: str) -> Model:
        """The model of that name."""
        service.require_model(model)
        return described

    @router.get("/healthz", operation_id="health", summary="Is the server there?", responses=documented(403))
    async def health() -> Health:
        """Answers at once, however much work waits."""
        return Health(status="ok", requests=room.taken)

    return router
