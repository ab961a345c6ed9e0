"""The corpus of a run: its splits indexed, their features at hand, and what was left out."""

import dataclasses
import hashlib
import itertools
import json
import os
from pathlib import Path

import numpy as np

from keras_stt.alignment import Hear, WordAligner, WordTimes
from keras_stt.audio import SAMPLE_RATE
from keras_stt.data import index as index_module
from keras_stt.data.feature_store import ComputedFeatures, open_features
from keras_stt.data.index import Index, build_index
from keras_stt.data.index_writer import MOST_CHARACTERS_PER_SECOND, MOST_SECONDS, reason_to_skip
from keras_stt.data.one_process import one_process_at_a_time
from keras_stt.data.records import Record, require_disjoint_speakers
from keras_stt.data.skipped import TIMES_UNKNOWN, Skipped
from keras_stt.data.sources import open_corpus
from keras_stt.data.sources.options import SPLITS, CorpusOptions
from keras_stt.errors import FlagError, InputError
from keras_stt.evidence.choose import choose
from keras_stt.pretrained import pretrained_path
from keras_stt.recognizer import load_model
from keras_stt.text import normalize
from keras_stt.train.options import TrainOptions
from keras_stt.train.skipped import require_few_skipped, write_skipped


@dataclasses.dataclass(frozen=True)
class Split:
    """One split of a corpus: random access to records and to their log-mel frames, by the same row.

    Attributes:
        left_out: what a view cannot use of it.
    """

    index: Index
    features: object
    left_out: Skipped = dataclasses.field(default_factory=Skipped)

    @property
    def skipped(self) -> dict[str, int]:
        """Records that are not there or cannot be heard, by reason."""
        return dict(Skipped().include(self.index, self.features).counts)

    @property
    def skipped_rows(self) -> list[tuple[str, str]]:
        """Reason and place of each of these, and of what a view cannot use."""
        return [*self.index.skipped_rows, *self.features.skipped_rows, *self.left_out.rows]

    def test_rows(self, most: int) -> list[int]:
        """The first `most` rows, 0: all, that can be heard, as far as is known."""
        return np.flatnonzero(self.features.usable)[: most or None].tolist()

    def word_counts(self) -> np.ndarray:
        """Words of each utterance; none where the audio could not be read, so that no window is cut there."""
        counts = np.asarray(self.index.word_counts)
        return np.where(self.features.usable, counts, 0) if self.features.skipped else counts


def with_records(test: Split, results: list, most: int) -> list[tuple[str, object, Record]]:
    """Group, result and record of the test utterances that are worth looking at, of the first `most`."""
    records = {test.index[row].id: test.index[row] for row in test.test_rows(most)}
    return [(group, result, records[result.id]) for group, result in choose(results)]


def corpus_options(options: TrainOptions) -> CorpusOptions:
    return CorpusOptions(
        dataset=options.dataset,
        data_dir=options.data_dir,
        archive_dir=options.archive_dir,
        splits=tuple((split, getattr(options, f"{split}_splits")) for split in SPLITS),
        dev_speakers=tuple(options.dev_speakers),
        test_speakers=tuple(options.test_speakers),
        cache_dir=os.path.expanduser(options.cache_dir),
        download=options.download,
        seed=0,  # the corpus stays the same when the seed of training changes
    )


def extra_corpus_options(options: TrainOptions) -> list[CorpusOptions]:
    """Of the corpora that join train."""
    own = dataclasses.replace(corpus_options(options), archive_dir="", splits=(), dev_speakers=(), test_speakers=())
    return [dataclasses.replace(own, dataset=name, data_dir=folder) for name, folder in _extra_corpora(options)]


def _extra_corpora(options: TrainOptions) -> list[tuple[str, str]]:
    """Name and folder, "" without one, of each corpus of `--extra_train_dataset`: `NAME` or `NAME=FOLDER`."""
    named = (extra.partition("=") for extra in options.extra_train_dataset)
    return [(name, folder) for name, _, folder in named]


