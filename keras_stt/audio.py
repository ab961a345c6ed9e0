"""Files and arrays to 16 kHz mono float32 samples.

Files are read a block at a time, and each block is mixed down and resampled before the next is read: what is in memory
goes with the speech that is there, never with what a header claims, the number of channels or the rate.
"""

import contextlib
import io
import logging
import os
import stat
from collections.abc import Iterable, Iterator

import numpy as np
import soundfile

from keras_stt.errors import InputError, one_line

SAMPLE_RATE = 16_000  # Hz; every model of this package hears this rate
EXTENSIONS = (".flac", ".opus", ".wav", ".ogg", ".mp3", ".oga", ".aiff", ".aif", ".au", ".caf", ".w64", ".rf64")
# Hz. Below, no consonant is left to hear; at 1 Hz each sample would become 16,000. Above, nobody records.
LOWEST_RATE, HIGHEST_RATE = 4_000, 768_000
LOUDEST = 2.0**31  # of a sample; floats may be integers that nobody scaled, larger ones are no sound
BLOCK_VALUES = 1 << 20  # samples of all channels that are decoded at once: 4 MB
PIECE_SAMPLES = 1 << 23  # of speech that are kept together, 32 MB: memory of such size goes back when it is freed
SILENCE_SECONDS = 10.0  # so long nobody pauses in digital zeros: nothing was recorded, and nothing need be heard
UNKNOWN_FRAMES = 1 << 62  # libsndfile says more where a header leaves the length open, as FLAC from a pipe does
# A recording counts as cut short when more than this is missing: lossy formats guess their length.
MISSING_SECONDS, MISSING_SHARE = 0.1, 0.01

# What can be wrong with audio, as `AudioError.reason` says it and as skipped records are counted by.
NO_FILE = "no audio file"
BROKEN = "broken audio file"
EMPTY = "empty audio file"
CUT_SHORT = "audio file cut short"
NO_RATE_OF_SPEECH = "sample rate outside 4 to 768 kHz"
NO_NUMBERS = "NaN, infinite or huge samples"
SILENT = "silent"
TOO_SHORT = "shorter than 10 ms"
AUDIO_REASONS = (NO_FILE, BROKEN, EMPTY, CUT_SHORT, NO_RATE_OF_SPEECH, NO_NUMBERS, SILENT, TOO_SHORT)

_log = logging.getLogger(__name__)


class AudioError(InputError):
    """Audio that cannot be used.

    Attributes:
        reason: one of `AUDIO_REASONS`.
    """

    def __init__(self, message: str, reason: str):
        super().__init__(message)
        self.reason = reason


def to_mono_16k(samples, sample_rate: int) -> np.ndarray:
    """Averages channels and resamples to 16 kHz.

    Args:
        samples: `(N,)` or `(N, channels)`; integers are scaled by their type's range, floats are taken as they are.
        sample_rate: Hz.

    Returns:
        float32 `(M,)` at `SAMPLE_RATE`.

    Raises:
        InputError: no such array, or its rate is none of speech.
        AudioError: samples that are no numbers.
    """
    samples = np.asarray(samples)
    if samples.ndim not in (1, 2):
        raise InputError(f"audio array: shape {samples.shape}, expected (samples,) or (samples, channels)")
    if sample_rate <= 0:
        raise InputError(f"audio array: sample rate {sample_rate} Hz, expected a positive number")
    _require_rate("audio array", sample_rate)
    if np.issubdtype(samples.dtype, np.integer):
        span = np.iinfo(samples.dtype)
        middle = (int(span.max) + int(span.min) + 1) // 2  # 128 is the silence of unsigned bytes
        samples = (samples.astype(np.float64) - middle) / ((int(span.max) - int(span.min) + 1) / 2)
    elif not np.issubdtype(samples.dtype, np.floating):
        raise InputError(f"audio array: {samples.dtype} values, expected integers or floats")
    mono = _mixed_down(samples.astype(np.float32, copy=False), "audio array")
    return _joined(list(resampled([mono], sample_rate)))


def read_audio(source, start: float = 0.0, end: float | None = None, whole: bool = False) -> np.ndarray:
    """Reads a recording, or the part of it from `start` to `end` seconds, as 16 kHz mono float32.

    Takes and raises what `audio_blocks` does.
    """
    return _joined(list(_in_pieces(audio_blocks(source, start, end, whole))))


