"""Where audio lies: in a file, in several files joined, or in a prepared TFDS dataset. Nothing is decoded before `read`."""

import dataclasses

import numpy as np

from keras_stt.audio import SAMPLE_RATE, read_audio


class AudioLocation:
    """A place audio can be read from. Subclasses are frozen dataclasses of JSON values, named by `kind`."""

    kind: str

    def read(self, start: float, end: float) -> np.ndarray:
        """The samples from `start` to `end` seconds: float32, 16 kHz mono."""
        raise NotImplementedError

    def to_json(self) -> dict:
        return {"kind": self.kind, **dataclasses.asdict(self)}


@dataclasses.dataclass(frozen=True)
class FileAudio(AudioLocation):
    """An audio file on disk."""

    path: str
    kind = "file"

    def read(self, start, end):
        return read_audio(self.path, start, end)


@dataclasses.dataclass(frozen=True)
class JoinedAudio(AudioLocation):
    """Several recordings one after the other, each with silence before it: digit strings from single digits.

    Attributes:
        parts: pairs of a location and the seconds of silence before it.
        tail: seconds of silence at the end.
    """

    parts: tuple[tuple[AudioLocation, float], ...]
    tail: float = 0.0
    kind = "joined"

    def read(self, start, end):
        pieces = []
        for location, gap in self.parts:
            pieces += [np.zeros(round(gap * SAMPLE_RATE), np.float32), location.read(0.0, None)]
        pieces.append(np.zeros(round(self.tail * SAMPLE_RATE), np.float32))
        samples = np.concatenate(pieces)
        stop = None if end is None else round(end * SAMPLE_RATE)
        return samples[round(start * SAMPLE_RATE) : stop]

    def to_json(self):
        parts = [[location.to_json(), round(gap, 4)] for location, gap in self.parts]
        return {"kind": self.kind, "parts": parts, "tail": self.tail}


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
    raise ValueError(f"unknown audio location {kind!r}")
