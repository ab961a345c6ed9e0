"""`keras-stt transcribe`: what is said in recordings."""

import argparse
import sys

from keras_stt.cli.decoding import add_decoding_arguments, check_decoding_arguments, decoding_of
from keras_stt.cli.model import add_model
from keras_stt.errors import InputError, printable
from keras_stt.formats.transcript_jsonl import json_line, transcript_fields


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "transcribe",
        help="write down what is said in recordings",
        description="Prints what is said in recordings of any length. Of several files each line begins with the "
        "file's name and a tab. A file that cannot be read is reported and passed over.",
    )
    add_model(parser)
    parser.add_argument("files", metavar="FILE", nargs="+", help="recordings: FLAC, WAV, Opus, MP3")
    parser.add_argument(
        "--format",
        choices=("txt", "jsonl"),
        default="txt",
        help="txt, the default: the text; jsonl: a JSON object per file, with the times and confidences of its words",
    )
    add_decoding_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints the transcripts as they come.

    Returns:
        1 where a file of several could not be read.

    Raises:
        InputError: the model cannot be loaded, a flag is of the other kind of model, or the only file cannot be read.
    """
    check_decoding_arguments(args)
    from keras_stt.recognizer import load_model

    model = load_model(args.model)
    decoding = decoding_of(model, args)
    failed = 0
    for file in args.files:
        try:
            transcript = model.transcribe(file, **decoding)
        except InputError as error:
            if len(args.files) == 1:
                raise
            failed += 1
            print(f"keras-stt: {error}", file=sys.stderr)
            continue
        if args.format == "jsonl":
            print(json_line(transcript_fields(file, transcript)), flush=True)
        else:
            name = "" if len(args.files) == 1 else f"{printable(file)}\t"
            print(name + transcript.text, flush=True)
    return 1 if failed else 0
