"""What all tests share: a quiet backend on the CPU, a corpus of tones, a tiny model, and the folder of real data."""

import os

# Before anything imports Keras or TensorFlow.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import copy
import dataclasses
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from keras_stt.audio import SAMPLE_RATE
from keras_stt.data.feature_store import FeatureStore, open_features
from keras_stt.data.index import Index, build_index
from keras_stt.data.locations import FileAudio
from keras_stt.data.records import Record
from keras_stt.text import Vocabulary

pytest.register_assert_rewrite("layer_contract", "format_contract")

WORDS = ("ALFA", "BRAVO", "CHARLIE", "DELTA", "ECHO", "FOXTROT")
WORD_SECONDS, PAUSE_SECONDS = 0.24, 0.11


@dataclasses.dataclass(frozen=True)
class ToneCorpus:
    """Utterances whose words are tones, one pitch for each word of the vocabulary."""

    records: list[Record]
    index: Index
    features: FeatureStore
    vocabulary: Vocabulary


def tone(word: str) -> np.ndarray:
    """The sound of a word: float32 samples at 16 kHz."""
    time = np.arange(round(WORD_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = 300 * 1.4 ** WORDS.index(word)  # Hz
    return (0.3 * np.sin(2 * np.pi * pitch * time)).astype(np.float32)


def say(words, noise: np.random.Generator):
    """Samples and word times of a sequence of tones, with pauses of faint noise around them."""
    samples, times = [np.zeros(round(PAUSE_SECONDS * SAMPLE_RATE), np.float32)], []
    for word in words:
        start = sum(map(len, samples)) / SAMPLE_RATE
        samples += [tone(word), np.zeros(round(PAUSE_SECONDS * SAMPLE_RATE), np.float32)]
        times.append((start, start + WORD_SECONDS))
    samples = np.concatenate(samples)
    return samples + 1e-3 * noise.standard_normal(len(samples)).astype(np.float32), tuple(times)


def write_tone_records(folder, word_counts, seed=0) -> list[Record]:
    """One WAV file and record for each of `word_counts`."""
    rng = np.random.default_rng(seed)
    records = []
    for i, count in enumerate(word_counts):
        words = rng.choice(WORDS, count).tolist()
        samples, times = say(words, rng)
        path = folder / f"{i}.wav"
        soundfile.write(path, samples, SAMPLE_RATE, subtype="PCM_16")
        duration = len(samples) / SAMPLE_RATE
        records.append(Record(f"u{i}", FileAudio(str(path)), 0.0, duration, f"s{i % 3}", " ".join(words), times))
    return records


@pytest.fixture(scope="session")
def tone_corpus(tmp_path_factory) -> ToneCorpus:
    """Nine utterances of one to nine words: an index, its features and its vocabulary."""
    folder = tmp_path_factory.mktemp("tones")
    records = write_tone_records(folder, [4, 1, 7, 3, 9, 2, 5, 8, 6])
    index = build_index(records, folder / "index", "tones")
    features = open_features(index, folder / "features", "tones")
    return ToneCorpus(records, index, features, Vocabulary(WORDS))


@pytest.fixture(scope="session")
def tiny_recognizer():
    """An untrained model of four words and 1.92 s; for reading only."""
    import keras

    from keras_stt.recognizer import Recognizer

    keras.utils.set_random_seed(0)
    size = {"text_context": 4, "audio_context": 32, "model_dim": 16, "audio_blocks": 1, "blocks": 1}
    return Recognizer(Vocabulary(WORDS).to_list(), **size, attention_heads=2)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real recordings: `librispeech/{train,dev,test}` and `fsdd/recordings`. Skips without one."""
    name = os.environ.get("KERAS_STT_TEST_DATA")
    if not name:
        pytest.skip("KERAS_STT_TEST_DATA is unset: names the folder of librispeech/ and fsdd/")
    if not Path(name).is_dir():
        pytest.skip(f"KERAS_STT_TEST_DATA={name}: no such folder")
    return Path(name)


@pytest.fixture(scope="session")
def train_flags():
    """The flags of train_main.py, at their defaults."""
    sys.path.insert(0, str(Path(__file__).parent.parent))
    import train_main

    return train_main.flags.FLAGS


@pytest.fixture(scope="session")
def read_options_of(train_flags):
    """Reads arguments as train_main.py does: `options_of` for what several tests share. Flagfiles are not in reach."""

    def read(*arguments: str):
        from keras_stt.train.options import TrainOptions

        flags = copy.deepcopy(train_flags)
        flags(["train_main.py", *arguments])
        return TrainOptions(**{flag.name: flag.value for flag in flags.get_flags_for_module("train_main")})

    return read


@pytest.fixture
def options_of(read_options_of, monkeypatch):
    """Reads arguments as train_main.py does, in the folder in which it is run."""
    monkeypatch.chdir(Path(__file__).parent.parent)  # where nested flagfiles are looked for
    return read_options_of


@pytest.fixture
def benchmark(monkeypatch):
    """Imports a program of benchmarks/ as it is imported there."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "benchmarks"))
    return importlib.import_module
