"""Folders laid out as LibriSpeech: SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt beside .flac, .opus or .wav files."""

import glob
import os
from collections.abc import Callable, Iterator

from keras_stt.audio import EXTENSIONS, AudioError, audio_duration
from keras_stt.data.locations import FileAudio
from keras_stt.data.records import Record
from keras_stt.data.sources.options import SPLITS, CorpusOptions
from keras_stt.data.sources.parts import belongs
from keras_stt.data.sources.stream import RecordStream
from keras_stt.errors import FlagError, InputError
from keras_stt.formats.lines import read_lines
from keras_stt.formats.malformed import Malformed

_FIX = "give the folder with train-clean-100, dev-clean, ... or with SPEAKER/CHAPTER/*.trans.txt"


def splits(options: CorpusOptions) -> dict[str, RecordStream]:
    """The records of the splits "train", "dev" and "test", read as they are iterated.

    A split is made of the folders in `options.data_dir` (or in its `LibriSpeech`) that the options name for it, else
    of those whose name begins with it. Without such folders the data folder itself is the train part. Speakers of the
    train part are held out for splits that have no folder. Skipped and counted are lines that are not UTF-8,
    transcripts without audio or whose audio file is broken, and transcript files that cannot be read. Folders may be
    links; a transcript file that several paths lead to is read once.

    Raises:
        FlagError: a folder is missing or has no transcripts.
    """
    parts = _parts(options)

    def generate(split: str) -> Callable[[RecordStream], Iterator[Record]]:
        if split in parts and split != "train":
            return lambda stream: read_subsets(parts[split], stream)
        return lambda stream: read_subsets(
            parts.get("train", []), stream, keep=lambda speaker: belongs(speaker, split, parts, options)
        )

    return {split: RecordStream(generate(split)) for split in SPLITS}


def _parts(options: CorpusOptions) -> dict[str, list[str]]:
    """The subset folders of every split that has some."""
    if not options.data_dir:
        raise FlagError("data_dir", f"is needed by --dataset={options.dataset}; {_FIX}")
    if not os.path.isdir(options.data_dir):
        raise FlagError("data_dir", f"no such folder: {options.data_dir}; {_FIX}")
    root = corpus_root(options.data_dir)
    named = {name for split in SPLITS for name in options.split_names(split)}
    automatic = sorted(name for name in subset_names(root) if name not in named)
    parts = {}
    for split in SPLITS:
        names = options.split_names(split) or [name for name in automatic if name.startswith(split)]
        for name in names:
            if not transcript_files(os.path.join(root, name)):
                raise FlagError("data_dir", f"no SPEAKER/CHAPTER/*.trans.txt in {os.path.join(root, name)}; {_FIX}")
        if names:
            parts[split] = [os.path.join(root, name) for name in names]
    if not parts:
        if not transcript_files(root):
            raise FlagError("data_dir", f"no LibriSpeech transcripts in {root}; {_FIX}")
        parts["train"] = [root]
    return parts


def corpus_root(folder: str) -> str:
    """The folder of the subsets: `folder`, or the `LibriSpeech` in it that the official archives unpack to."""
    inner = os.path.join(folder, "LibriSpeech")
    return inner if os.path.isdir(inner) else folder


def subset_names(root: str) -> list[str]:
    """The folders in `root` that have transcripts at the place LibriSpeech has them, sorted."""
    return [entry.name for entry in sorted(os.scandir(root), key=lambda entry: entry.name) if _is_subset(entry)]


def _is_subset(entry: os.DirEntry) -> bool:
    return os.path.isdir(entry.path) and next(_transcripts_below(entry.path), None) is not None


def transcript_files(*subsets: str) -> list[str]:
    """The .trans.txt files of subset folders in their order, sorted in each; once, whatever links lead to them."""
    files: dict[str, str] = {}
    for subset in subsets:
        for path in sorted(_transcripts_below(subset)):
            files.setdefault(os.path.realpath(path), path)
    return list(files.values())


def _transcripts_below(subset: str) -> Iterator[str]:
    return glob.iglob(os.path.join(glob.escape(subset), "*", "*", "*.trans.txt"))


def read_subsets(
    subsets: list[str], stream: RecordStream, keep: Callable[[str], bool] = lambda speaker: True
) -> Iterator[Record]:
    """Yields the records of subset folders in the order of their paths.

    Args:
        subsets: folders of SPEAKER/CHAPTER.
        stream: counts what is skipped.
        keep: whether to read a speaker.
    """
    for path in transcript_files(*subsets):
        chapter = os.path.dirname(path)
        speaker = os.path.basename(os.path.dirname(chapter))
        if keep(speaker):
            try:
                present = set(os.listdir(chapter))
                lines = _lines(path, stream)
            except (InputError, OSError):
                stream.skip("transcript file that cannot be read", path)
                continue
            yield from _read_chapter(lines, chapter, present, speaker, stream)


def _lines(path: str, stream: RecordStream) -> list[str]:
    """The lines of a transcript file, "ID TEXT"."""
    malformed = Malformed(lambda error: stream.skip(error.kind, error.where))
    lines = [line.strip() for _, line in read_lines(path, malformed) if line.strip()]
    malformed.tell()
    return lines


def _read_chapter(
    lines: list[str], chapter: str, present: set[str], speaker: str, stream: RecordStream
) -> Iterator[Record]:
    for line in lines:
        identifier, _, text = line.partition(" ")
        name = next((identifier + suffix for suffix in EXTENSIONS if identifier + suffix in present), None)
        if name is None:
            stream.skip("no audio file", os.path.join(chapter, identifier))
            continue
        audio = os.path.abspath(os.path.join(chapter, name))
        try:
            duration = audio_duration(audio)
        except AudioError as error:
            stream.skip(error.reason, audio)
            continue
        if duration <= 0:
            stream.skip("empty audio file", audio)
            continue
        yield Record(identifier, FileAudio(audio), 0.0, duration, speaker, text.strip())
