"""What a request must pass before its body is read: from whom it comes, how large it is, and whether there is room."""

import asyncio
import dataclasses
import math
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keras_stt.serve.errors import ApiError, error_response
from keras_stt.serve.limits import MEGABYTE, Limits

GRACE_SECONDS = 2.0  # after its deadline in which a request tells of that
RECORDING_FIX = "send a shorter recording, or a compressed one (FLAC, Ogg Opus, MP3)"
DEADLINE = "deadline"  # in a request's state: when the event loop's clock must find it answered


@dataclasses.dataclass(frozen=True)
class Body:
    """What a path takes.

    Attributes:
        content_type: of it.
        most_mb: megabytes, where that is less than the limit for all.
        fix: what to do where it is larger.
    """

    content_type: str
    most_mb: float = math.inf
    fix: str = RECORDING_FIX


class Room:
    """How many requests with a body are there, from their first byte to the last of their answer.

    Attributes:
        taken: that many.
    """

    def __init__(self, most: int, retry_seconds: Callable[[], float]):
        """Has room for `most`; one who is refused may come again after `retry_seconds()`."""
        self.most, self.retry_seconds, self.taken = most, retry_seconds, 0

    def enter(self) -> None:
        """Takes one more.

        Raises:
            ApiError: there is no room.
        """
        if self.taken >= self.most:
            seconds = max(1, math.ceil(self.retry_seconds()))
            message = f"{self.taken} requests are at work or wait already; try again in {seconds} s"
            raise ApiError(429, message, "too_many_requests", headers={"Retry-After": str(seconds)})
        self.taken += 1

    def leave(self) -> None:
        """Has one less."""
        self.taken -= 1


class Gate:
    """ASGI middleware that refuses requests before they cost anything, and counts the others.

    A page of another site may send a browser's request to this server, but not read the answer: it is refused by its
    `Origin`. By a name of its own that it has resolved to this machine (DNS rebinding) it could read it: where the
    server listens on this machine alone, no other `Host` is served.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: Limits,
        room: Room,
        bodies: Mapping[str, Body],
        hosts: frozenset[str] | None = None,
    ):
        """Stands before `app`.

        Args:
            bodies: what each path takes that takes a body.
            hosts: names that the server answers to; None: any.
        """
        self.app, self.limits, self.room, self.bodies, self.hosts = app, limits, room, bodies, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        takes_body = scope["method"] == "POST" and scope["path"] in self.bodies
        try:
            self._check_sender(headers)
            if takes_body:
                body = self.bodies[scope["path"]]
                body = dataclasses.replace(body, most_mb=min(body.most_mb, self.limits.max_mb))
                _check_body(body, headers)
                self.room.enter()
        except ApiError as error:
            await error_response(error)(scope, receive, send)
            return
        if not takes_body:
            await self.app(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + self.limits.timeout_s
        scope.setdefault("state", {})[DEADLINE] = deadline
        try:
            async with asyncio.timeout_at(deadline + GRACE_SECONDS):
                await self.app(scope, _Received(receive, body, self.limits.timeout_s, deadline), send)
        except TimeoutError:  # an answer that its client does not read; the connection is closed
            pass
        finally:
            self.room.leave()

    def _check_sender(self, headers: Headers) -> None:
        host = headers.get("host", "")
        if self.hosts is not None and _name_of(host) not in self.hosts:
            names = ", ".join(sorted(self.hosts))
            raise ApiError(403, f"Host {host!r}: this server answers to {names} alone", "forbidden_host")
        origin = headers.get("origin")
        if origin is not None and _host_of(origin) != host.lower():
            raise ApiError(403, f"Origin {origin!r}: pages of other sites are not served", "forbidden_origin")


def _check_body(body: Body, headers: Headers) -> None:
    given = headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != body.content_type:
        raise ApiError(415, f"content type {given!r}: send {body.content_type}", "unsupported_content_type")
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length) > body.most_mb * MEGABYTE:
        raise _too_large(body)


class _Received:
    """Receives a request's body as far as the limits let it."""

    def __init__(self, receive: Receive, body: Body, timeout_s: float, deadline: float):
        self.receive, self.body, self.timeout_s, self.deadline = receive, body, timeout_s, deadline
        self.bytes, self.ended = 0, False

    async def __call__(self) -> Message:
        if self.ended:  # what follows is that the client has gone, for which there is no limit
            return await self.receive()
        try:
            async with asyncio.timeout_at(self.deadline):
                message = await self.receive()
        except TimeoutError:
            raise ApiError(408, f"not received within {self.timeout_s:g} s; send less", "timeout") from None
        if message["type"] == "http.request":
            self.bytes += len(message.get("body", b""))
            self.ended = not message.get("more_body", False)
            if self.bytes > self.body.most_mb * MEGABYTE:
                raise _too_large(self.body)
        return message


def _too_large(body: Body) -> ApiError:
    param = "file" if body.fix == RECORDING_FIX else None
    return ApiError(413, f"more than {body.most_mb:g} MB; {body.fix}", "too_large", param)


def _host_of(origin: str) -> str | None:
    """The host of an origin with its port; None where it is no address."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def _name_of(host: str) -> str:
    """A host without its port."""
    if host.startswith("["):
        return host.partition("]")[0][1:].lower()
    return host.partition(":")[0].lower()
