"""Datasets that TFDS has prepared: where they lie, and their rows with the place of each row's audio."""

import glob
import json
import os
from collections.abc import Iterator

from keras_stt.data.locations import AudioLocation
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.data.tfds_audio import TFDSAudio, open_split
from keras_stt.data.tfrecord_audio import TFRecordAudio, record_places
from keras_stt.errors import InputError

_INFO = "dataset_info.json"


def tfds_root(options: CorpusOptions) -> str:
    """Where prepared datasets are looked for and put; TFDS's own default where no flag says."""
    folder = options.data_dir or options.cache_dir or os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")
    return os.path.abspath(os.path.expanduser(folder))


def find_prepared(root: str, name: str) -> list[str]:
    """Folders of dataset `name` prepared under `root`, newest version first.

    Args:
        root: TFDS's data_dir, or a folder within it down to the one that holds `dataset_info.json`.
    """
    # data_dir/name/config/version, or data_dir/name/version where there are no configs
    depths = ("", "*", "*/*", f"{name}/*", f"{name}/*/*")
    infos = {path for depth in depths for path in glob.glob(os.path.join(glob.escape(root), depth, _INFO))}
    folders = [os.path.dirname(path) for path in infos if _info(path).get("name") == name]
    return sorted(folders, key=lambda folder: (_version(folder), folder), reverse=True)


def split_sizes(builder_dir: str) -> dict[str, int]:
    """How many examples each split of a prepared dataset has."""
    splits = _info(os.path.join(builder_dir, _INFO)).get("splits", ())
    return {split["name"]: sum(map(int, split["shardLengths"])) for split in splits}


def located_examples(builder_dir: str, split: str, feature: str) -> Iterator[tuple[AudioLocation, dict]]:
    """Every row of a split: where its audio is, and its features, the audio as stored.

    Raises:
        InputError: the dataset is damaged, or prepared in a format without random access.
    """
    import tensorflow_datasets as tfds  # slow to import, and corpora of plain files do without

    info = tfds.builder_from_directory(builder_dir).info
    file_format = info.file_format.value
    if file_format == "array_record":
        rows, _ = open_split(builder_dir, split, feature)
        for row in range(len(rows)):
            yield TFDSAudio(builder_dir, split, row, feature), rows[row]
    elif file_format == "tfrecord":
        for path in map(os.fspath, info.splits[split].filepaths):
            for offset, length in record_places(path):
                location = TFRecordAudio(path, offset, length, builder_dir, feature)
                yield location, location.example()
    else:
        raise InputError(f"{builder_dir}: prepared as {file_format}; prepare it with file_format='array_record'")


def download_error(what: str, error: Exception) -> InputError:
    """The one line for a download through TFDS that failed."""
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(":")
    if reason.endswith("has wrong checksum"):
        return InputError(
            f"{what}: what came is another file (its size or SHA-256 is not the known one); fetch it by hand"
        )
    return InputError(f"{what}: cannot be downloaded ({reason}); try again or fetch it by hand")


def _info(path: str) -> dict:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); prepare the dataset again") from error


def _version(folder: str) -> tuple[int, ...]:
    return tuple(int(part) for part in os.path.basename(folder).split(".") if part.isdigit())
