"""`keras-stt align`: when each word of a known text is said in a recording."""

import argparse
import json
from pathlib import Path

from keras_stt.cli.decoding import load_utterance_model
from keras_stt.cli.model import add_model
from keras_stt.formats.transcript_jsonl import word_fields


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "align",
        help="find when the words of a known text are said",
        description="Prints when each word of a text is said in a recording, in seconds, and how sure the model is of "
        "it. Needs a model that was trained with --view=utterance.",
    )
    add_model(parser)
    parser.add_argument("file", metavar="FILE", help="recording: FLAC, WAV, Opus, MP3")
    parser.add_argument("text", metavar="TEXT", help="what is said in it, or a file of that, ending in .txt")
    parser.add_argument(
        "--format",
        choices=("ctm", "jsonl"),
        default="ctm",
        help="ctm, the default: a line of NIST's CTM per word; jsonl: a JSON object per word",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints the words.

    Raises:
        InputError: model, recording or text cannot be read, or the text does not fit the recording or the model.
    """
    from keras_stt.formats.ctm import CtmWord, format_ctm

    text = text_of(args.text)
    words = load_utterance_model(args.model).align(args.file, text)
    if args.format == "jsonl":
        print("".join(json.dumps(word_fields(word), ensure_ascii=False) + "\n" for word in words), end="")
    else:
        name = Path(args.file).stem
        rows = (
            CtmWord(name, "1", round(w.start, 3), round(w.end - w.start, 3), w.text, round(w.confidence, 4))
            for w in words
        )
        print(format_ctm(rows), end="")
    return 0


def text_of(argument: str) -> str:
    """A text given on the command line: itself, or what the .txt file of that name holds.

    Raises:
        InputError: the file cannot be read.
    """
    if not argument.lower().endswith(".txt"):
        return argument
    from keras_stt.formats.lines import read_lines

    return " ".join(line.strip() for _, line in read_lines(argument))
