"""Recordings as they are sent, to 16 kHz samples: no more of them than the limits allow."""

import io
import os
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from keras_stt.audio import SAMPLE_RATE, AudioError, audio_blocks, claimed_seconds
from keras_stt.serve.errors import ApiError

KINDS = "FLAC, WAV, Ogg Opus, MP3"
# What OpenAPI tells of the field `file`.
FILE_TYPES = {
    "requestBody": {
        "content": {
            "multipart/form-data": {
                "encoding": {"file": {"contentType": "audio/flac, audio/wav, audio/ogg, audio/mpeg"}}
            }
        }
    }
}
IN_MEMORY = 1 << 20  # bytes; what is larger lies in a file, as Starlette has it
MARGIN_SECONDS = 1.0  # read beyond a limit, to see that there is more


def upload_blocks(
    file: BinaryIO, most_seconds: float, start: float = 0.0, end: float | None = None
) -> Iterator[np.ndarray]:
    """Blocks of samples `(N,)` of a recording, or of the part of it from `start` to `end` seconds, as they are needed.

    However long the recording is, or says it is, no more is decoded than the limit and a second. Once the first block
    is there `file` may be closed, as a request does when its client goes, whatever a thread still reads.

    Raises:
        ApiError: nothing was sent, it cannot be read, or it lasts more than `most_seconds`.
    """
    size = file.seek(0, 2)
    if not size:
        raise ApiError(400, f"file: no bytes in it; send one of {KINDS}", "empty_file", "file")
    last = start + most_seconds + MARGIN_SECONDS
    if end is not None:
        last = min(end, last)
    samples = 0
    try:
        with _own(file, size) as own:
            claimed = claimed_seconds(own)
            if claimed is not None and min(claimed, last) - start > most_seconds:
                raise _too_long(most_seconds)
            for block in audio_blocks(own, start, last):
                samples += len(block)
                if samples > most_seconds * SAMPLE_RATE:
                    raise _too_long(most_seconds)
                yield block
    except AudioError as error:
        _, _, reason = str(error).partition(": ")  # it begins with the name of a file that only we know
        raise ApiError(400, f"file: {reason}", "unreadable_audio", "file") from error


def _own(file: BinaryIO, size: int) -> BinaryIO:
    """The same bytes, which stay open when `file` is closed."""
    if size > IN_MEMORY:
        return open(os.dup(file.fileno()), "rb")
    file.seek(0)
    return io.BytesIO(file.read())


def _too_long(most_seconds: float) -> ApiError:
    return ApiError(413, f"file: more than {most_seconds:g} s of audio; send a part of it", "too_long", "file")