def fingerprint(options: TrainOptions) -> str:
    """Changes when another index is needed: other flags, or files that came, went or changed two folders deep."""
    said = {name: getattr(options, name) for name in _INDEX_FLAGS}
    seen = []
    model = pretrained_path(options.alignment_model) or options.alignment_model
    extra = [folder for _, folder in _extra_corpora(options)]
    for place in (options.data_dir, options.archive_dir, options.alignment_dir, model, *extra):
        seen += _seen(Path(place)) if place else []
    return hashlib.sha256(json.dumps([said, seen, index_module.FORMAT]).encode()).hexdigest()[:16]


_INDEX_FLAGS = (
    *("dataset", "data_dir", "archive_dir", "extra_train_dataset", "alignment", "alignment_dir", "max_utterances"),
    *("train_known_times", "alignment_model"),
    *("train_splits", "dev_splits", "test_splits", "dev_speakers", "test_speakers"),
)


def _seen(place: Path) -> list:
    if place.is_file():
        status = place.stat()
        return [[str(place), status.st_size, status.st_mtime_ns]]
    paths = sorted(itertools.chain(place.glob("*"), place.glob("*/*")))
    return [[str(path), path.stat().st_mtime_ns] for path in paths if not path.name.startswith(".")]


def corpus_folder(options: TrainOptions) -> tuple[Path, str]:
    """Where the indexes and features of a run's corpus lie, and their fingerprint.

    Raises:
        FlagError: it cannot be made.
    """
    mark = fingerprint(options)
    folder = Path(options.cache_dir).expanduser() / "corpora" / f"{options.dataset}-{mark}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FlagError("cache_dir", f"{folder.parent} cannot be made ({error.strerror}); name another") from error
    return folder, mark


def features_folder(folder: Path, split: str, mel_bands: int) -> Path:
    """Of the features of a split whose index lies in `folder`."""
    return folder / f"{split}-features-{mel_bands}"


def is_indexed(folder: Path, mark: str) -> bool:
    """Whether all splits have been."""
    return all(index_module.is_complete(folder / split, mark) for split in SPLITS)


def open_splits(options: TrainOptions, output: Path | None = None) -> dict[str, Split]:
    """Opens train, dev and test, indexing them and computing their features first where that was not done before.

    Args:
        output: folder for `skipped.csv`, which is written whatever is then wrong with the splits; None: none.

    Raises:
        FlagError: an unknown corpus, missing files, or too many records that cannot be used.
        InputError: a split is empty, or splits share speakers.
    """
    folder, mark = corpus_folder(options)
    with one_process_at_a_time(f"{folder}.lock", "the corpus"):
        if not is_indexed(folder, mark):
            build_indexes(options, folder, mark)
        splits = {}
        for split in SPLITS:
            index = Index(folder / split)
            if options.feature_cache:
                store = features_folder(folder, split, options.mel_bands)
                features = open_features(index, store, mark, f"{split} features", options.mel_bands)
            else:
                features = ComputedFeatures(index, options.mel_bands)
            splits[split] = Split(index, features)
    if output:
        write_skipped(output, splits)
    require_disjoint_speakers({split: set(splits[split].index.speakers) for split in SPLITS})
    try:
        _require_utterances(options, splits)
        require_few_skipped(options.max_skipped_share, splits, output)
    except FlagError:
        _forget(folder, splits, options.mel_bands)
        raise
    return splits


def _forget(folder: Path, splits: dict[str, Split], mel_bands: int) -> None:
    """Has the corpus be looked at again, since what is missing or broken may be mended the next time.

    Features in which nothing was skipped stay: they may have taken long, and are made again where records have changed.
    """
    with one_process_at_a_time(f"{folder}.lock", "the corpus"):
        for name, split in splits.items():
            (folder / name / "meta.json").unlink(missing_ok=True)
            if split.features.skipped:
                (features_folder(folder, name, mel_bands) / "meta.json").unlink(missing_ok=True)


def _require_utterances(options: TrainOptions, splits: dict[str, Split]) -> None:
    for split in SPLITS:
        if not splits[split].word_counts().sum():
            found = f"{options.dataset} has no usable utterance in {split} (skipped: {splits[split].skipped or 'none'})"
            fix = f"give some in a manifest's column split, by --{split}_splits or --{split}_speakers"
            raise FlagError("dataset", found if split == "train" else f"{found}; {fix}")


