"""Where audio lies: in a file, in several joined, or in a prepared TFDS dataset. Nothing is decoded before `read`."""

import dataclasses
import zlib

import numpy as np

from keras_stt.audio import SAMPLE_RATE, read_audio

_LOUDEST_PAUSE = 10**-2.5  # power of a pause over that of the loudest 10 ms beside it: -25 dB


class AudioLocation:
    """A place audio can be read from. Subclasses are frozen dataclasses of JSON values, named by `kind`."""

    kind: str

    def read(self, start: float, end: float) -> np.ndarray:
        """The samples from `start` to `end` seconds: float32, 16 kHz mono.

        Raises:
            AudioError: they cannot be read, or not all of them.
        """
        raise NotImplementedError

    def to_json(self) -> dict:
        return {"kind": self.kind, **dataclasses.asdict(self)}


@dataclasses.dataclass(frozen=True)
class FileAudio(AudioLocation):
    """An audio file on disk."""

    path: str
    kind = "file"

    def read(self, start, end):
        return read_audio(self.path, start, end, whole=True)


@dataclasses.dataclass(frozen=True)
class JoinedAudio(AudioLocation):
    """Several recordings one after the other, each with a pause before it: digit strings from single digits.

    A pause is as loud as the quietest 10 ms of the recordings beside it and sounds like them: digital zero beside a
    noisy recording would tell a model where words begin. It is seeded by the parts, so it is always the same.

    Attributes:
        parts: pairs of a location and the seconds of pause before it.
        tail: seconds of pause at the end.
    """

    parts: tuple[tuple[AudioLocation, float], ...]
    tail: float = 0.0
    kind = "joined"

    def read(self, start, end):
        recordings = [location.read(0.0, None) for location, _ in self.parts]
        spectra = [_background(recording) for recording in recordings]
        gaps = [gap for _, gap in self.parts]
        # from lengths, not paths: a corpus that has moved sounds the same
        seed = zlib.crc32(repr([[len(recording) for recording in recordings], gaps, self.tail]).encode())
        noise = np.random.default_rng(seed)
        pieces = []
        for i, (recording, gap) in enumerate(zip(recordings, gaps, strict=True)):
            pieces += [_pause(spectra[max(i - 1, 0) : i + 1], round(gap * SAMPLE_RATE), noise), recording]
        pieces.append(_pause(spectra[-1:], round(self.tail * SAMPLE_RATE), noise))
        samples = np.concatenate(pieces)
        stop = None if end is None else round(end * SAMPLE_RATE)
        return samples[round(start * SAMPLE_RATE) : stop]

    def to_json(self):
        parts = [[location.to_json(), round(gap, 4)] for location, gap in self.parts]
        return {"kind": self.kind, "parts": parts, "tail": self.tail}


def _background(samples: np.ndarray) -> np.ndarray:
    """Mean magnitudes of the three quietest 10 ms of a recording, per sample.

    At most 25 dB below the loudest 10 ms: a recording that is cut tight has no background in it, only voice.
    """
    size = SAMPLE_RATE // 100
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    power = np.mean(frames**2, axis=1)
    if not power.any():
        return np.zeros(size // 2 + 1)
    quietest = np.argsort(power, kind="stable")[:3]
    spectrum = np.sqrt(np.mean(np.abs(np.fft.rfft(frames[quietest])) ** 2, axis=0) / size)
    level, limit = power[quietest].mean(), power.max() * _LOUDEST_PAUSE
    return spectrum * np.sqrt(limit / level) if level > limit else spectrum


def _pause(spectra: list[np.ndarray], count: int, noise: np.random.Generator) -> np.ndarray:
    """`count` samples of noise that sounds like the first of one or two spectra, then more and more like the last."""
    samples = np.zeros(count)
    if not count or not spectra:
        return samples.astype(np.float32)
    later = np.linspace(0.0, 1.0, count) if len(spectra) == 2 else np.zeros(count)
    for spectrum, share in zip(spectra, (1.0 - later, later), strict=False):
        white = np.fft.rfft(noise.standard_normal(count))
        shape = np.interp(np.linspace(0.0, 1.0, len(white)), np.linspace(0.0, 1.0, len(spectrum)), spectrum)
        samples += np.sqrt(share) * np.fft.irfft(white * shape, count)
    return samples.astype(np.float32)


def location_from_json(fields: dict) -> AudioLocation:
    """The inverse of `AudioLocation.to_json`."""
    fields = dict(fields)
    kind = fields.pop("kind")
    if kind == JoinedAudio.kind:
        parts = tuple((location_from_json(location), gap) for location, gap in fields["parts"])
        return JoinedAudio(parts, fields["tail"])
    if kind == FileAudio.kind:
        return FileAudio(**fields)
    if kind == "tfds":
        from keras_stt.data.tfds_audio import TFDSAudio  # needs tensorflow-datasets, which array users do without

        return TFDSAudio(**fields)
    if kind == "tfrecord":
        from keras_stt.data.tfrecord_audio import TFRecordAudio

        return TFRecordAudio(**fields)
    raise ValueError(f"unknown audio location {kind!r}")
