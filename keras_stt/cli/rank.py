"""`keras-stt rank`: which of several texts is said in a recording."""

import argparse

from keras_stt.cli.align import text_of
from keras_stt.cli.decoding import add_passes, load_utterance_model
from keras_stt.cli.model import add_model
from keras_stt.errors import FlagError


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "rank",
        help="rank texts by how likely a recording says them",
        description="Prints every text with the natural logarithm of its probability given the recording, likeliest "
        "first, a tab between them; -inf where the recording is too short for it. Needs a model that was trained with "
        "--view=utterance.",
    )
    add_model(parser)
    parser.add_argument("file", metavar="FILE", help="recording: FLAC, WAV, Opus, MP3")
    parser.add_argument("texts", metavar="TEXT", nargs="+", help="what may be said in it, or files of that, .txt")
    add_passes(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints texts and scores.

    Raises:
        InputError: model, recording or a text cannot be read, or a text has letters that the model does not know.
    """
    if args.passes < 0:
        raise FlagError("passes", f"{args.passes} passes; give 0 or more")
    texts = [text_of(text) for text in args.texts]
    scores = load_utterance_model(args.model).score(args.file, texts, passes=args.passes)
    for score, text in sorted(zip(scores, texts, strict=True), key=lambda pair: -pair[0]):
        print(f"{score:.3f}\t{text}")
    return 0
