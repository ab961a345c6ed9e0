"""TFDS builder of LibriSpeech, one official archive at a time: no 61 GB for a user who needs 6, no ffmpeg, no pydub."""

import dataclasses
import io
import os

import numpy as np
import soundfile
import tensorflow_datasets.public_api as tfds

from keras_stt.data.librispeech_subset import SUBSETS, URL, archive_name
from keras_stt.data.librispeech_subset.archive import read_archive
from keras_stt.errors import InputError


@dataclasses.dataclass(kw_only=True)
class LibrispeechSubsetConfig(tfds.core.BuilderConfig):
    """A config for each archive; `name` is the archive's name without `.tar.gz`."""


class Builder(tfds.core.GeneratorBasedBuilder):
    """Reads `CONFIG.tar.gz` from the manual folder; never uses the network.

    FLAC bytes are kept as they are in the archive. Features: `id`, `speech` (bytes of a FLAC file), `text`,
    `speaker_id`, `chapter_id`, `duration` (seconds). The one split has the name it has in TFDS's `librispeech`.

    Attributes:
        on_read: called with the number of bytes whenever some of the archive are read.
    """

    on_read = None

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "FLAC bytes with durations, one config for each official archive."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"Put the archive of the config, for example train-clean-100.tar.gz, there: {URL}"
    BUILDER_CONFIGS = [
        LibrispeechSubsetConfig(name=name, description=f"{archive_name(name)} of LibriSpeech.") for name in SUBSETS
    ]

    def _info(self):
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "id": tfds.features.Text(),
                    "speech": tfds.features.Scalar(np.object_, doc="bytes of a FLAC file, 16 kHz mono"),
                    "text": tfds.features.Text(),
                    "speaker_id": np.int64,
                    "chapter_id": np.int64,
                    "duration": tfds.features.Scalar(np.float32, doc="seconds"),
                }
            ),
            homepage=URL,
            metadata=tfds.core.MetadataDict(archive_bytes=0),
        )

    def _split_generators(self, dl_manager):
        subset = self.builder_config.name
        try:
            folder = dl_manager.manual_dir
        except AssertionError as error:  # no such folder, or an empty one
            raise InputError(f"{archive_name(subset)}: no folder with it; fetch it from {URL}") from error
        path = folder / archive_name(subset)
        if not path.exists():
            raise InputError(f"{path}: no such file; fetch {archive_name(subset)} from {URL}")
        self.info.metadata["archive_bytes"] = os.path.getsize(path)
        return {SUBSETS[subset].split: self._generate_examples(path)}

    def _generate_examples(self, path):
        for utterance in read_archive(path, self.builder_config.name, self.on_read):
            speaker, chapter, _ = utterance.id.split("-")
            try:
                header = soundfile.info(io.BytesIO(utterance.flac))
            except soundfile.LibsndfileError as error:
                raise InputError(f"{path}: {utterance.id}.flac is no audio; fetch the archive again") from error
            yield (
                utterance.id,
                {
                    "id": utterance.id,
                    "speech": utterance.flac,
                    "text": utterance.text,
                    "speaker_id": int(speaker),
                    "chapter_id": int(chapter),
                    "duration": header.frames / header.samplerate,
                },
            )
