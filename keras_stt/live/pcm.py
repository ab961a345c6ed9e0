"""Raw PCM that comes while it is recorded, from a pipe or a microphone: bytes to 16 kHz mono samples."""

import contextlib
import dataclasses
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

import numpy as np

from keras_stt.audio import resampled
from keras_stt.errors import InputError

WIDTH = 2  # bytes of a sample: signed, 16 bits, little-endian
READ_BYTES = 1 << 16  # at once, where so many are there
WAITING_PIECES = 64  # read before they are asked for; then a pipe must wait
# What files of sound begin with. As PCM it would be one loud click, and what follows noise.
FILES = {b"RIFF": "WAV", b"fLaC": "FLAC", b"OggS": "Ogg", b"ID3": "MP3"}
WAIT_SECONDS = 0.1  # between two looks at whether the end was asked for


@dataclasses.dataclass(frozen=True)
class Source:
    """Interleaved PCM of 16 bits that comes in pieces.

    Attributes:
        started: as long as one is in it, pieces come.
        pieces: bytes, divided anywhere; None after the last.
        rate: Hz.
        channels: of each sample.
    """

    started: contextlib.AbstractContextManager
    pieces: queue.Queue
    rate: int
    channels: int


def pipe(file: BinaryIO, rate: int, channels: int) -> Source:
    """What comes through a pipe, read by another thread.

    Args:
        file: unbuffered, so that a read returns what is there and waits for no more.
    """
    pieces: queue.Queue = queue.Queue(WAITING_PIECES)

    def read() -> None:
        while piece := file.read(READ_BYTES):
            pieces.put(piece)
        pieces.put(None)

    @contextlib.contextmanager
    def started() -> Iterator[None]:
        threading.Thread(target=read, daemon=True).start()
        yield

    return Source(started(), pieces, rate, channels)


def _arriving(pieces: queue.Queue, ended: Callable[[], bool]) -> Iterator[bytes]:
    """All bytes that have come since the last were asked for, again and again until a None comes or `ended()`.

    What has come when the end is asked for is given, too: it was said before.
    """
    last = False
    while not last:
        last = ended()
        waiting = []
        with contextlib.suppress(queue.Empty):
            waiting.append(pieces.get(timeout=WAIT_SECONDS))
        # No more than is there: who reads a disk may be as fast as this, and would be listened to without end.
        waiting += [pieces.get_nowait() for _ in range(pieces.qsize())]
        come = [piece for piece in waiting if piece is not None]
        if come:
            yield b"".join(come)
        if len(come) < len(waiting):
            return


def samples_of(source: Source, ended: Callable[[], bool]) -> Iterator[np.ndarray]:
    """16 kHz mono float32 blocks of all that comes until the source ends or `ended()`.

    What ends amid a sample of all channels is dropped.

    Raises:
        InputError: it begins as a file does.
    """
    return resampled(_mono(_arriving(source.pieces, ended), source.channels), source.rate)


def _mono(pieces: Iterable[bytes], channels: int) -> Iterator[np.ndarray]:
    held, first = b"", True
    for piece in pieces:
        held += piece
        kind = next((kind for mark, kind in FILES.items() if first and held.startswith(mark)), None)
        if kind:
            raise InputError(f"what comes is {kind}, not raw PCM; transcribe the file, or decode it first")
        first = False
        whole = len(held) - len(held) % (WIDTH * channels)
        values = np.frombuffer(held[:whole], "<i2").reshape(-1, channels)
        held = held[whole:]
        yield (values.astype(np.float32) / 2**15).mean(axis=1)
