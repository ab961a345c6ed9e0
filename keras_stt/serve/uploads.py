"""Recordings as they are sent: bytes of a file to 16 kHz samples, no more of them than the limits allow."""

from typing import BinaryIO

import numpy as np

from keras_stt.audio import SAMPLE_RATE, AudioError, read_audio
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


def read_upload(file: BinaryIO, most_seconds: float, start: float = 0.0, end: float | None = None) -> np.ndarray:
    """Samples `(N,)` of the recording, or of the part of it from `start` to `end` seconds.

    However long the recording is, or says it is, no more is decoded than the limit and a second.

    Raises:
        ApiError: nothing was sent, it cannot be read, or it lasts more than `most_seconds`.
    """
    file.seek(0)
    content = file.read()
    if not content:
        raise ApiError(400, f"file: no bytes in it; send one of {KINDS}", "empty_file", "file")
    last = start + most_seconds + MARGIN_SECONDS
    try:
        samples = read_audio(content, start, last if end is None else min(end, last))
    except AudioError as error:
        raise ApiError(400, str(error).replace("audio bytes", "file", 1), "unreadable_audio", "file") from error
    if len(samples) > most_seconds * SAMPLE_RATE:
        raise ApiError(413, f"file: more than {most_seconds:g} s of audio; send a part of it", "too_long", "file")
    return samples
