"""`keras-stt stm`: a reference STM for sclite from LibriSpeech folders."""

import argparse
import os
import sys

from tqdm import tqdm

from keras_stt.data.records import Record
from keras_stt.data.sources.librispeech_folder import corpus_root, read_subsets, subset_names, transcript_files
from keras_stt.data.sources.stream import RecordStream
from keras_stt.errors import InputError
from keras_stt.formats.lines import read_lines
from keras_stt.formats.malformed import Malformed
from keras_stt.formats.stm import StmSegment, write_stm

# What sclite prints above the columns of its report by label.
_HEADER = (
    'CATEGORY "0" "" ""',
    'LABEL "o" "Overall" "Overall"',
    'CATEGORY "1" "Condition" ""',
    'LABEL "F0" "Read" "Clean read speech"',
    'CATEGORY "2" "Sex" "of the speaker"',
    'LABEL "F" "Female" "Female"',
    'LABEL "M" "Male" "Male"',
)


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "stm",
        help="write an STM file from LibriSpeech folders",
        description="Writes the transcripts of LibriSpeech folders as an STM file, the reference format of NIST's "
        "sclite. Its file column is the path of each recording from the STM's folder, without extension, so that "
        "--dataset=stm reads it back.",
    )
    parser.add_argument("librispeech_dir", metavar="LIBRISPEECH_DIR", help="one subset, or a folder with subsets")
    parser.add_argument("output", metavar="OUT.stm", help="file to write")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Writes the STM file.

    Raises:
        InputError: no transcripts, a path with a space in it, or a folder that cannot be written to.
    """
    subsets = _subsets(args.librispeech_dir)
    folder = os.path.dirname(os.path.abspath(args.output))
    if not os.path.isdir(folder):
        raise InputError(f"{args.output}: no folder {folder}; make it first")
    sexes = _sexes(args.librispeech_dir)
    stream = RecordStream(lambda stream: read_subsets(subsets, stream), length_hint=_count(subsets))
    # The progress bar is silent where stderr is a file or a pipe.
    progress = tqdm(stream, total=stream.length_hint, unit="utterance", disable=None)
    segments = [_segment(record, folder, sexes) for record in progress]
    if not segments:
        raise InputError(f"{args.librispeech_dir}: transcripts but no audio ({stream.describe_skipped()}); unpack both")
    segments.sort(key=lambda segment: (segment.file, segment.start))  # sclite wants its files sorted
    write_stm(args.output, segments, header=_HEADER if any(segment.label for segment in segments) else ())
    if stream.skipped:
        print(stream.describe_skipped(), file=sys.stderr)
    hours = sum(segment.end - segment.start for segment in segments) / 3600
    print(f"{args.output}: {len(segments)} segments, {hours:.2f} h")
    return 0


def _subsets(place: str) -> list[str]:
    if not os.path.isdir(place):
        raise InputError(f"{place}: no such folder; give a LibriSpeech folder")
    root = corpus_root(place)
    subsets = [root] if transcript_files(root) else [os.path.join(root, name) for name in subset_names(root)]
    if not subsets:
        raise InputError(f"{place}: no SPEAKER/CHAPTER/*.trans.txt in it; give a LibriSpeech folder")
    return subsets


def _count(subsets: list[str]) -> int:
    malformed = Malformed(lambda error: None)  # they are told of when their texts are read
    return sum(bool(line.strip()) for path in transcript_files(*subsets) for _, line in read_lines(path, malformed))


def _segment(record: Record, folder: str, sexes: dict[str, str]) -> StmSegment:
    path = os.path.splitext(record.audio.path)[0]
    name = os.path.relpath(path, folder).replace(os.sep, "/")
    if len(name.split()) != 1:
        raise InputError(f"{path}: STM divides fields by spaces; write the STM nearer to it, or rename its folders")
    sex = sexes.get(record.speaker)
    label = f"<o,F0,{sex}>" if sex else ""
    return StmSegment(name, "1", record.speaker, 0.0, round(record.duration, 4), label, record.text)


def _sexes(place: str) -> dict[str, str]:
    """The sex, "F" or "M", of the speakers that the corpus's SPEAKERS.TXT tells of; empty without that file."""
    root = os.path.abspath(corpus_root(place))
    for folder in (root, os.path.dirname(root)):
        path = os.path.join(folder, "SPEAKERS.TXT")
        if os.path.isfile(path):
            rows = [line.split("|") for _, line in read_lines(path) if not line.startswith(";")]
            return {row[0].strip(): row[1].strip() for row in rows if len(row) > 1 and row[1].strip() in ("F", "M")}
    return {}