def audio_blocks(source, start: float = 0.0, end: float | None = None, whole: bool = False) -> Iterator[np.ndarray]:
    """Reads a recording, or the part of it from `start` to `end` seconds, as blocks of 16 kHz mono float32.

    A recording that ends before its header says, or that is damaged in the middle, is read as far as it can be
    decoded, and the log says so. Of a WAV that claims more than there is, libsndfile tells what there is: recorders
    that were stopped leave 4 GB in its header.

    Args:
        source: a path, the bytes of an audio file, or an open one that can be sought in, in any format soundfile reads
            (FLAC, WAV, Ogg Opus, MP3, ...).
        start, end: seconds; `end=None` reads to the end.
        whole: refuse a recording that is cut short: what was said in the rest of it is not there to be learned.

    Raises:
        AudioError: the file is missing, is none, cannot be decoded, or holds what is no speech.
    """
    name = _name(source)
    with _opened(source) as file:
        rate, known = file.samplerate, file.frames < UNKNOWN_FRAMES
        first = round(start * rate)
        last = file.frames if end is None else min(max(first, round(end * rate)), file.frames)
        first = min(first, last)
        decoded = _Decoded(file, first, last, name)
        yield from resampled(decoded, rate)
    missing = (last - first - decoded.frames) / rate
    if known and missing > MISSING_SECONDS + MISSING_SHARE * (last - first) / rate:
        found = f"cut short: {decoded.frames / rate:.1f} s of {(last - first) / rate:.1f} s can be decoded"
        if whole:
            raise AudioError(f"{name}: {found}; fetch it again", CUT_SHORT)
        _log.warning("%s: %s", one_line(name), found)


def claimed_seconds(source) -> float | None:
    """Seconds of a recording as its header has them; None where it leaves them open.

    Raises:
        AudioError: the file is missing, is no audio file, or its rate is none of speech.
    """
    with _opened(source) as file:
        return file.frames / file.samplerate if file.frames < UNKNOWN_FRAMES else None


def audio_duration(path) -> float:
    """Seconds of a recording, from its header alone; where that leaves them open, by decoding it.

    Raises:
        AudioError: the file is missing, is no audio file, or its rate is none of speech.
    """
    with _opened(path) as file:
        frames = file.frames
        if frames >= UNKNOWN_FRAMES:
            decoded = _Decoded(file, 0, frames, _name(path))
            frames = sum(map(len, decoded))
        return frames / file.samplerate


def is_long_silence(samples: np.ndarray) -> bool:
    """Whether 16 kHz samples are digital zeros for `SILENCE_SECONDS` or more."""
    return len(samples) >= SILENCE_SECONDS * SAMPLE_RATE and not samples.any()


@contextlib.contextmanager
def _opened(source) -> Iterator[soundfile.SoundFile]:
    """An audio file with a rate of speech; whatever goes wrong with it meanwhile becomes an AudioError."""
    name, source = _name(source), io.BytesIO(source) if isinstance(source, bytes) else source
    if hasattr(source, "read"):
        source.seek(0)
    else:
        _require_file(source, name)
        source = os.fspath(source) if os.name == "nt" else os.fsencode(source)  # names may hold bytes that are no text
    try:
        with soundfile.SoundFile(source) as file:
            _require_rate(name, file.samplerate)
            yield file
    except (soundfile.SoundFileError, OSError, TypeError) as error:
        fix = "give a FLAC, WAV, Opus or MP3 file"
        raise AudioError(f"{name}: cannot be read as audio ({_said(error)}); {fix}", BROKEN) from error


def _said(error: Exception) -> str:
    """What libsndfile or the system says, without the file's name, which is said already."""
    return getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)


def _require_file(path, name: str) -> None:
    """A folder would be no audio, and a pipe nobody writes to would be waited for without end."""
    fix = "give a FLAC, WAV, Opus or MP3 file"
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:  # no such file, no permission; a zero byte in the name
        reason = getattr(error, "strerror", None) or error
        reason = "no such file" if isinstance(error, FileNotFoundError) else reason
        raise AudioError(f"{name}: cannot be read as audio ({reason}); {fix}", NO_FILE) from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or device"
        raise AudioError(f"{name}: cannot be read as audio ({kind}, no file); {fix}", NO_FILE)
    if not os.access(path, os.R_OK):
        raise AudioError(f"{name}: cannot be read as audio (permission denied); {fix}", NO_FILE)
    if not status.st_size:
        raise AudioError(f"{name}: cannot be read as audio (no bytes in it); {fix}", EMPTY)


