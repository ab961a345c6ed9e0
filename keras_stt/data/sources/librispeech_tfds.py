"""LibriSpeech through TFDS: from the official archives, from what TFDS has prepared, or downloaded.

Whatever was prepared is read in place with random access, as FLAC bytes where the dataset has them.
"""

import io
import logging
import os
from collections.abc import Container, Iterator, Sequence

import soundfile

from keras_stt.audio import SAMPLE_RATE
from keras_stt.data.librispeech_subset import ARCHIVE_URL, SUBSETS, URL, archive_name
from keras_stt.data.librispeech_subset.prepare import NAME as OURS
from keras_stt.data.librispeech_subset.prepare import prepare_archive
from keras_stt.data.records import Record
from keras_stt.data.sources.options import SPLITS, CorpusOptions
from keras_stt.data.sources.prepared import download_error, find_prepared, located_examples, split_sizes, tfds_root
from keras_stt.data.sources.stream import RecordStream
from keras_stt.errors import FlagError, InputError

TFDS_OWN = "librispeech"
DOWNLOADED = {"train": ["train-clean-100"], "dev": ["dev-clean"], "test": ["test-clean"]}  # 7 GB of the 61
_log = logging.getLogger(__name__)


def splits(options: CorpusOptions) -> dict[str, RecordStream]:
    """The records of train, dev and test.

    Subsets are those named in `options.splits` (`train-clean-100`, or as TFDS writes it `train_clean100`); else those
    whose archives lie in `archive_dir`; else, of a prepared dataset, every train subset with dev-clean and test-clean.
    Without a test subset half of dev's speakers become test.

    Raises:
        FlagError: there is no LibriSpeech where the flags say, or a subset is unknown.
        InputError: an archive or a prepared dataset is missing or damaged.
    """
    archives, prepared = _archives(options), _prepared(tfds_root(options))
    chosen = _choose(options, archives, prepared)
    parts = {
        split: tuple(_locate(subset, options, archives, prepared) for subset in subsets)
        for split, subsets in chosen.items()
    }
    _log.info("LibriSpeech: %s", "; ".join(f"{split}: {', '.join(subsets)}" for split, subsets in chosen.items()))
    records = {split: read_prepared(parts[split]) for split in SPLITS}
    if not parts["test"]:
        records["dev"], records["test"] = _halve(parts["dev"], chosen["dev"])
    return records


def read_prepared(parts: Sequence[tuple[str, str]], speakers: Container[str] | None = None) -> RecordStream:
    """Records of prepared datasets.

    Args:
        parts: pairs of a prepared dataset's folder and one of its splits.
        speakers: the only speakers to take, or None for all.
    """

    def generate(stream: RecordStream) -> Iterator[Record]:
        for builder_dir, split in parts:
            for location, example in located_examples(builder_dir, split, "speech"):
                record = _record(location, example)
                if speakers is None or record.speaker in speakers:
                    yield record

    count = sum(split_sizes(builder_dir)[split] for builder_dir, split in parts)
    return RecordStream(generate, length_hint=count if speakers is None else None)


def _archives(options: CorpusOptions) -> list[str]:
    """The subsets whose archives lie in archive_dir."""
    if not options.archive_dir:
        return []
    folder = os.path.expanduser(options.archive_dir)
    if not os.path.isdir(folder):
        raise FlagError("archive_dir", f"no folder {folder}; give the one with train-clean-100.tar.gz")
    return [subset for subset in SUBSETS if os.path.exists(os.path.join(folder, archive_name(subset)))]


def _prepared(root: str) -> dict[str, tuple[str, str]]:
    """Folder and split of every subset that is prepared already, FLAC bytes before decoded samples."""
    folders = find_prepared(root, OURS) + sorted(
        find_prepared(root, TFDS_OWN), key=lambda folder: "lazy_decode" not in folder.split(os.sep)
    )
    found = {}
    for folder in folders:
        for split in split_sizes(folder):
            for subset, official in SUBSETS.items():
                if official.split == split:
                    found.setdefault(subset, (folder, split))
    return found


def _choose(options: CorpusOptions, archives: list[str], prepared: dict) -> dict[str, list[str]]:
    """The subsets of each split; test may stay empty."""
    chosen = {}
    for split in SPLITS:
        named = [_official_name(name, split) for name in options.split_names(split)]
        chosen[split] = named or _default_subsets(split, options, archives, prepared)
        if not chosen[split] and split != "test":
            raise _missing(DOWNLOADED[split][0], options)
    return chosen


