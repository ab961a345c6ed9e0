"""The shipped flagfiles on real recordings, where KERAS_STT_TEST_DATA names a folder of them."""

import itertools
import json
import os
import tarfile
from pathlib import Path

import keras
import pytest
import soundfile

from keras_stt.train.run import train as run_of

DATA = Path(os.environ.get("KERAS_STT_TEST_DATA", "no folder"))
SUBSETS = {"train": "train-clean-100", "dev": "dev-clean", "test": "test-clean"}
SMALL = (
    *("--model_dim=16", "--audio_blocks=1", "--blocks=1", "--attention_heads=2", "--nogradient_norms"),
    *("--batch_size=8", "--epochs=1", "--steps_per_epoch=4", "--test_utterances=2", "--max_utterances=40"),
)

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not (DATA / "librispeech").is_dir(), reason="KERAS_STT_TEST_DATA names no real speech"),
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the pipeline is tf.data"),
]


@pytest.fixture
def train(options_of):
    """Trains a small model as a flagfile says, and returns the summary of the run."""

    def train(flagfile, *flags) -> dict:
        return run_of(options_of(f"--flagfile=flags/{flagfile}", *SMALL, *flags))

    return train


def pack(split: str, folder: Path, utterances: int) -> dict[str, str]:
    """An archive with the official name and layout of a few utterances; returns their texts by id."""
    texts = {}
    transcripts = sorted((DATA / "librispeech" / split).rglob("*.trans.txt"))
    with tarfile.open(folder / f"{SUBSETS[split]}.tar.gz", "w:gz", compresslevel=1) as archive:
        for transcript in itertools.islice(transcripts, 0, None, max(1, len(transcripts) // utterances)):
            name, text = transcript.read_text().splitlines()[0].split(" ", 1)
            (source,) = transcript.parent.glob(f"{name}.*")
            inside = f"LibriSpeech/{SUBSETS[split]}/{'/'.join(transcript.parts[-3:-1])}"
            flac, lines = folder / f"{name}.flac", folder / "lines.txt"
            soundfile.write(flac, soundfile.read(source, dtype="int16")[0], 16_000)
            lines.write_text(f"{name} {text}\n")
            archive.add(flac, f"{inside}/{name}.flac")
            archive.add(lines, f"{inside}/{transcript.name}")
            texts[name] = text
    return texts


def test_librispeech_archives_stream_through_tfds_into_fit(train, tmp_path):
    archives = tmp_path / "archives"
    archives.mkdir()
    texts = {split: pack(split, archives, utterances=6) for split in SUBSETS}
    cache = tmp_path / "cache"
    flags = (f"--archive_dir={archives}", f"--cache_dir={cache}", f"--output_dir={tmp_path / 'run'}")
    summary = train("librispeech.cfg", *flags)
    assert summary["dataset"] == "librispeech"
    assert summary["steps"] == 4
    indexed = {
        split: {record["id"]: record["text"] for record in map(json.loads, path.read_text().splitlines())}
        for split in SUBSETS
        for path in cache.glob(f"corpora/*/{split}/records.jsonl")
    }
    assert indexed == texts


def test_librispeech_folders_train_infill_with_textgrids(train, tmp_path):
    folder = DATA / "librispeech"
    flags = (
        f"--data_dir={folder}",
        f"--alignment_dir={folder / 'alignments'}",
        "--notrain_known_times",
    )
    summary = train(
        "librispeech_folder.cfg", *flags, f"--cache_dir={tmp_path / 'cache'}", f"--output_dir={tmp_path / 'run'}"
    )
    assert summary["task"] == "infill"
    assert 0 < summary["dev_masked_words"]["masked_error"] <= 1


def test_digits_hold_out_the_speakers_that_are_named(train, tmp_path):
    flags = (
        f"--data_dir={DATA / 'fsdd'}",
        "--test_speakers=theo,lucas",
        "--dev_speakers=george",
        "--extra_train_dataset=",
    )
    summary = train("digits.cfg", *flags, f"--cache_dir={tmp_path / 'cache'}", f"--output_dir={tmp_path / 'run'}")
    assert summary["test_speakers"] == ["lucas", "theo"]
