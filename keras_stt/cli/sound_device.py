"""The sound devices of this computer: a microphone to listen to, and a way to play."""

import contextlib
import queue
from collections.abc import Iterator

import numpy as np

from keras_stt.audio import SAMPLE_RATE
from keras_stt.errors import InputError
from keras_stt.live.pcm import Source

BLOCK_SECONDS = 0.05  # that a microphone gives at once
PIPED = "pipe raw PCM to --input=- instead"


def play(samples: np.ndarray) -> None:
    """Plays 16 kHz mono float32 samples `(N,)` to their end.

    Raises:
        InputError: there is no way to play.
    """
    with _sound("play", "--output=CLIP.wav writes the clip instead") as sounddevice:
        sounddevice.play(samples, SAMPLE_RATE, blocking=True)


def microphone(device: str) -> Source:
    """A microphone, which listens as long as one is in `started`.

    Args:
        device: a number or a part of a name; empty: the one the system prefers.

    Raises:
        InputError: there is none.
    """
    pieces: queue.Queue = queue.Queue()
    with _sound("listen", PIPED) as sounddevice:
        chosen = int(device) if device.isdecimal() else device or None
        rate = _rate(sounddevice, chosen)
        stream = sounddevice.RawInputStream(
            samplerate=rate,
            blocksize=round(BLOCK_SECONDS * rate),
            device=chosen,
            channels=1,
            dtype="int16",
            callback=lambda data, *_: pieces.put(bytes(data)),
            finished_callback=lambda: pieces.put(None),
        )
    return Source(_started(stream), pieces, rate, 1)


@contextlib.contextmanager
def _started(stream) -> Iterator[None]:
    with _sound("listen", PIPED):
        stream.start()
    try:
        yield
    finally:
        stream.close()


def _rate(sounddevice, device: int | str | None) -> int:
    """16 kHz, or what the device prefers where it has not that."""
    try:
        sounddevice.check_input_settings(device, channels=1, dtype="int16", samplerate=SAMPLE_RATE)
    except sounddevice.PortAudioError:
        return round(sounddevice.query_devices(device, "input")["default_samplerate"])
    return SAMPLE_RATE


@contextlib.contextmanager
def _sound(doing: str, instead: str):
    """The module that speaks to sound devices; whatever goes wrong with them becomes one line."""
    try:
        import sounddevice
    except ModuleNotFoundError as error:
        raise InputError(f"to {doing}, install sounddevice: pip install 'keras_stt[live]'; or {instead}") from error
    except OSError as error:
        raise InputError(f"to {doing}, install PortAudio (Debian: libportaudio2); or {instead}") from error
    try:
        yield sounddevice
    except (sounddevice.PortAudioError, ValueError) as error:  # a ValueError names a device that is not there
        raise InputError(f"no sound device to {doing} ({error}); {instead}") from error
