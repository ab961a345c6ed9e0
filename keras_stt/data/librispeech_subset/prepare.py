"""An official archive to a prepared dataset, once."""

import logging
import os
import pathlib
import shutil
import sys

from keras_stt.data.librispeech_subset import URL, archive_name
from keras_stt.data.one_process import one_process_at_a_time
from keras_stt.errors import InputError

NAME = "librispeech_subset"
_log = logging.getLogger(__name__)


def prepare_archive(subset: str, archive_dir, root) -> str:
    """Prepares one official archive under `root`, once, and returns the prepared dataset's folder.

    It is prepared anew when the archive's size is no longer what it was. Several processes may ask at once.

    Args:
        subset: which of `SUBSETS`.
        archive_dir: folder with `SUBSET.tar.gz`.
        root: TFDS's data_dir; the dataset takes as much room as the archive, and twice that while it is prepared.

    Raises:
        InputError: the archive is missing or damaged, or `root` cannot be written. No part of a dataset is left then.
    """
    archive = pathlib.Path(archive_dir).expanduser().resolve() / archive_name(subset)
    root = pathlib.Path(root).expanduser().resolve()
    if not archive.is_file():
        raise InputError(f"{archive}: no such file; fetch {archive.name} from {URL}")
    try:
        with one_process_at_a_time(root / NAME / f"{subset}.lock", archive.name):
            return _prepare(subset, archive, root)
    except OSError as error:
        raise InputError(f"{root}: cannot prepare {archive.name} there ({error}); choose another folder") from error


def _prepare(subset: str, archive: pathlib.Path, root: pathlib.Path) -> str:
    import tensorflow_datasets as tfds  # slow to import, and corpora of plain files do without
    from tqdm import tqdm

    from keras_stt.data.librispeech_subset.librispeech_subset_dataset_builder import Builder
    from keras_stt.data.tfds_audio import forget_open_splits, quiet_tfds

    builder = Builder(data_dir=root, config=subset, file_format="array_record")
    folder = pathlib.Path(builder.data_path)
    archive_bytes = archive.stat().st_size
    if (folder / "dataset_info.json").exists():
        if int(builder.info.metadata["archive_bytes"]) == archive_bytes:
            return os.fspath(folder)
        _log.warning("%s has changed since it was prepared: preparing it again", archive)
        shutil.rmtree(folder)
        forget_open_splits()
        builder = Builder(data_dir=root, config=subset, file_format="array_record")
    for left_by_a_killed_process in folder.parent.glob("incomplete.*"):
        shutil.rmtree(left_by_a_killed_process)
    # A terminal's line is rewritten; in a log file every update would stay, so there it gets few.
    interval = 0.1 if sys.stderr.isatty() else 10
    progress = {"total": archive_bytes, "unit": "B", "unit_scale": True, "mininterval": interval}
    with tqdm(desc=f"preparing {archive.name}", **progress) as bar, quiet_tfds():
        builder.on_read = bar.update
        config = tfds.download.DownloadConfig(manual_dir=archive.parent, try_download_gcs=False)
        builder.download_and_prepare(download_dir=root / "downloads", download_config=config)
    return os.fspath(folder)
