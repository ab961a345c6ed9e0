"""Audio inside a TFDS dataset prepared as array_record: any row at once, and only that row decoded."""

import contextlib
import dataclasses
import functools
import io
import os
import threading

import numpy as np

from keras_stt.audio import SAMPLE_RATE, read_audio, to_mono_16k
from keras_stt.data.locations import AudioLocation
from keras_stt.errors import InputError

_opening = threading.Lock()


@dataclasses.dataclass(frozen=True)
class TFDSAudio(AudioLocation):
    """One row of a split of a prepared dataset.

    Attributes:
        builder_dir: folder of the prepared dataset, `.../name/config/version`.
        split: the split's name in TFDS (`train`, `train_clean100`, ...).
        row: position in the split, as `as_data_source(split)` counts.
        feature: the feature that holds the audio: the bytes of an audio file, or integer samples of 16 bits.
    """

    builder_dir: str
    split: str
    row: int
    feature: str = "speech"
    kind = "tfds"

    def read(self, start, end):
        source, sample_rate = open_split(self.builder_dir, self.split, self.feature)
        value = source[self.row][self.feature]
        if isinstance(value, bytes):
            return read_audio(value, start, end, whole=True)
        # TFDS keeps decoded samples as int64, whatever their width was: every speech corpus it has is 16 bits wide.
        stop = None if end is None else round(end * sample_rate)
        return to_mono_16k(np.asarray(value[round(start * sample_rate) : stop], np.int16), sample_rate)


def open_split(builder_dir: str, split: str, feature: str = "speech"):
    """Opens a split for random access without decoding its audio; opened once per process.

    Returns:
        the sequence of examples, safe to read from several threads, and the sample rate in Hz of audio that is kept as
        samples. `feature` is left as it is stored: bytes of an audio file, or an integer array.

    Raises:
        InputError: there is no such dataset or split, or it was not prepared as array_record.
    """
    with _opening:  # lru_cache alone would let two threads open the same files twice
        return _open_split(os.getpid(), os.fspath(builder_dir), split, feature)


@functools.lru_cache(maxsize=16)
def _open_split(process_id: int, builder_dir: str, split: str, feature: str):
    """`process_id` keeps a forked worker from using its parent's readers, whose threads it does not have."""
    import tensorflow_datasets as tfds  # slow to import, and corpora of plain files do without

    if not os.path.isfile(os.path.join(builder_dir, "dataset_info.json")):
        raise InputError(f"{builder_dir}: no prepared TFDS dataset there; prepare the corpus again or mend the path")
    with quiet_tfds():
        builder = tfds.builder_from_directory(builder_dir)
    if split not in builder.info.splits:
        raise InputError(f"{builder_dir}: no split {split!r}; it has {', '.join(sorted(builder.info.splits))}")
    if feature not in builder.info.features:
        raise InputError(f"{builder_dir}: no feature {feature!r}; it has {', '.join(sorted(builder.info.features))}")
    try:
        source = builder.as_data_source(split, decoders={feature: tfds.decode.SkipDecoding()})
    except NotImplementedError as error:
        raise InputError(
            f"{builder_dir}: prepared without random access; prepare it with file_format='array_record'"
        ) from error
    return source, getattr(builder.info.features[feature], "sample_rate", None) or SAMPLE_RATE


def forget_open_splits() -> None:
    """Lets go of all opened datasets: for one that has just been prepared anew in the same folder."""
    _open_split.cache_clear()


@contextlib.contextmanager
def quiet_tfds():
    """Keeps TFDS from reporting each step it takes: its log lines, what it prints, its progress bars."""
    import tensorflow_datasets as tfds
    from absl import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    tfds.disable_progress_bar()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        tfds.enable_progress_bar()
        logging.set_verbosity(verbosity)
