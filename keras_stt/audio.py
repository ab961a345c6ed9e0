"""Files and arrays to 16 kHz mono float32 samples."""

import io
import os

import numpy as np
import soundfile

from keras_stt.errors import InputError

SAMPLE_RATE = 16_000  # Hz; every model of this package hears this rate
EXTENSIONS = (".flac", ".opus", ".wav", ".ogg", ".mp3")


def to_mono_16k(samples, sample_rate: int) -> np.ndarray:
    """Averages channels and resamples to 16 kHz.

    Args:
        samples: `(N,)` or `(N, channels)`; integers are scaled by their type's range, floats are taken as they are.
        sample_rate: Hz.

    Returns:
        float32 `(M,)` at `SAMPLE_RATE`.
    """
    samples = np.asarray(samples)
    if samples.ndim not in (1, 2):
        raise InputError(f"audio array: shape {samples.shape}, expected (samples,) or (samples, channels)")
    if sample_rate <= 0:
        raise InputError(f"audio array: sample rate {sample_rate} Hz, expected a positive number")
    if np.issubdtype(samples.dtype, np.integer):
        span = np.iinfo(samples.dtype)
        middle = (int(span.max) + int(span.min) + 1) // 2  # 128 is the silence of unsigned bytes
        samples = (samples.astype(np.float64) - middle) / ((int(span.max) - int(span.min) + 1) / 2)
    elif not np.issubdtype(samples.dtype, np.floating):
        raise InputError(f"audio array: {samples.dtype} values, expected integers or floats")
    samples = samples.astype(np.float32, copy=False)
    if samples.ndim == 2:
        samples = samples.mean(axis=1)
    if not np.isfinite(samples).all():
        raise InputError("audio array: NaN or infinite samples; clean the recording first")
    if sample_rate != SAMPLE_RATE and len(samples):
        import librosa  # slow to import, and most corpora are 16 kHz already

        samples = librosa.resample(samples, orig_sr=sample_rate, target_sr=SAMPLE_RATE, res_type="soxr_hq")
    return np.ascontiguousarray(samples, dtype=np.float32)


def read_audio(source, start: float = 0.0, end: float | None = None) -> np.ndarray:
    """Reads a recording, or the part of it from `start` to `end` seconds, as 16 kHz mono float32.

    Args:
        source: a path or the bytes of an audio file, in any format soundfile reads (FLAC, WAV, Ogg Opus, MP3, ...).
        start, end: seconds; `end=None` reads to the end.

    Raises:
        InputError: the file is missing or cannot be decoded.
    """
    name = "audio bytes" if isinstance(source, bytes) else os.fspath(source)
    try:
        with soundfile.SoundFile(io.BytesIO(source) if isinstance(source, bytes) else source) as file:
            rate = file.samplerate
            if start:
                file.seek(min(round(start * rate), file.frames))
            frames = -1 if end is None else max(0, round(end * rate) - round(start * rate))
            samples = file.read(frames, dtype="float32")
    except (soundfile.LibsndfileError, OSError, TypeError) as error:
        reason = "no such file" if not isinstance(source, bytes) and not os.path.exists(source) else error
        raise InputError(f"{name}: cannot be read as audio ({reason}); give a FLAC, WAV, Opus or MP3 file") from error
    return to_mono_16k(samples, rate)


def audio_duration(path) -> float:
    """Seconds of a recording, from its header alone.

    Raises:
        InputError: the file is missing or is no audio file.
    """
    try:
        info = soundfile.info(os.fspath(path))
    except (soundfile.LibsndfileError, OSError) as error:
        raise InputError(f"{path}: cannot be read as audio ({error}); give a FLAC, WAV, Opus or MP3 file") from error
    return info.frames / info.samplerate