def _default_subsets(split: str, options: CorpusOptions, archives: list[str], prepared: dict) -> list[str]:
    have = [subset for subset in (archives if options.archive_dir else prepared) if subset.startswith(split)]
    if split != "train" and not options.archive_dir:  # one WER, of the set that papers report first
        have = [subset for subset in have if subset.endswith("clean")] or have
    return have or (DOWNLOADED[split] if options.download else [])


def _official_name(name: str, split: str) -> str:
    """`train_clean100` and `train-clean-100` are the same."""
    bare = str.maketrans("", "", "-_")
    for subset in SUBSETS:
        if subset.translate(bare) == name.strip().translate(bare):
            return subset
    raise FlagError(f"{split}_splits", f"LibriSpeech has no {name!r}; it has {', '.join(SUBSETS)}")


def _locate(subset: str, options: CorpusOptions, archives: list[str], prepared: dict) -> tuple[str, str]:
    """Folder and split of a subset, which is prepared or downloaded first where need be."""
    root = tfds_root(options)
    if subset in archives:
        folder = os.path.abspath(os.path.expanduser(options.archive_dir))
        return prepare_archive(subset, folder, root), SUBSETS[subset].split
    if subset in prepared:
        return prepared[subset]
    if options.download:
        return prepare_archive(subset, _download(subset, root), root), SUBSETS[subset].split
    raise _missing(subset, options)


def _download(subset: str, root: str) -> str:
    """Fetches an archive through TFDS, which refuses it where its SHA-256 is not the known one; the folder with it."""
    import tensorflow_datasets as tfds

    folder = os.path.join(root, "downloads", OURS)
    path = os.path.join(folder, archive_name(subset))
    if os.path.exists(path):
        return folder
    try:
        manager = tfds.download.DownloadManager(
            download_dir=os.path.join(root, "downloads"),
            dataset_name=OURS,
            url_infos=_known_sums(),
            force_checksums_validation=True,
        )
        fetched = os.fspath(manager.download(ARCHIVE_URL + archive_name(subset)))
        os.makedirs(folder, exist_ok=True)
        if os.path.lexists(path):  # its file has been deleted
            os.remove(path)
        os.symlink(fetched, path)  # TFDS keeps downloads under names of its own
    except Exception as error:  # TFDS lets the errors of its libraries through
        raise download_error(archive_name(subset), error) from error
    return folder


def _known_sums() -> dict:
    """Size and SHA-256 of every official archive by its address, as TFDS has them: without, it would check nothing."""
    import tensorflow_datasets as tfds

    return tfds.builder_cls(TFDS_OWN).url_infos


def _missing(subset: str, options: CorpusOptions) -> FlagError:
    if options.archive_dir:
        fix = f"fetch it from {URL} into that folder, or allow --download"
        return FlagError("archive_dir", f"no {archive_name(subset)} in {options.archive_dir}; {fix}")
    return FlagError(
        "data_dir",
        f"no LibriSpeech {subset} in {tfds_root(options)}; give the folder TFDS prepared it in, or "
        f"--archive_dir=FOLDER with {archive_name(subset)} from {URL}, or allow --download",
    )


def _halve(parts, subsets: list[str]) -> tuple[RecordStream, RecordStream]:
    """Every other speaker of dev becomes test."""
    speakers = sorted({record.speaker for record in read_prepared(parts)})
    if len(speakers) < 2:
        raise InputError(f"{', '.join(subsets)}: one speaker only, so no test split; add test-clean.tar.gz from {URL}")
    _log.warning("LibriSpeech: no test subset, so half the speakers of %s become test", ", ".join(subsets))
    return read_prepared(parts, frozenset(speakers[::2])), read_prepared(parts, frozenset(speakers[1::2]))


def _record(location, example: dict) -> Record:
    speech = example["speech"]
    if "duration" in example:
        # float32 holds 35 s to a fiftieth of a sample, so the nearest sample is the exact one
        duration = round(float(example["duration"]) * SAMPLE_RATE) / SAMPLE_RATE
    elif isinstance(speech, bytes):
        header = soundfile.info(io.BytesIO(speech))
        duration = header.frames / header.samplerate
    else:
        duration = len(speech) / SAMPLE_RATE
    return Record(
        id=example["id"].decode(),
        audio=location,
        start=0.0,
        end=duration,
        speaker=str(int(example["speaker_id"])),
        text=example["text"].decode(),
    )
