"""STM files with audio: `train.stm`, `dev.stm` and `test.stm`, or one file divided by speakers."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

import soundfile

from keras_stt.data.records import Record
from keras_stt.data.sources.options import SPLITS, CorpusOptions
from keras_stt.data.sources.parts import belongs, file_parts
from keras_stt.data.sources.segments import SegmentReader, find_audio
from keras_stt.data.sources.stream import RecordStream
from keras_stt.formats.stm import StmSegment, parse_stm

# Segments of one voice may overlap this much: times are rounded, and whoever cuts leaves some margin on either side.
# It is less than a word lasts. Overlaps beyond it are mistakes in the corpora that have them (AMI's recipe in Kaldi
# mends the one of its dev set), and a text that does not belong to its audio teaches what is wrong.
OVERLAP_TOLERANCE = 0.1  # seconds


def splits(options: CorpusOptions) -> dict[str, RecordStream]:
    """The records of the splits "train", "dev" and "test".

    The file column of an STM is the path of a recording from the STM's folder, or an absolute one, with or without
    its extension. Speakers of the train part are held out for splits that have no file. Skipped and counted are
    malformed lines, segments marked as ignored, without audio or beyond its end, and those that overlap an earlier
    segment of the same speaker, channel and file. Different speakers may talk at once.

    Raises:
        FlagError: there is no STM file.
        InputError: as a split is read: a file is missing, or none of its lines is of an STM.
    """
    parts = file_parts(options, (".stm",))

    def generate(split: str) -> Callable[[RecordStream], Iterator[Record]]:
        own = split in parts
        if own and split != "train":
            return lambda stream: _read(parts[split], stream, own, lambda speaker: True)
        return lambda stream: _read(
            parts.get("train", []), stream, own, lambda speaker: belongs(speaker, split, parts, options)
        )

    return {split: RecordStream(generate(split)) for split in SPLITS}


def _read(paths: list[str], stream: RecordStream, own: bool, keep: Callable[[str], bool]) -> Iterator[Record]:
    """Yields the records of the speakers to keep.

    Args:
        own: whether the files are those of this split, not of one from which it takes some speakers: a malformed line
            has no speaker, and is counted in one split.
    """
    reader = SegmentReader(stream)
    for path in paths:
        segments = parse_stm(path, lambda error: stream.skip(error.kind, error.where) if own else None)
        spoken = [segment for segment in segments if not segment.ignored]
        of_file, of_name = Counter(segment.file for segment in spoken), Counter(map(segment_id, spoken))
        channels = Counter(file for file, _ in {(segment.file, segment.channel) for segment in segments})
        overlapping = _overlapping(segments)
        for index, segment in enumerate(segments):
            if not keep(segment.speaker):
                continue
            where = f"{path}: {segment.file} at {segment.start:.2f} s"
            audio = os.path.join(os.path.dirname(path), segment.file)
            if segment.ignored:
                # Its speaker is a placeholder: counted once, in the split that placeholder falls to.
                stream.skip("ignored in scoring", where)
            elif channels[segment.file] > 1 and _is_multichannel(audio):
                # Recordings are read as the mean of their channels, in which both speakers would be heard.
                stream.skip("one of several channels of a file; give a file per channel", audio)
            elif index in overlapping:
                stream.skip("overlaps an earlier segment", where)
            else:
                identifier = segment.file if of_file[segment.file] == 1 else segment_id(segment)
                if of_name[identifier] > 1:  # two who begin and end together
                    identifier += f"-{segment.speaker}"
                record = reader.record(identifier, audio, segment.start, segment.end, segment.speaker, segment.text)
                if record is not None:
                    yield record


def _overlapping(segments: list[StmSegment]) -> set[int]:
    """Which segments begin before an earlier one by the same voice has ended, and are not left out themselves."""
    by_voice = defaultdict(list)
    for index, segment in enumerate(segments):
        if not segment.ignored:
            by_voice[segment.file, segment.channel, segment.speaker].append(index)
    found = set()
    for indices in by_voice.values():
        end = 0.0
        for index in sorted(indices, key=lambda index: segments[index].start):
            if segments[index].start < end - OVERLAP_TOLERANCE:
                found.add(index)
            else:
                end = max(end, segments[index].end)
    return found


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
