"""Words as server-sent events, as OpenAI's clients read them."""

import contextlib
import json
from collections.abc import AsyncIterator

from keras_stt.formats.transcript_jsonl import word_fields
from keras_stt.serve.errors import ApiError, error_body
from keras_stt.serve.hearing import Heard


async def begun(parts: AsyncIterator[Heard]) -> AsyncIterator[Heard]:
    """The same, when its first is there: what goes wrong before has a status of its own."""
    first = await anext(parts)

    async def rest() -> AsyncIterator[Heard]:
        async with contextlib.aclosing(parts):
            yield first
            async for part in parts:
                yield part

    return rest()


async def events_of(parts: AsyncIterator[Heard]) -> AsyncIterator[str]:
    """An event for every word, `transcript.text.delta`, and last `transcript.text.done` with all of them.

    Beside its text each delta has the word with its times and confidence, `done` has the `duration`. What goes wrong on
    the way becomes an event with an `error`, the last.
    """
    text = ""
    async with contextlib.aclosing(parts):
        try:
            async for part in parts:
                if part.word is None:
                    yield _event({"type": "transcript.text.done", "text": text, "duration": round(part.duration, 3)})
                    continue
                delta = (" " if text else "") + part.word.text
                text += delta
                yield _event({"type": "transcript.text.delta", "delta": delta, "word": word_fields(part.word)})
        except ApiError as error:
            yield _event(error_body(error.status_code, str(error.detail), error.code, error.param))


def _event(fields: dict) -> str:
    return f"data: {json.dumps(fields, ensure_ascii=False)}\n\n"
