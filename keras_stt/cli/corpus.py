"""The flags by which a command is told which corpus to read, as training is told it."""

import argparse

from keras_stt.cli.parser import section
from keras_stt.data.sources.options import SPLITS, CorpusOptions


def add_corpus_arguments(parser: argparse.ArgumentParser, built: bool = True) -> None:
    """Adds all but the corpus's name, `dataset`, which each command takes in its own way.

    Args:
        built: whether to ask where built corpora are kept, and what those that are drawn are drawn from.
    """
    parser = section(parser, "corpus")
    parser.add_argument(
        "--data_dir", metavar="PATH", default="", help="folder or file of the corpus, or of its prepared TFDS data"
    )
    parser.add_argument(
        "--archive_dir", metavar="FOLDER", default="", help="folder with the corpus's official archives"
    )
    for split in SPLITS:
        words = f"the corpus's own parts that make up {split}, comma-separated (default: chosen by the corpus)"
        parser.add_argument(f"--{split}_splits", metavar="PARTS", default="", help=words)
    for split in SPLITS[1:]:
        words = f"speakers held out for {split}, comma-separated, where the corpus has no such part"
        parser.add_argument(f"--{split}_speakers", metavar="SPEAKERS", default="", help=words)
    parser.add_argument("--download", action="store_true", help="fetch the corpus where it is not there")
    if not built:
        return
    parser.add_argument(
        "--cache_dir", metavar="FOLDER", default="", help="where built corpora are kept (default: ~/.cache/keras_stt)"
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="NUMBER",
        default=0,
        help="of corpora that are drawn, as in training (default: %(default)s)",
    )


def corpus_options(args: argparse.Namespace) -> CorpusOptions:
    """The corpus that the flags ask for."""
    return CorpusOptions(
        dataset=args.dataset,
        data_dir=args.data_dir,
        archive_dir=args.archive_dir,
        splits=tuple((split, getattr(args, f"{split}_splits")) for split in SPLITS),
        dev_speakers=_names(args.dev_speakers),
        test_speakers=_names(args.test_speakers),
        cache_dir=args.cache_dir,
        download=args.download,
        seed=args.seed,
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
