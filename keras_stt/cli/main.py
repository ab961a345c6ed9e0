"""`keras-stt`: transcribe, align, evaluate and export models, and make references for scoring."""

import argparse
import importlib
import os
import sys

from keras_stt import __version__
from keras_stt.cli.backend import missing_backend, require_known_backend
from keras_stt.cli.compiled import keep_compiled
from keras_stt.cli.examples import epilog_of, grouped
from keras_stt.cli.parser import Parser, did_you_mean
from keras_stt.cli.quiet import quiet_tensorflow
from keras_stt.errors import InputError

# A verb is a module of this package with `add_parser(subparsers)` and `run(args)`. Only the one asked for is imported,
# so that help comes at once; the others are listed with these words.
VERBS = {
    "transcribe": "write down what is said in recordings",
    "evaluate": "measure the word error rate of a model on a corpus",
    "align": "find when the words of a known text are said",
    "fill": "complete a transcript that has gaps",
    "rank": "rank texts by how likely a recording says them",
    "score": "compare transcripts with references, as sclite counts",
    "ngrams": "learn word n-grams from text, for transcribe and fill",
    "export": "write a model as a folder that runs without this package",
    "report": "make the report of a training run anew",
    "compare": "train experiments at the same budget and compare them",
    "bulk": "transcribe or prepare much audio on all cores, or on a cluster",
    "doctor": "say what is installed, and whether it works",
    "completion": "print a script by which a shell completes commands",
    "stm": "write an STM file from LibriSpeech folders",
    "words": "count the words of a corpus, and what guessing them would reach",
    "listen": "hear an utterance of a corpus or its words, or write down what is being said",
    "serve": "a page and an HTTP API that write down what is said",
}
INPUT_ERROR, FAILURE, INTERRUPTED = 2, 1, 130


def main(argv: list[str] | None = None) -> int:
    """Runs one command.

    Args:
        argv: arguments after the program's name; None takes those of the process.

    Returns:
        0; 1 where a part of the work failed; 2 for bad input, of which one line on stderr tells.
    """
    argv = sys.argv[1:] if argv is None else argv
    try:
        args = parse(argv)
        if not getattr(args, "any_backend", False):
            require_known_backend()
        quiet_tensorflow()
        keep_compiled()
        return args.run(args)
    except InputError as error:
        return _fail(error, INPUT_ERROR)
    except ModuleNotFoundError as error:
        return _fail(missing_backend(error), INPUT_ERROR)
    except BrokenPipeError:
        # The reader of our output has seen enough. Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)


def asked_verb(argv: list[str]) -> str | None:
    """The first argument that is no option."""
    return next((argument for argument in argv if not argument.startswith("-")), None)


def parse(argv: list[str]) -> argparse.Namespace:
    """What the arguments ask for; SystemExit where they are wrong, or ask for help."""
    if argv[:1] == ["help"]:
        argv = [*argv[1:], "--help"]
    verb = asked_verb(argv)
    parser = build_parser(verb)
    if not argv:
        parser.print_help()
        parser.error("give a command")
    if verb and verb not in VERBS:
        parser.error(f"{verb!r} is no command{did_you_mean(verb, VERBS)}")
    return parser.parse_args(argv)


def build_parser(*verbs: str | None) -> Parser:
    """The parser of the whole command line; only the named verbs have their options, which takes imports."""
    parser = Parser(prog="keras-stt", usage="keras-stt COMMAND [--help] ...", description="Speech to text in Keras 3.")
    parser.add_argument("--version", action="version", version=f"keras-stt {__version__}")
    subparsers = parser.add_subparsers(prog="keras-stt", metavar="COMMAND", required=True, help=argparse.SUPPRESS)
    for name, words in VERBS.items():
        if name in verbs:
            importlib.import_module(f"keras_stt.cli.{name}").add_parser(subparsers)
            subparsers.choices[name].epilog = epilog_of(name)
        else:
            subparsers.add_parser(name, help=words)
    parser.epilog = grouped({action.dest: action.help for action in subparsers._choices_actions})
    return parser


def _fail(reason, code: int) -> int:
    print(f"keras-stt: {' '.join(str(reason).split())}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
