"""Recordings as they are sent, to 16 kHz samples: no more of them than the limits allow."""

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
MARGIN_SECONDS = 1.0  # read beyond a limit, to see that there is more


def upload_blocks(
    file: BinaryIO, most_seconds: float, start: float = 0.0, end: float | None = None
) -> Iterator[np.ndarray]:
    """Blocks of samples `(N,)` of a recording, or of the part of it from `start` to `end` seconds, as they are needed.

    However long the recording is, or says it is, no more is decoded than the limit and a second.

    Raises:
        ApiError: nothing was sent, it cannot be read, or it lasts more than `most_seconds`.
    """
    if not file.seek(0, 2):
        raise ApiError(400, f"file: no bytes in it; send one of {KINDS}", "empty_file", "file")
    last = start + most_seconds + MARGIN_SECONDS
    if end is not None:
        last = min(end, last)
    samples = 0
    try:
        file.seek(0)
        claimed = claimed_seconds(file)
        if claimed is not None and min(claimed, last) - start > most_seconds:
            raise _too_long(most_seconds)
        file.seek(0)
        for block in audio_blocks(file, start, last):
            samples += len(block)
            if samples > most_seconds * SAMPLE_RATE:
                raise _too_long(most_seconds)
            yield block
    except AudioError as error:
        _, _, reason = str(error).partition(": ")  # it begins with the name of a file that only we know
        raise ApiError(400, f"file: {reason}", "unreadable_audio", "file") from error


def _too_long(most_seconds: float) -> ApiError:
    return ApiError(413, f"file: more than {most_seconds:g} s of audio; send a part of it", "too_long", "file")
