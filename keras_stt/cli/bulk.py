"""`keras-stt bulk`: much audio on all cores or on a cluster, in parts that are made once."""

import argparse
import os

from keras_stt.bulk.engine import make_missing
from keras_stt.bulk.parts import divide, file_identity, forget_failed, join_json_lines
from keras_stt.bulk.transcripts import Transcription
from keras_stt.cli import bulk_prepare
from keras_stt.cli.bulk_engine import add_engine_arguments, engine_of, from_the_root
from keras_stt.cli.decoding import add_decoding_arguments, check_decoding_arguments, decoding_of
from keras_stt.cli.model import add_model
from keras_stt.recordings import find_recordings

PARTS = "parts"  # folder of parts in that of the output
RECORDINGS = 32  # in a part


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    words = "transcribe or prepare much audio on all cores, or on a cluster"
    works = subparsers.add_parser("bulk", help=words, description=f"{words[0].upper()}{words[1:]}.").add_subparsers(
        metavar="WORK", required=True
    )
    parser = works.add_parser(
        "transcribe",
        help="write down what is said in many recordings",
        description="Writes OUTPUT/transcripts.jsonl: a JSON object for each recording, with the times and confidences "
        "of its words, or with its error. Recordings are shared out in parts, whose files are kept in OUTPUT/parts: "
        "the same command goes on where it was broken off, and does again what has changed.",
    )
    add_model(parser)
    parser.add_argument("inputs", metavar="INPUT", nargs="*", help="recordings, or folders of them")
    parser.add_argument("--list", default="", help="file of more paths, a line each or between NULs")
    add_engine_arguments(parser, RECORDINGS, "recordings")
    words = "do parts again in which a recording failed: its file may be readable now"
    parser.add_argument("--again", action="store_true", help=words)
    add_decoding_arguments(parser)
    parser.set_defaults(run=run)
    bulk_prepare.add_parser(works)


def run(args: argparse.Namespace) -> int:
    """Transcribes.

    Returns:
        1 where some recordings failed.

    Raises:
        InputError: the model cannot be loaded, a flag makes no sense, or there is nothing to do.
    """
    check_decoding_arguments(args)
    engine = engine_of(args)
    files = find_recordings(args.inputs, args.list)
    work = Transcription(from_the_root(args.model), decoding_by_name(args), os.getcwd())
    folder = os.path.join(os.path.abspath(args.output), PARTS)
    parts = divide(files, map(file_identity, files), args.part_size, folder, work.identity())
    if args.again:
        forget_failed(parts)
    made = make_missing(work, parts, engine, "transcribe")
    path = os.path.join(args.output, "transcripts.jsonl")
    failed = join_json_lines(parts, path, "file")
    print(f"{path}: {len(files)} recordings, {failed} failed; {made} of {len(parts)} parts made now")
    return 1 if failed else 0


def decoding_by_name(args: argparse.Namespace) -> tuple[tuple[str, object], ...]:
    """The keywords of `model.transcribe` that the flags ask for, the language model by its name.

    The model is loaded for it, so that one that cannot be, or that takes other flags, is told before the work.
    """
    from keras_stt.recognizer import load_model

    decoding = decoding_of(load_model(args.model), args)
    if "language_model" in decoding:
        decoding["language_model"] = from_the_root(args.language_model)
    return tuple(sorted(decoding.items()))