def build_indexes(options: TrainOptions, folder: Path, mark: str) -> None:
    """Indexes train, dev and test, each with the word times that the flags ask for."""
    records = open_corpus(corpus_options(options))
    extra = [_open_extra(corpus) for corpus in extra_corpus_options(options)]
    if "dev" not in records and not extra:
        raise FlagError("dev_speakers", "none needs --extra_train_dataset, whose dev split then is dev")
    hear = model_times(options.alignment_model) if options.alignment == "model" else None
    aligner = WordAligner(options.alignment, options.alignment_dir, hear)
    knows = WordAligner("auto", options.alignment_dir) if options.train_known_times else None
    for split in SPLITS:
        parts = [records[split]] if split in records else [extra[0][split]]
        parts += [corpus["train"] for corpus in extra] if split == "train" else []
        records_of_split = _Aligned(parts, aligner, options.max_utterances, knows if split == "train" else None)
        build_index(records_of_split, folder / split, mark, f"{split} index")
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(aligner.kinds.items()))
    print(f"word times of {options.dataset}: {kinds}", flush=True)


def model_times(path: str) -> Hear:
    """Word times by the forced alignment of the recogniser at `path`, for `WordAligner`.

    Raises:
        FlagError: there is no such model, or it is of windows, which do not align.
    """
    if not path:
        raise FlagError("alignment_model", "is needed by --alignment=model; give a model of --view=utterance")
    try:
        model = load_model(path)
    except InputError as error:
        raise FlagError("alignment_model", str(error)) from error
    if not hasattr(model, "align"):
        raise FlagError("alignment_model", f"{path} hears windows; give a model of --view=utterance")

    def hear(record: Record, words: list[str]) -> WordTimes | None:
        try:
            said = model.align(record.read(), " ".join(words), SAMPLE_RATE)
        except InputError:  # unreadable, or too short for its words
            return None
        return [(word.start, word.end) for word in said] if len(said) == len(words) else None

    return hear


def _open_extra(corpus: CorpusOptions) -> dict:
    if corpus.data_dir and corpus.dataset.startswith("synthetic"):
        raise FlagError("extra_train_dataset", f"{corpus.dataset} is built in; leave ={corpus.data_dir} out")
    try:
        return open_corpus(corpus)
    except FlagError as error:
        reason = str(error).partition(": ")[2]
        raise FlagError("extra_train_dataset", f"{reason} (a corpus in a folder is given as NAME=FOLDER)") from error


class _Aligned:
    """The records of some sources one after the other, with word times, and what the sources skipped.

    With `knows` only those for which this aligner has true times, whatever times they then get: the same utterances
    for every method, so that methods compare.

    Attributes:
        part: the number of the source that is being read, in which ids are unique.
    """

    def __init__(self, parts, aligner: WordAligner, limit: int, knows: WordAligner | None):
        self.parts, self.aligner, self.limit, self.knows = parts, aligner, limit, knows
        self.part = 0
        self._left_out = Skipped()

    def __iter__(self):
        return itertools.islice(self._usable(), self.limit or None)

    def _usable(self):
        for part, records in enumerate(self.parts):
            self.part = part
            for record in records:
                if _hopeless(record):
                    yield record  # the index says why
                elif self.knows is not None and self.knows.align(record).times_guessed:
                    self._left_out.add(TIMES_UNKNOWN, record.where)
                else:
                    yield self.aligner.align(record)

    @property
    def skipped(self) -> dict[str, int]:
        return Skipped().include(*self.parts).counts + self._left_out.counts

    @property
    def skipped_rows(self) -> list[tuple[str, str]]:
        return [*Skipped().include(*self.parts).rows, *self._left_out.rows]


def _hopeless(record: Record) -> bool:
    """Whether the index will refuse it: hours of audio or a megabyte of text must not be aligned before that.

    Texts are normalised only where that could make a difference.
    """
    fits = 0 < len(record.text) <= MOST_CHARACTERS_PER_SECOND * record.duration and record.duration <= MOST_SECONDS
    return not fits and reason_to_skip(record, normalize(record.text)) is not None
