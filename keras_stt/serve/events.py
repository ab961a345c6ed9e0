"""Words as server-sent events, as OpenAI's clients read them."""

import json
from collections.abc import AsyncIterator

from keras_stt.formats.transcript_jsonl import word_fields
from keras_stt.serve.errors import ApiError, error_body
from keras_stt.serve.hearing import Stretch


async def begun(stretches: AsyncIterator[Stretch]) -> AsyncIterator[Stretch]:
    """The same, when its first is there: what goes wrong before has a status of its own."""
    first = await anext(stretches)

    async def rest() -> AsyncIterator[Stretch]:
        yield first
        async for stretch in stretches:
            yield stretch

    return rest()


async def events_of(stretches: AsyncIterator[Stretch]) -> AsyncIterator[str]:
    """An event for every stretch with words, `transcript.text.delta`, and `transcript.text.done` with all of them.

    Beside the text each delta has its `words` with times and confidences; `done` has the `duration`. What goes wrong
    on the way becomes an event with an `error`, the last.
    """
    text, duration = "", 0.0
    try:
        async for stretch in stretches:
            duration = stretch.duration
            if not stretch.words:
                continue
            delta = (" " if text else "") + " ".join(word.text for word in stretch.words)
            text += delta
            words = [word_fields(word) for word in stretch.words]
            yield _event({"type": "transcript.text.delta", "delta": delta, "words": words})
    except ApiError as error:
        yield _event(error_body(error.status_code, str(error.detail), error.code, error.param))
        return
    yield _event({"type": "transcript.text.done", "text": text, "duration": round(duration, 3)})


def _event(fields: dict) -> str:
    return f"data: {json.dumps(fields, ensure_ascii=False)}\n\n"
