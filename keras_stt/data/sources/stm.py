"""STM files with audio: `train.stm`, `dev.stm` and `test.stm`, or one file divided by speakers."""

import os
from collections import Counter
from collections.abc import Callable, Iterator

import soundfile

from keras_stt.data.records import Record
from keras_stt.data.sources.options import SPLITS, CorpusOptions
from keras_stt.data.sources.parts import belongs, file_parts
from keras_stt.data.sources.segments import SegmentReader, find_audio
from keras_stt.data.sources.stream import RecordStream
from keras_stt.formats.stm import StmSegment, parse_stm


def splits(options: CorpusOptions) -> dict[str, RecordStream]:
    """The records of the splits "train", "dev" and "test".

    The file column of an STM is the path of a recording from the STM's folder, or an absolute one, with or without
    its extension. Speakers of the train part are held out for splits that have no file. Segments marked as ignored,
    without audio or beyond its end are skipped and counted.

    Raises:
        FlagError: there is no STM file.
        InputError: as a split is read: a malformed line, with its number.
    """
    parts = file_parts(options, (".stm",))

    def generate(split: str) -> Callable[[RecordStream], Iterator[Record]]:
        if split in parts and split != "train":
            return lambda stream: _read(parts[split], stream, lambda speaker: True)
        return lambda stream: _read(
            parts.get("train", []), stream, lambda speaker: belongs(speaker, split, parts, options)
        )

    return {split: RecordStream(generate(split)) for split in SPLITS}


def _read(paths: list[str], stream: RecordStream, keep: Callable[[str], bool]) -> Iterator[Record]:
    reader = SegmentReader(stream)
    for path in paths:
        segments = parse_stm(path)
        of_file = Counter(segment.file for segment in segments if not segment.ignored)
        channels = Counter(file for file, _ in {(segment.file, segment.channel) for segment in segments})
        for segment in segments:
            if segment.ignored:
                # Its speaker is a placeholder: counted once, in the split that placeholder falls to.
                if keep(segment.speaker):
                    stream.skip("ignored in scoring", f"{segment.file} at {segment.start:.2f} s")
                continue
            if not keep(segment.speaker):
                continue
            audio = os.path.join(os.path.dirname(path), segment.file)
            if channels[segment.file] > 1 and _is_multichannel(audio):
                # Recordings are read as the mean of their channels, in which both speakers would be heard.
                stream.skip("one of several channels of a file; give a file per channel", audio)
                continue
            identifier = segment.file if of_file[segment.file] == 1 else segment_id(segment)
            record = reader.record(identifier, audio, segment.start, segment.end, segment.speaker, segment.text)
            if record is not None:
                yield record


def segment_id(segment: StmSegment) -> str:
    """A name for a segment of a longer recording, after Kaldi: the file, the channel and milliseconds."""
    start, end = round(segment.start * 1000), round(segment.end * 1000)
    return f"{segment.file}-{segment.channel}-{start:08d}-{end:08d}"


def _is_multichannel(path: str) -> bool:
    audio = find_audio(path)
    try:
        return audio is not None and soundfile.info(audio).channels > 1
    except soundfile.LibsndfileError:
        return False  # the reader says what is wrong with it