def _require_rate(name: str, rate: float) -> None:
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        limits = f"{LOWEST_RATE / 1000:g} to {HIGHEST_RATE / 1000:g} kHz"
        raise AudioError(f"{name}: a sample rate of {rate} Hz; speech needs {limits}", NO_RATE_OF_SPEECH)


def _name(source) -> str:
    if isinstance(source, bytes):
        return "audio bytes"
    if not hasattr(source, "read"):
        return os.fspath(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "audio file"  # temporary ones have a number, or None


class _Decoded:
    """Mono blocks from frame `first` to before `last` of an open file, as far as they can be decoded.

    Attributes:
        frames: decoded so far.
    """

    def __init__(self, file: soundfile.SoundFile, first: int, last: int, name: str):
        self.file, self.first, self.last, self.name = file, first, last, name
        self.frames = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        file, wanted = self.file, self.last - self.first
        if self.first:
            self._seek()
        while self.frames < wanted:
            values = np.full((min(BLOCK_VALUES // file.channels, wanted - self.frames), file.channels), np.nan, "f4")
            try:
                block = file.read(out=values)
            except soundfile.SoundFileError:
                # What was decoded before the damage is there; the rest is as it was.
                block = values[: np.argmax(np.isnan(values[:, 0]))] if np.isnan(values[-1, 0]) else values
                wanted = 0
                if not self.frames and not len(block):
                    raise
            if not len(block):
                return
            self.frames += len(block)
            yield _mixed_down(block, self.name)

    def _seek(self) -> None:
        try:
            self.file.seek(self.first)
        except soundfile.SoundFileError as error:
            at = f"{self.first / self.file.samplerate:.1f} s"
            raise AudioError(f"{self.name}: cut short: nothing can be decoded from {at} on", CUT_SHORT) from error


def _mixed_down(samples: np.ndarray, name: str) -> np.ndarray:
    """The mean of the channels of `(N,)` or `(N, channels)`, which must be numbers."""
    with np.errstate(over="ignore", invalid="ignore"):  # found below
        mono = samples if samples.ndim == 1 else samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    # NaN is neither above nor below.
    if len(mono) and not (mono.min() >= -LOUDEST and mono.max() <= LOUDEST):
        raise AudioError(f"{name}: {NO_NUMBERS}; clean the recording first", NO_NUMBERS)
    return mono


def resampled(blocks: Iterable[np.ndarray], rate: int) -> Iterator[np.ndarray]:
    """The blocks at 16 kHz, with as many samples in all as their time has, rounded up."""
    if rate == SAMPLE_RATE:
        yield from blocks
        return
    import soxr  # most corpora are 16 kHz already

    stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")
    frames = given = 0
    for block in blocks:
        frames += len(block)
        made = stream.resample_chunk(np.ascontiguousarray(block))
        given += len(made)
        yield made
    made = stream.resample_chunk(np.zeros(0, np.float32), last=True)
    count = int(-(-frames * SAMPLE_RATE // rate)) - given
    yield np.pad(made, (0, max(0, count - len(made))))[:count]


def _in_pieces(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The same samples in arrays of `PIECE_SAMPLES`; what fits into one block is passed on as it is."""
    held, count = [], 0
    for block in blocks:
        held.append(block)
        count += len(block)
        if count >= PIECE_SAMPLES:
            yield _joined(held)
            held, count = [], 0
    yield _joined(held)


def _joined(pieces: list[np.ndarray]) -> np.ndarray:
    """One array of all pieces, which are let go one by one: at no time is everything there twice."""
    pieces = [piece for piece in pieces if len(piece)]
    if len(pieces) == 1:
        return np.ascontiguousarray(pieces[0], np.float32)
    samples, at = np.empty(sum(map(len, pieces)), np.float32), 0
    for i, piece in enumerate(pieces):
        samples[at : at + len(piece)] = piece
        at += len(piece)
        pieces[i] = piece = None
    return samples
