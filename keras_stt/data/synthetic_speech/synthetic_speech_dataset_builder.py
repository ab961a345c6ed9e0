"""The TFDS builder: sentences of a small grammar, or digits, spoken by espeak-ng, with exact word times."""

import dataclasses
import hashlib
from collections.abc import Callable

import numpy as np
import tensorflow_datasets as tfds

from keras_stt.data.synthetic_sentences import digit_strings, utterances
from keras_stt.data.synthetic_speech.recording import record
from keras_stt.data.synthetic_speech.speakers import speakers


@dataclasses.dataclass
class SyntheticSpeechConfig(tfds.core.BuilderConfig):
    """Utterances per split; `text` makes theirs from `sizes`."""

    train: int = 2000
    dev: int = 100
    test: int = 200
    text: Callable[[dict[str, int]], dict[str, list[str]]] = utterances

    def sizes(self) -> dict[str, int]:
        return {"train": self.train, "dev": self.dev, "test": self.test}


class Builder(tfds.core.GeneratorBasedBuilder):
    """Every build gives the same rows in the same order.

    Attributes:
        on_utterance: called after each utterance, for a progress bar.
        content: once prepared, a SHA-256 over all utterances: the same for every build, which that of the files is
            not (TFDS serialises the features of an example in any order).
    """

    VERSION = tfds.core.Version("1.0.0")  # a changed word, voice or number anywhere in the recipe is a new version
    RELEASE_NOTES = {"1.0.0": "First release."}
    BUILDER_CONFIGS = [
        SyntheticSpeechConfig(name="default", description="Some three hours of training speech."),
        SyntheticSpeechConfig(
            name="digits", description="Digit strings.", train=2400, dev=100, test=100, text=digit_strings
        ),
        SyntheticSpeechConfig(name="tiny", description="For tests: minutes.", train=40, dev=10, test=12),
    ]
    on_utterance: Callable[[], object] = staticmethod(lambda: None)
    content: str = ""

    def _info(self):
        features = {
            "id": tfds.features.Text(doc="split-00042"),
            "speech": tfds.features.Tensor(shape=(), dtype=np.bytes_, doc="A FLAC file: 16 kHz, mono, 16 bits."),
            "text": tfds.features.Text(doc="Lower case, no punctuation."),
            "speaker": tfds.features.Text(doc="The espeak-ng voice: accent+variant."),
            "duration": tfds.features.Scalar(np.float64, doc="Seconds."),
            "word_starts": tfds.features.Tensor(shape=(None,), dtype=np.float32, doc="Seconds, one for every word."),
            "word_ends": tfds.features.Tensor(shape=(None,), dtype=np.float32, doc="Seconds, one for every word."),
        }
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        digest = hashlib.sha256()
        texts = self.builder_config.text(self.builder_config.sizes())
        return {split: self._generate_examples(split, texts[split], digest) for split in texts}

    def _generate_examples(self, split, texts, digest):
        split_speakers = speakers(split)
        for index, spoken in enumerate(texts):
            utterance_id = f"{split}-{index:05d}"
            speaker = split_speakers[index % len(split_speakers)]
            recording = record(spoken, speaker, utterance_id)
            text = spoken.replace(",", "")
            starts, ends = np.ascontiguousarray(np.array(recording.word_times, np.float32).T)
            for part in (utterance_id.encode(), text.encode(), recording.samples, starts, ends):
                digest.update(part)
            self.content = digest.hexdigest()
            self.on_utterance()
            yield (
                utterance_id,
                {
                    "id": utterance_id,
                    "speech": recording.flac(),
                    "text": text,
                    "speaker": speaker.voice,
                    "duration": recording.duration,
                    "word_starts": starts,
                    "word_ends": ends,
                },
            )
