"""`keras-stt listen`: to an utterance of a corpus, or to what is being said now."""

import argparse
import importlib

from keras_stt.cli import listen_corpus
from keras_stt.cli.decoding import PASSES, add_utterance_decoding_arguments
from keras_stt.errors import FlagError, InputError
from keras_stt.pretrained import pretrained_names

LIVE_MODEL = "librispeech-small"
FORMATS = ("text", "jsonl")
# Flags that mean nothing with --live, and those that mean nothing without it, with their defaults.
_OF_A_CORPUS = {"word": "", "output": "", "play": False, "data_dir": "", "alignment_dir": ""}
_OF_LIVE = dict.fromkeys(("input", "rate", "channels", "device", "format", "lm_weight", "word_bonus", "beam"))
_OF_LIVE |= {"passes": PASSES, "candidates": 1, "language_model": ""}


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "listen",
        usage="keras-stt listen DATASET ID [options]\n       keras-stt listen --live [MODEL] [options]",
        help="hear an utterance of a corpus or its words, or write down what is being said",
        description="Prints where an utterance of a corpus lies, who speaks, what is said and when each word is said, "
        "in seconds of the recording. With --output or --play its sound is written or played, or that of some of its "
        "words. With --live it writes down what is being said, from the microphone or a pipe; Ctrl-C ends it.",
    )
    parser.add_argument("dataset", metavar="DATASET", nargs="?", help="corpus: librispeech, stm, manifest, ...")
    parser.add_argument("id", metavar="ID", nargs="?", help="the utterance's id in the corpus")
    listen_corpus.add_arguments(parser.add_argument_group("an utterance of a corpus"))
    live = parser.add_argument_group("speech as it is spoken")
    named = ", ".join(pretrained_names())
    words = f"with this utterance model: {named}, a model.keras, or a folder of a run (default: {LIVE_MODEL})"
    live.add_argument("--live", metavar="MODEL", nargs="?", const=LIVE_MODEL, help=words)
    words = "-: raw PCM from standard input, signed, 16 bits, little-endian (default: the microphone)"
    live.add_argument("--input", metavar="-", help=words)
    live.add_argument("--rate", metavar="HZ", type=int, help="of that PCM (default: 16000)")
    live.add_argument("--channels", metavar="N", type=int, help="of that PCM, interleaved (default: 1)")
    live.add_argument("--device", metavar="NAME", help="microphone, by number or part of its name")
    words = (
        "text, the default: final words, and on a terminal those that may change; jsonl: an event a line, with the "
        "clock's time in seconds since 1970"
    )
    live.add_argument("--format", choices=FORMATS, help=words)
    add_utterance_decoding_arguments(live)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Finds the utterance, or listens until the audio ends.

    Raises:
        InputError: what is asked for is neither or both, or cannot be read, heard, written or played.
    """
    if args.live is None:
        _check_corpus(args)
        return listen_corpus.run(args)
    _check_live(args)
    return importlib.import_module("keras_stt.cli.listen_live").run(args)


def _check_corpus(args: argparse.Namespace) -> None:
    _require_default(args, _OF_LIVE, "is for speech as it is spoken; give --live too, or leave it out")
    if args.dataset is None or args.id is None:
        raise InputError("listen: give DATASET and ID of an utterance, or --live for speech as it is spoken")


def _check_live(args: argparse.Namespace) -> None:
    _require_default(args, _OF_A_CORPUS, "is for an utterance of a corpus; leave it out, or leave out --live")
    if args.dataset is not None:
        raise InputError(f"listen: {args.dataset} is of a corpus, and --live listens to none; leave out one of them")


def _require_default(args: argparse.Namespace, defaults: dict, advice: str) -> None:
    for flag, default in defaults.items():
        if getattr(args, flag) != default:
            raise FlagError(flag, advice)
