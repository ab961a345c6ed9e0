"""A recording on standard input, whole, in any format that files have."""

import contextlib
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator

from keras_stt.errors import InputError, write_error

MARK = "-"


class Recording(io.BufferedReader):
    """A file whose name in messages is that of where it came from."""

    name = "standard input"


@contextlib.contextmanager
def standard_input() -> Iterator[Recording]:
    """What is piped in, on the disk: formats have to be sought in, and a recording may be longer than memory.

    Raises:
        InputError: it is a terminal, there is nothing, or the disk has no room for it.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError("standard input: nothing is piped in; write: keras-stt transcribe MODEL - < RECORDING")
    with tempfile.TemporaryFile() as held:
        try:
            shutil.copyfileobj(sys.stdin.buffer, held)
            held.flush()
        except OSError as error:
            raise write_error(f"{tempfile.gettempdir()}: a copy of standard input", error) from error
        if not held.tell():
            raise InputError("standard input: no bytes in it; pipe in a FLAC, WAV, Opus or MP3 file")
        recording = Recording(held.raw)
        try:
            yield recording
        finally:
            recording.detach()  # else it would close what `held` closes
