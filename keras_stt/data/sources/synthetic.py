"""The embedded corpus, `--dataset=synthetic`: built at the first run in under a minute, then kept in the cache.

`synthetic_tiny` is the same recipe with a few utterances, `synthetic_digits` digit strings by the same voices. The
corpus is one and the same for everybody: no flag, the seed neither, changes it, so that results can be compared.
"""

import hashlib
import json
import pathlib
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator

from keras_stt.audio import SAMPLE_RATE
from keras_stt.data.one_process import one_process_at_a_time
from keras_stt.data.records import Record
from keras_stt.data.sources.options import SPLITS, CorpusOptions
from keras_stt.data.tfds_audio import TFDSAudio, forget_open_splits, open_split, quiet_tfds
from keras_stt.errors import InputError

NAME = "synthetic_speech"
CHECKSUMS = "checksums.json"
DEFAULT_CACHE_DIR = "~/.cache/keras_stt"


def splits(options: CorpusOptions) -> dict[str, Iterable[Record]]:
    """The utterances of train, dev and test, with their exact word times.

    Raises:
        InputError: espeak-ng cannot be loaded, or the cache cannot be written.
    """
    config = options.dataset.removeprefix("synthetic").removeprefix("_") or "default"
    folder = prepare(options.cache_dir or DEFAULT_CACHE_DIR, config)
    return {split: _records(str(folder), split) for split in SPLITS}


def _records(folder: str, split: str) -> Iterator[Record]:
    source, _ = open_split(folder, split)
    for row in range(len(source)):
        example = source[row]
        duration = round(float(example["duration"]) * SAMPLE_RATE) / SAMPLE_RATE  # TFDS keeps 32 bits of it
        times = zip(example["word_starts"].tolist(), example["word_ends"].tolist(), strict=True)
        yield Record(
            id=example["id"].decode(),
            audio=TFDSAudio(folder, split, row),
            start=0.0,
            end=duration,
            speaker=example["speaker"].decode(),
            text=example["text"].decode(),
            word_times=tuple((round(start, 4), round(end, 4)) for start, end in times),
        )


def prepare(cache_dir: str, config: str = "default") -> pathlib.Path:
    """The folder of the prepared dataset, which is built if it is not there, incomplete or damaged.

    Safe to call from several processes at once: one builds, the others wait.
    """
    from keras_stt.data.synthetic_speech.synthetic_speech_dataset_builder import Builder

    root = pathlib.Path(cache_dir).expanduser().resolve() / NAME
    folder = root / config / str(Builder.VERSION)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with one_process_at_a_time(root / f"{config}.lock", "the synthetic corpus"):
            if not folder.exists():
                _build(root, folder, config)
            elif not _is_intact(folder):
                _tell(f"{folder}: the synthetic corpus is incomplete or damaged; building it again")
                _build(root, folder, config)
    except OSError as error:
        raise InputError(f"{root}: the synthetic corpus cannot be built there ({error}); mend --cache_dir") from error
    return folder


def _build(root, folder, config):
    """Builds beside `folder` and moves the whole into place at the end, so that a part is never taken for it."""
    from tqdm import tqdm

    from keras_stt.data.synthetic_speech.synthetic_speech_dataset_builder import Builder

    for left_by_a_killed_build in root.glob(f".building-{config}-*"):
        shutil.rmtree(left_by_a_killed_build)
    building = pathlib.Path(tempfile.mkdtemp(prefix=f".building-{config}-", dir=root))
    try:
        builder = Builder(data_dir=building, config=config, file_format="array_record")
        count = sum(builder.builder_config.sizes().values())
        # A terminal's line is rewritten; in a log file every update would stay, so there it gets few.
        interval = 0.1 if sys.stderr.isatty() else 10
        with tqdm(total=count, desc="synthetic corpus", unit=" utterances", mininterval=interval) as bar, quiet_tfds():
            builder.on_utterance = bar.update
            builder.download_and_prepare()
        built = pathlib.Path(builder.data_dir)
        checksums = {"content": builder.content, "files": _checksums(built)}
        (built / CHECKSUMS).write_text(json.dumps(checksums, indent=1))
        if folder.exists():
            shutil.rmtree(folder)
        folder.parent.mkdir(exist_ok=True)
        built.rename(folder)
        forget_open_splits()
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _is_intact(folder):
    try:
        return json.loads((folder / CHECKSUMS).read_text())["files"] == _checksums(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _checksums(folder):
    """SHA-256 of every file but the list of checksums itself, by name."""
    result = {}
    for path in sorted(folder.iterdir()):
        if path.name != CHECKSUMS:
            with path.open("rb") as file:
                result[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return result


def _tell(line):
    print(line, file=sys.stderr, flush=True)
