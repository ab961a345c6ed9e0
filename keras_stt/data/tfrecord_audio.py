"""Audio inside a TFDS dataset prepared as TFRecord, TFDS's default: any row at once, by its place in the file."""

import dataclasses
import functools
import os
import struct
from collections.abc import Iterator

import numpy as np

from keras_stt.audio import SAMPLE_RATE, read_audio, to_mono_16k
from keras_stt.data.locations import AudioLocation
from keras_stt.errors import InputError

_HEADER = struct.Struct("<QI")  # length of the data in bytes, its checksum; then the data and its checksum
_CHECKSUM_BYTES = 4


@dataclasses.dataclass(frozen=True)
class TFRecordAudio(AudioLocation):
    """One record of a record file.

    Attributes:
        path: the record file.
        offset, length: bytes; where the record's data starts, and how long it is.
        builder_dir: folder of the prepared dataset, `.../name/config/version`, which knows the record's features.
        feature: the feature that holds the audio: the bytes of an audio file, or integer samples of 16 bits.
    """

    path: str
    offset: int
    length: int
    builder_dir: str
    feature: str = "speech"
    kind = "tfrecord"

    def read(self, start, end):
        value = self.example()[self.feature]
        if isinstance(value, bytes):
            return read_audio(value, start, end, whole=True)
        sample_rate = getattr(_features(self.builder_dir)[self.feature], "sample_rate", None) or SAMPLE_RATE
        # TFDS keeps decoded samples as int64, whatever their width was: every speech corpus it has is 16 bits wide.
        stop = None if end is None else round(end * sample_rate)
        return to_mono_16k(np.asarray(value[round(start * sample_rate) : stop], np.int16), sample_rate)

    def example(self) -> dict:
        """All features of the record; the audio as it is stored: bytes of an audio file, or an integer array.

        Raises:
            InputError: the file is gone or shorter than it was.
        """
        import tensorflow_datasets as tfds  # slow to import, and corpora of plain files do without

        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                data = file.read(self.length)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error}); prepare the corpus again") from error
        if len(data) != self.length:
            raise InputError(f"{self.path}: ends before byte {self.offset + self.length}; prepare the corpus again")
        decoders = {self.feature: tfds.decode.SkipDecoding()}
        return _features(self.builder_dir).deserialize_example_np(data, decoders=decoders)


def record_places(path) -> Iterator[tuple[int, int]]:
    """Offset and length, in bytes, of the data of every record of a TFRecord file, without reading the data.

    Raises:
        InputError: the file ends within a record.
    """
    path = os.fspath(path)
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        offset = 0
        while offset < size:
            file.seek(offset)
            header = file.read(_HEADER.size)
            length = _HEADER.unpack(header)[0] if len(header) == _HEADER.size else size
            data = offset + _HEADER.size
            offset = data + length + _CHECKSUM_BYTES
            if offset > size:
                raise InputError(f"{path}: cut short at byte {size}; prepare the corpus again")
            yield data, length


@functools.lru_cache(maxsize=16)
def _features(builder_dir: str):
    import tensorflow_datasets as tfds

    return tfds.builder_from_directory(builder_dir).info.features
