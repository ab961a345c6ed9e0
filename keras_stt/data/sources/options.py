"""What a corpus is asked for, and how one without named splits is divided."""

import dataclasses
import hashlib

SPLITS = ("train", "dev", "test")


@dataclasses.dataclass(frozen=True)
class CorpusOptions:
    """What the data flags say.

    Attributes:
        dataset: name in `keras_stt.data.sources.SOURCES`.
        data_dir: folder or file of the corpus; for TFDS corpora, the folder TFDS prepared them in.
        archive_dir: folder with a corpus's official archives (`train-clean-100.tar.gz`).
        splits: per split, comma-separated names of the corpus's own parts; empty: chosen by the source.
        dev_speakers, test_speakers: speakers held out, for corpora without named splits.
        cache_dir: where built corpora, indexes and features are kept.
        download: whether the network may be used.
        seed: of everything a source draws.
    """

    dataset: str
    data_dir: str = ""
    archive_dir: str = ""
    splits: tuple[tuple[str, str], ...] = ()
    dev_speakers: tuple[str, ...] = ()
    test_speakers: tuple[str, ...] = ()
    cache_dir: str = ""
    download: bool = False
    seed: int = 0

    def split_names(self, split: str) -> list[str]:
        """The corpus's own parts that the user named for `split`."""
        return [name for name in dict(self.splits).get(split, "").split(",") if name]


def split_of_speaker(speaker: str, options: CorpusOptions) -> str:
    """A split for each speaker: the flags' choice, else 80/10/10 by a hash of the speaker's name."""
    if speaker in options.test_speakers:
        return "test"
    if speaker in options.dev_speakers:
        return "dev"
    # Names of folders are speakers too, and they may be no Unicode.
    share = int(hashlib.sha256(speaker.encode("utf-8", "surrogatepass")).hexdigest()[:8], 16) / 2**32
    if share < 0.1 and not options.test_speakers:
        return "test"
    if 0.1 <= share < 0.2 and not options.dev_speakers:
        return "dev"
    return "train"
