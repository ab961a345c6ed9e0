"""What commands ask of a model: which kind it must be, and how it is to find the words."""

import argparse
import math

from keras_stt.cli.parser import section
from keras_stt.errors import FlagError, InputError
from keras_stt.pretrained import language_model_names, model_file

PASSES = 1
HOP_MS = 600  # of `keras_stt.transcribe.windows`, which is slow to import
MOST_CANDIDATES = 7  # speeds of `keras_stt.transcribe.utterances`, likewise
_SEARCH = ("beam", "lm_weight", "word_bonus")  # what means nothing without a language model


def add_decoding_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of transcription: `--passes`, `--hop_ms`, and those of a language model."""
    parser = section(parser, "decoding")
    add_passes(parser)
    words = f"of a window model: milliseconds from one window to the next (default: {HOP_MS})"
    parser.add_argument("--hop_ms", type=float, metavar="MILLISECONDS", help=words)
    add_candidates(parser)
    add_search_arguments(parser)


def add_utterance_decoding_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds those of them that an utterance model has a use for."""
    add_passes(parser)
    parser.set_defaults(hop_ms=None)
    add_candidates(parser)
    add_search_arguments(parser)


def add_candidates(parser) -> None:
    """Adds `--candidates`."""
    words = "of an utterance model: hear it so often, at 1 to 7 speeds, whose words are voted on (default: 1)"
    parser.add_argument("--candidates", type=int, metavar="HEARINGS", default=1, help=words)


def add_passes(parser) -> None:
    """Adds `--passes`."""
    words = f"refinement passes; 0, of an utterance model alone: its draft (default: {PASSES})"
    parser.add_argument("--passes", type=int, metavar="PASSES", default=PASSES, help=words)


def add_search_arguments(parser) -> None:
    """Adds `--language_model`, `--lm_weight`, `--word_bonus` and `--beam`."""
    named = ", ".join(language_model_names())
    words = f"of an utterance model: word n-grams that a beam search asks: {named}, or an .npz of your own"
    parser.add_argument("--language_model", metavar="NAME", default="", help=words)
    parser.add_argument(
        "--lm_weight", type=float, metavar="WEIGHT", help="how much the language model is heard, 0 or more"
    )
    parser.add_argument(
        "--word_bonus", type=float, metavar="NATS", help="natural logarithm added for every word, with one"
    )
    parser.add_argument("--beam", type=int, metavar="TRANSCRIPTS", help="transcripts that the search keeps, with one")


def check_decoding_arguments(args: argparse.Namespace) -> None:
    """Raises FlagError for values that make no sense with any model, and InputError where there is no such model."""
    check_passes(args)
    if args.hop_ms is not None and not 10 <= args.hop_ms < math.inf:
        raise FlagError("hop_ms", f"{args.hop_ms:g} ms; give 10 or more")
    if not 1 <= args.candidates <= MOST_CANDIDATES:
        raise FlagError("candidates", f"{args.candidates}; give 1 to {MOST_CANDIDATES}")
    check_search_arguments(args, _SEARCH)
    if getattr(args, "model", None):
        model_file(args.model)  # before Keras is imported, which takes seconds


def check_passes(args: argparse.Namespace) -> None:
    """Raises FlagError for fewer than none."""
    if args.passes < 0:
        raise FlagError("passes", f"{args.passes} passes; give 0 or more")


def check_search_arguments(args: argparse.Namespace, needing: tuple[str, ...]) -> None:
    """Raises FlagError for values that make no sense in any search.

    Args:
        needing: flags that mean nothing without a language model.
    """
    for flag in needing:
        if getattr(args, flag) is not None and not args.language_model:
            raise FlagError(flag, "is for a search with a language model; give --language_model too, or leave it out")
    if args.beam is not None and args.beam < 1:
        raise FlagError("beam", f"{args.beam} transcripts; give 1 or more")
    if args.lm_weight is not None and not 0 <= args.lm_weight < math.inf:
        raise FlagError("lm_weight", f"{args.lm_weight:g}; give 0 or more")
    if args.word_bonus is not None and not math.isfinite(args.word_bonus):
        raise FlagError("word_bonus", f"{args.word_bonus:g}; give a number")


def decoding_of(model, args: argparse.Namespace) -> dict:
    """The keywords of `model.transcribe` that the flags ask for.

    Raises:
        FlagError: a flag of the other kind of model.
        InputError: the language model cannot be read.
    """
    if is_utterance_model(model):
        if args.hop_ms is not None:
            raise FlagError("hop_ms", "is of window models, and this one hears whole utterances; leave it out")
        return {"passes": args.passes, "candidates": args.candidates, **search_of(args)}
    if args.passes < 1:
        raise FlagError("passes", f"{args.passes} passes; give 1 or more: a window model has no draft")
    if args.candidates != 1:
        raise FlagError("candidates", "is for utterance models, and this one hears windows; leave it out")
    if args.language_model:
        raise FlagError("language_model", "is for utterance models, and this one hears windows; leave it out")
    return {"passes": args.passes, "hop_seconds": (HOP_MS if args.hop_ms is None else args.hop_ms) / 1000}


def search_of(args: argparse.Namespace) -> dict:
    """What the flags say of a search: the language model, and what else they give.

    Raises:
        InputError: the language model cannot be read.
    """
    given = {flag: getattr(args, flag) for flag in _SEARCH if getattr(args, flag) is not None}
    if not args.language_model:
        return given
    from keras_stt.recognizer import load_language_model

    return {"language_model": load_language_model(args.language_model), **given}


def is_utterance_model(model) -> bool:
    from keras_stt.recognizer import UtteranceRecognizer

    return isinstance(model, UtteranceRecognizer)


def load_utterance_model(path: str):
    """The model at `path`.

    Raises:
        InputError: it cannot be loaded, or is a window model, which cannot align, fill or score.
    """
    model_file(path)  # before Keras is imported, which takes seconds
    from keras_stt.recognizer import load_model

    model = load_model(path)
    if not is_utterance_model(model):
        raise InputError(f"{path}: a window model, which only transcribes; give one trained with --view=utterance")
    return model
