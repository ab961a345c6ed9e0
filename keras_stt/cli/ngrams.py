"""`keras-stt ngrams`: a language model of one's own text, for the searches of the other verbs."""

import argparse

from keras_stt.errors import InputError

ORDER = 3


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "ngrams",
        help="learn word n-grams from text, for transcribe and fill",
        description="Learns how likely words follow each other from a text file, a sentence a line, and writes what "
        "--language_model of other verbs takes. Of LibriSpeech's *.trans.txt the ids are left out.",
    )
    parser.add_argument("text", metavar="TEXT", help="text file in UTF-8")
    parser.add_argument("output", metavar="OUT.npz", help="the file to write")
    parser.add_argument(
        "--order", type=int, metavar="WORDS", default=ORDER, help="longest n-gram, in words (default: %(default)s)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Writes the language model, and prints how much it has read.

    Raises:
        InputError: the text cannot be read, has no words, or the file cannot be written.
    """
    if not args.output.endswith(".npz"):
        raise InputError(f"{args.output}: give a name that ends in .npz")
    from keras_stt.data.text_paths import read_texts
    from keras_stt.decoding.language_model import WordNgrams

    texts = read_texts(args.text)
    language_model = WordNgrams.learn(texts, args.order)
    language_model.save(args.output)
    words = sum(len(text.split()) for text in texts)
    print(f"{args.output}: {words:,} words in {len(texts):,} lines, {len(language_model.words):,} different ones")
    return 0
