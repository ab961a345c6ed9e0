"""Recordings of single spoken digits, from a folder of WAV files or from TFDS's spoken_digit."""

import dataclasses
import os
import re

import numpy as np
import soundfile

from keras_stt.audio import SAMPLE_RATE
from keras_stt.data.locations import AudioLocation, FileAudio
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.data.sources.prepared import download_error, find_prepared, located_examples, tfds_root
from keras_stt.errors import FlagError, InputError

URL = "https://github.com/Jakobovski/free-spoken-digit-dataset"
_FILE_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[^_]+)_(?P<take>\d+)\.wav")
_TFDS_SAMPLE_RATE = 8_000  # Hz
_FRAMES_PER_SECOND = 400  # 2.5 ms
_SILENCE_DB = -35.0  # below the loudest frame; the corpus's noisiest speakers have their background at about -30


@dataclasses.dataclass(frozen=True)
class DigitRecording:
    """One spoken digit.

    Attributes:
        name: file name, unique in the corpus.
        audio: where it is.
        digit: 0 to 9.
        speaker: the speaker's name.
        duration: seconds of the recording.
        voice: `(start, end)` in seconds, from the first to the last frame with voice in it.
    """

    name: str
    audio: AudioLocation
    digit: int
    speaker: str
    duration: float
    voice: tuple[float, float]


def recordings_in_folder(folder: str) -> list[DigitRecording]:
    """Reads `{digit}_{speaker}_{take}.wav` in a folder or in its `recordings`, in order of their names.

    Raises:
        FlagError: no such recordings there.
        InputError: a recording cannot be read.
    """
    if not folder:
        raise FlagError("data_dir", f"not given; give the folder of spoken digits ({URL})")
    folder = os.path.abspath(os.path.expanduser(folder))
    inner = os.path.join(folder, "recordings")
    folder = inner if os.path.isdir(inner) else folder
    names = sorted(filter(_FILE_NAME.fullmatch, os.listdir(folder))) if os.path.isdir(folder) else []
    if not names:
        raise FlagError("data_dir", f"no DIGIT_SPEAKER_TAKE.wav in {folder}; give the folder of {URL}")
    return [_from_file(os.path.join(folder, name)) for name in names]


def recordings_in_tfds(options: CorpusOptions) -> list[DigitRecording]:
    """Reads TFDS's `spoken_digit` from data_dir, where `options.download` may put it first.

    Raises:
        FlagError: it is not there and may not be downloaded.
    """
    root = tfds_root(options)
    found = find_prepared(root, "spoken_digit")
    if not found and not options.download:
        raise FlagError(
            "data_dir",
            f"no prepared spoken_digit in {root}; give the folder TFDS prepared it in, or --download, "
            f"or --dataset=digits with the folder of {URL}",
        )
    builder_dir = found[0] if found else _download(root)
    recordings = []
    for location, example in located_examples(builder_dir, "train", "audio"):
        samples = np.asarray(example["audio"], np.int16)  # kept as int64, recorded with 16 bits
        recordings.append(_recording(example["audio/filename"].decode(), location, samples, _TFDS_SAMPLE_RATE))
    return sorted(recordings, key=lambda recording: recording.name)


def _from_file(path: str) -> DigitRecording:
    try:
        samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise InputError(f"{path}: cannot be read as audio ({error}); fetch it again from {URL}") from error
    return _recording(os.path.basename(path), FileAudio(path), samples.mean(axis=1), sample_rate)


def _recording(name: str, audio: AudioLocation, samples: np.ndarray, sample_rate: int) -> DigitRecording:
    parts = _FILE_NAME.fullmatch(name)
    if not parts:
        raise InputError(f"{name}: not named DIGIT_SPEAKER_TAKE.wav; rename it or leave it out")
    # length after resampling, so that times stay exact however many recordings are joined
    duration = -(-len(samples) * SAMPLE_RATE // sample_rate) / SAMPLE_RATE
    start, end = voice_extent(samples, sample_rate)
    return DigitRecording(name, audio, int(parts["digit"]), parts["speaker"], duration, (start, min(end, duration)))


def voice_extent(samples: np.ndarray, sample_rate: int) -> tuple[float, float]:
    """Start and end, in seconds, of what is less than 35 dB below the loudest 2.5 ms; the whole where all is silent."""
    size = max(1, round(sample_rate / _FRAMES_PER_SECOND))
    count = -(-len(samples) // size)
    padded = np.pad(np.asarray(samples, np.float64), (0, count * size - len(samples)))
    energy = np.mean(padded.reshape(-1, size) ** 2, axis=1)
    if not energy.any():
        return 0.0, len(samples) / sample_rate
    voiced = np.flatnonzero(energy > energy.max() * 10 ** (_SILENCE_DB / 10))
    return int(voiced[0]) * size / sample_rate, min((int(voiced[-1]) + 1) * size, len(samples)) / sample_rate


def _download(root: str) -> str:
    """Downloads and prepares spoken_digit through TFDS and returns its folder."""
    import tensorflow_datasets as tfds  # slow to import, and corpora of plain files do without

    builder = tfds.builder("spoken_digit", data_dir=root, file_format="array_record")
    generate = builder._generate_examples

    def generate_without_pydub(path):  # TFDS takes arrays as well as paths, which it would open with pydub
        for key, example in generate(path):
            yield key, {**example, "audio": soundfile.read(example["audio"], dtype="int16")[0].astype(np.int64)}

    builder._generate_examples = generate_without_pydub
    try:
        builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    except Exception as error:  # TFDS lets the errors of its libraries through
        raise download_error("spoken_digit", error) from error
    return os.fspath(builder.data_path)
