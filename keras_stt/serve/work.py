"""Models at work: each in a thread of its own, one piece of work at a time."""

import asyncio
import concurrent.futures
import logging
import queue
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TypeVar

from starlette.requests import Request

from keras_stt.errors import InputError
from keras_stt.serve.errors import ApiError, as_api_error
from keras_stt.serve.gate import DEADLINE
from keras_stt.serve.limits import Limits

LOOK_SECONDS = 0.25  # so often a request that waits looks whether its client is still there
FIRST_GUESS = 1.0  # seconds of a piece of work, before one was done
Part = TypeVar("Part")

_log = logging.getLogger(__name__)
_END = object()


class Workers:
    """Copies of a model, each of which works for one request at a time: Keras is not made for two threads at once.

    What a thread computes cannot be broken off. Work is an iterator of parts, and between two of them a thread looks
    whether its request is still waited for; the limit on the length of a recording bounds what a part takes.
    """

    def __init__(self, models: Sequence[object], limits: Limits):
        self.limits = limits
        self._models: queue.SimpleQueue = queue.SimpleQueue()
        for model in models:
            self._models.put(model)
        self._pool = concurrent.futures.ThreadPoolExecutor(len(models), thread_name_prefix="model")
        self._stopping = threading.Event()
        self._seconds = FIRST_GUESS
        self._waiting = 0

    def retry_seconds(self) -> float:
        """After how long some of those that wait now will be done."""
        return self._seconds * max(1, self._waiting) / self.limits.concurrency / 2

    def stop(self) -> None:
        """Ends: nothing more is begun, and what is at work ends at its next part."""
        self._stopping.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def all_parts(self, work: Callable[[object], Iterator[Part]], request: Request, param: str) -> list[Part]:
        """What `parts` yields, when all of it is there."""
        return [part async for part in self.parts(work, request, param)]

    async def parts(
        self, work: Callable[[object], Iterator[Part]], request: Request, param: str
    ) -> AsyncIterator[Part]:
        """Yields what `work(model)` yields, as it comes.

        Args:
            work: what a thread does with a model.
            request: for which; it knows by when it must be answered.
            param: the field that bad input is in.

        Raises:
            ApiError: it failed, is not ready in time, or its client has gone.
        """
        loop = asyncio.get_running_loop()
        found: asyncio.Queue = asyncio.Queue()
        dropped = threading.Event()

        def send(part) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(found.put_nowait, part)

        def run() -> None:
            self._run(work, send, dropped)

        try:
            future = self._pool.submit(run)
        except RuntimeError:
            raise ApiError(503, "the server is stopping; try again soon", "stopping") from None
        self._waiting += 1
        try:
            while (part := await self._next(found, request)) is not _END:
                if isinstance(part, Exception):
                    raise as_api_error(part, param) from part
                yield part
        finally:
            self._waiting -= 1
            dropped.set()
            future.cancel()

    async def _next(self, found: asyncio.Queue, request: Request):
        """What comes next, waited for until the request's deadline or its client's end."""
        clock, deadline = asyncio.get_running_loop().time, request.scope["state"][DEADLINE]
        while True:
            left = deadline - clock()
            try:
                async with asyncio.timeout(min(LOOK_SECONDS, max(0.0, left))):
                    return await found.get()
            except TimeoutError:
                pass
            if left <= LOOK_SECONDS:
                limit = f"{self.limits.timeout_s:g} s"
                raise ApiError(504, f"not ready within {limit}; send a shorter recording, or try later", "timeout")
            if await request.is_disconnected():
                raise ApiError(408, "the client has gone", "disconnected")

    def _run(self, work, send: Callable[[object], None], dropped: threading.Event) -> None:
        """Does the work in a thread of the pool, until its end or until nobody waits for it."""
        if dropped.is_set():
            return
        model, began = self._models.get(), time.perf_counter()
        try:
            for part in work(model):
                if dropped.is_set() or self._stopping.is_set():
                    return
                send(part)
        except Exception as error:
            if not isinstance(error, (ApiError, InputError)):
                _log.exception("a request failed")
            send(error)
        else:
            send(_END)
        finally:
            self._models.put(model)
            self._seconds += 0.2 * (time.perf_counter() - began - self._seconds)
