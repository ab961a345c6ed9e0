"""`keras-stt fill`: a transcript with gaps, completed by its recording."""

import argparse
import json
import sys

from keras_stt.cli.decoding import (
    add_passes,
    add_search_arguments,
    check_passes,
    check_search_arguments,
    load_utterance_model,
    search_of,
)
from keras_stt.cli.model import add_model
from keras_stt.formats.transcript_jsonl import word_fields


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "fill",
        help="complete a transcript that has gaps",
        description="Prints a transcript whose gaps are filled with what the recording says there. Needs a model that "
        "was trained with --view=utterance.",
    )
    add_model(parser)
    parser.add_argument("file", metavar="FILE", help="recording: FLAC, WAV, Opus, MP3")
    words = "words, and for one or more unknown ones underscores: 'THE ___ BROWN FOX'"
    parser.add_argument("pattern", metavar="PATTERN", help=words)
    parser.add_argument(
        "--format",
        choices=("txt", "jsonl"),
        default="txt",
        help="txt, the default: the text; jsonl: a JSON object with its score and its words, their times and "
        "confidences, and whether they stood in a gap",
    )
    add_passes(parser)
    add_search_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints the completed text.

    Raises:
        InputError: model or recording cannot be read, or the pattern does not fit the recording or the model.
    """
    check_passes(args)
    check_search_arguments(args, ("lm_weight",))  # a gap is searched for without a language model, too
    search = search_of(args)
    filled = load_utterance_model(args.model).fill(args.file, args.pattern, passes=args.passes, **search)
    if "_" not in args.pattern:
        print(
            "keras-stt: no gap in the pattern, so nothing was filled in; write ___ where words are missing",
            file=sys.stderr,
        )
    if args.format == "txt":
        print(filled.text)
        return 0
    words = [{**word_fields(word), "filled": in_gap} for word, in_gap in zip(filled.words, filled.filled, strict=True)]
    fields = {"file": args.file, "text": filled.text, "score": round(filled.score, 3), "words": words}
    print(json.dumps(fields, ensure_ascii=False))
    return 0
