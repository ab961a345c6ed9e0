"""What goes wrong, in the shape that OpenAI's clients read: `{"error": {"message", "type", "param", "code"}}`."""

import pydantic
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from keras_stt.errors import InputError, one_line

LONGEST_MESSAGE = 400  # characters

# Statuses with which the API answers, and when.
REASONS = {
    400: "The recording cannot be read, or the text does not fit it.",
    403: "The request came by another host's name, or from another site's page.",
    404: "There is no such model.",
    408: "The request was not received in time.",
    413: "The request has too many bytes, or the recording is too long.",
    415: "The body is of another content type.",
    422: "A field is missing or has no such value.",
    429: "Too many requests wait already; `Retry-After` says when to come again.",
    500: "The server failed.",
    503: "The server has no memory left, too many connections, or is stopping.",
    504: "The answer was not ready in time.",
}


class ApiErrorDetail(pydantic.BaseModel):
    """What went wrong."""

    message: str = pydantic.Field(description="One line: what is wrong, and the fix.")
    type: str = pydantic.Field(description="`invalid_request_error`, `rate_limit_error` or `server_error`.")
    param: str | None = pydantic.Field(description="The field it is about.")
    code: str = pydantic.Field(description="The reason in one word, for programs.")


class ApiErrorBody(pydantic.BaseModel):
    """An error as OpenAI's API tells it."""

    error: ApiErrorDetail


class ApiError(HTTPException):
    """An answer other than what was asked for.

    Attributes:
        code: the reason in one word.
        param: the field it is about.
    """

    def __init__(self, status: int, message: str, code: str, param: str | None = None, headers: dict | None = None):
        super().__init__(status, message, headers)
        self.code, self.param = code, param


def documented(*statuses: int) -> dict:
    """The answers of these statuses, for an operation's OpenAPI."""
    return {status: {"model": ApiErrorBody, "description": REASONS[status]} for status in statuses}


def error_body(status: int, message: str, code: str, param: str | None = None) -> dict:
    """The fields of an error."""
    kind = "rate_limit_error" if status == 429 else "invalid_request_error" if status < 500 else "server_error"
    message = one_line(message)[:LONGEST_MESSAGE]
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error_response(error: HTTPException) -> JSONResponse:
    """The answer that tells of an error."""
    code = getattr(error, "code", None) or {404: "not_found", 405: "method_not_allowed"}.get(
        error.status_code, "bad_request"
    )
    body = error_body(error.status_code, str(error.detail), code, getattr(error, "param", None))
    return JSONResponse(body, error.status_code, headers=error.headers)


def as_api_error(error: Exception, param: str) -> ApiError:
    """What an error in the work on a request is to the one who sent it.

    Args:
        param: the field that bad input is in.
    """
    if isinstance(error, ApiError):
        return error
    if isinstance(error, InputError):
        return ApiError(400, str(error), "invalid_value", param)
    if isinstance(error, MemoryError):
        return ApiError(503, "no memory left for this recording; send a shorter one", "out_of_memory")
    return ApiError(500, "the server failed; its log says why", "server_error")


def add_error_handlers(app: FastAPI) -> None:
    """Has all errors told in this shape."""

    @app.exception_handler(HTTPException)
    async def told(request: Request, error: HTTPException) -> JSONResponse:
        return error_response(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        places = [str(place) for place in first["loc"] if place not in ("body", "path", "query")]
        where = ".".join(places)
        message = f"{where}: {first['msg']}" if where else first["msg"]
        return JSONResponse(error_body(422, message, "invalid_value", places[0] if places else None), 422)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse(error_body(500, "the server failed; its log says why", "server_error"), 500)
