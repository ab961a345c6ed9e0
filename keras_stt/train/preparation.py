"""A corpus made ready for training before it, by many workers: indexes and features where training looks for them.

What is left in the output folder is the cache of such a run (`--cache_dir`), so that training computes nothing again,
`corpus.cfg` with the flags to train by, and `stm/` with an STM and a CTM file of each split.
"""

import dataclasses
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from keras_stt.bulk.engine import Engine, make_missing
from keras_stt.bulk.features import LogMel, rows_of_parts
from keras_stt.bulk.parts import divide, json_lines
from keras_stt.bulk.rows import Rows
from keras_stt.data.feature_store import FeatureStore, is_built, open_features
from keras_stt.data.index import Index, build_index
from keras_stt.data.one_process import one_process_at_a_time
from keras_stt.data.records import Record
from keras_stt.data.sources.options import SPLITS
from keras_stt.train.corpus import build_indexes, corpus_folder, features_folder, is_indexed, model_times
from keras_stt.train.heard_times import HeardTimes


@dataclasses.dataclass(frozen=True)
class CorpusFlags:
    """The training flags that say what a corpus is, of the same names: what `train.corpus` asks of `TrainOptions`."""

    dataset: str
    cache_dir: str
    data_dir: str = ""
    archive_dir: str = ""
    train_splits: str = ""
    dev_splits: str = ""
    test_splits: str = ""
    dev_speakers: tuple[str, ...] = ()
    test_speakers: tuple[str, ...] = ()
    extra_train_dataset: tuple[str, ...] = ()
    download: bool = False
    alignment: str = "auto"
    alignment_dir: str = ""
    alignment_model: str = ""
    train_known_times: bool = False
    max_utterances: int = 0
    mel_bands: int = 80

    def flagfile(self) -> str:
        """What gives training these flags, a line each; fetching is over and needs no flag."""
        values = {**dataclasses.asdict(self), "download": False}
        return "".join(f"--{name}={_flag_value(value)}\n" for name, value in values.items())


def _flag_value(value) -> str:
    return (
        ",".join(value) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else str(value)
    )


def prepare(flags: CorpusFlags, engine: Engine, part_size: int) -> dict[str, tuple[Index, FeatureStore]]:
    """Makes what is missing of a corpus's indexes and features, and opens them.

    Raises:
        FlagError, InputError: the corpus is not there, or the work cannot be done.
    """
    folder, mark = corpus_folder(flags)
    with one_process_at_a_time(f"{folder}.lock", "the corpus"):
        if not is_indexed(folder, mark):
            if flags.alignment == "model":
                _index_heard(flags, folder, mark, engine, part_size)
            else:
                build_indexes(flags, folder, mark)
        return _features(flags, folder, mark, engine, part_size)


def _features(
    flags: CorpusFlags, folder: Path, mark: str, engine: Engine, size: int
) -> dict[str, tuple[Index, FeatureStore]]:
    bands, rows = flags.mel_bands, Rows(index_folders(folder))
    stores = {split: features_folder(folder, split, bands) for split in SPLITS}
    of_splits = list(zip(SPLITS, rows.indexes, rows.starts, strict=False))
    compute = None
    if not all(is_built(index, stores[split], mark, bands) for split, index, _ in of_splits):
        work, parts_folder = LogMel(index_folders(folder), bands), folder.absolute() / f"features-{bands}-parts"
        parts = divide(range(len(rows)), rows.identities(), size, parts_folder, work.identity())
        make_missing(work, parts, engine, "features")
        compute = rows_of_parts(parts, bands)
    opened = {
        split: (index, open_features(index, stores[split], mark, f"{split} features", bands, _from(compute, start)))
        for split, index, start in of_splits
    }
    if compute is not None:
        shutil.rmtree(parts_folder)  # as large as the stores that were made of them
    return opened


def index_folders(folder: Path) -> tuple[str, ...]:
    """Of all splits, from the root on: workers have other folders."""
    return tuple(os.path.abspath(folder / split) for split in SPLITS)


def _from(compute, start: int):
    return None if compute is None else lambda row: compute(start + row)


def _index_heard(flags: CorpusFlags, folder: Path, mark: str, engine: Engine, size: int) -> None:
    """Indexes a corpus with word times by a model: without times first, so that workers can read its rows."""
    model_times(flags.alignment_model)  # that it can be loaded, and aligns
    without = Path(f"{folder}-without-times")
    if not is_indexed(without, mark):
        build_indexes(dataclasses.replace(flags, alignment="uniform"), without, mark)
    rows, work = Rows(index_folders(without)), HeardTimes(index_folders(without), flags.alignment_model)
    parts = divide(range(len(rows)), rows.identities(), size, without.absolute() / "times", work.identity())
    make_missing(work, parts, engine, "word times")
    lines = json_lines(parts, "row")
    for split, index in zip(SPLITS, rows.indexes, strict=True):
        build_index(_Timed(index, lines), folder / split, mark, f"{split} index")
    shutil.rmtree(without)


class _Timed:
    """The records of an index with word times, of which a JSON line of each comes, and what was skipped before."""

    def __init__(self, index: Index, lines: Iterator[bytes]):
        self._index, self._lines = index, lines
        self.skipped, self.skipped_rows = index.skipped, index.skipped_rows

    def __iter__(self) -> Iterator[Record]:
        for row, record in enumerate(self._index):
            self.part = row  # ids were compared before: of these none is another's
            times = json.loads(next(self._lines)).get("times")
            times = None if times is None else tuple((start, end) for start, end in times)
            yield dataclasses.replace(record, word_times=times, times_guessed=False)
