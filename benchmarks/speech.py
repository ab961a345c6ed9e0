"""The recordings that speeds are measured on: of LibriSpeech where a folder is given, else of the embedded corpus."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from keras_stt.audio import SAMPLE_RATE
from keras_stt.data.sources import open_corpus
from keras_stt.data.sources.options import CorpusOptions

FORMATS = {"FLAC": ("FLAC", "PCM_16"), "Opus": ("OGG", "OPUS")}  # as soundfile names container and coding


def recordings(data_dir: str = "", seconds: float = 300.0) -> list[np.ndarray]:
    """Utterances of dev, float32 at 16 kHz, that last about so many seconds together.

    Args:
        data_dir: a folder of LibriSpeech folders; "" takes the embedded corpus, which is built at the first time.
    """
    corpus = CorpusOptions("librispeech_folder", data_dir=data_dir) if data_dir else CorpusOptions("synthetic_tiny")
    found, samples = [], 0
    for record in open_corpus(corpus)["dev"]:
        found.append(record.read())
        samples += len(found[-1])
        if samples >= seconds * SAMPLE_RATE:
            return found
    times = max(1, round(seconds * SAMPLE_RATE / samples))  # a corpus that is shorter is read more than once
    return found * times


@contextlib.contextmanager
def written(utterances: list[np.ndarray], kind: str) -> Iterator[list[Path]]:
    """A file of each utterance, of a kind in `FORMATS`, in a folder that is there for that long."""
    container, coding = FORMATS[kind]
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.{kind.lower()}" for number in range(len(utterances))]
        for path, samples in zip(paths, utterances, strict=True):
            soundfile.write(path, samples, SAMPLE_RATE, format=container, subtype=coding)
        yield paths
