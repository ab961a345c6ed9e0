"""`keras-stt bulk prepare`: a corpus made ready for training, by all cores or on a cluster."""

import argparse
import os

from keras_stt.alignment import METHODS
from keras_stt.cli.bulk_engine import add_engine_arguments, engine_of, from_the_root
from keras_stt.cli.corpus import add_corpus_arguments, corpus_options
from keras_stt.errors import FlagError

UTTERANCES = 128  # in a part: of some 12 s, 25 MB of features


def add_parser(works) -> None:
    """Adds the work to those of `keras-stt bulk`."""
    parser = works.add_parser(
        "prepare",
        help="index a corpus and compute its features and word times",
        description="Writes into OUTPUT the index of a corpus and its log-mel features, where training with "
        "--flagfile=OUTPUT/corpus.cfg finds them, and an STM file of each split in OUTPUT/stm, with a CTM file where "
        "word times are known or a model finds them. The same command goes on where it was broken off.",
    )
    parser.add_argument("--dataset", required=True, help="corpus: librispeech, stm, manifest, synthetic, digits, ...")
    add_corpus_arguments(parser, built=False)
    words = "corpora, as NAME or NAME=FOLDER, whose train splits are added to train, comma-separated"
    parser.add_argument("--extra_train_dataset", default="", help=words)
    parser.add_argument("--alignment", choices=METHODS, help="word times (default: model with one, else auto)")
    parser.add_argument("--alignment_dir", metavar="FOLDER", default="", help="folder with TextGrid or CTM files")
    words = "recogniser whose forced alignment gives word times: its name or path"
    parser.add_argument("--alignment_model", metavar="MODEL", default="", help=words)
    parser.add_argument("--train_known_times", action="store_true", help="in train, only utterances of known times")
    parser.add_argument(
        "--max_utterances", type=int, metavar="UTTERANCES", default=0, help="utterances of each split; 0: all"
    )
    parser.add_argument(
        "--mel_bands", type=int, metavar="BANDS", default=80, help="of a frame of 10 ms (default: %(default)s)"
    )
    add_engine_arguments(parser, UTTERANCES, "utterances")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prepares, and says what is there.

    Raises:
        FlagError, InputError: the corpus is not there, or the work cannot be done.
    """
    from keras_stt.bulk.references import write_references
    from keras_stt.formats.lines import write_text
    from keras_stt.train.preparation import prepare

    engine, flags = engine_of(args), corpus_flags(args)
    for split, (index, store) in prepare(flags, engine, args.part_size).items():
        said, timed, problem = write_references(index, os.path.join(flags.cache_dir, "stm"), split)
        skipped = {**index.skipped, **store.skipped}
        told = f"; skipped {skipped}" if skipped else ""
        left_out = f"; {len(index) - said} not in the STM ({problem})" if said < len(index) else ""
        print(f"{split}: {len(index):,} utterances, {index.hours:.2f} h; {timed:,} with word times{told}{left_out}")
    path = os.path.join(flags.cache_dir, "corpus.cfg")
    write_text(path, flags.flagfile())
    print(f"train on it: python train_main.py --flagfile=FLAGS --flagfile={path}")
    return 0


def corpus_flags(args: argparse.Namespace):
    """The training flags of the corpus, with paths from the root on: they are read from any folder, by any worker.

    Raises:
        FlagError: numbers or folders that make no sense.
    """
    from keras_stt.train.option_checks import MOST_MEL_BANDS
    from keras_stt.train.preparation import CorpusFlags

    if args.max_utterances < 0:
        raise FlagError("max_utterances", f"{args.max_utterances}; give 1 or more, or 0 for all")
    if not 1 <= args.mel_bands <= MOST_MEL_BANDS:
        raise FlagError("mel_bands", f"{args.mel_bands}; give 1 to {MOST_MEL_BANDS}")
    output = os.path.abspath(args.output)
    asked = corpus_options(argparse.Namespace(**{**vars(args), "cache_dir": output, "seed": 0}))
    for flag in ("data_dir", "alignment_dir"):
        place = getattr(args, flag) and os.path.abspath(getattr(args, flag))
        if place and os.path.isdir(place) and f"{output}/".startswith(f"{place.rstrip('/')}/"):
            raise FlagError("output", f"{output} is in --{flag}, which would change by it; give a folder beside it")
    splits = {f"{split}_splits": names for split, names in asked.splits}
    extra = tuple(_absolute_extra(one) for one in args.extra_train_dataset.split(",") if one)
    return CorpusFlags(
        dataset=asked.dataset,
        cache_dir=output,
        data_dir=args.data_dir and os.path.abspath(args.data_dir),
        archive_dir=args.archive_dir and os.path.abspath(args.archive_dir),
        **splits,
        dev_speakers=asked.dev_speakers,
        test_speakers=asked.test_speakers,
        extra_train_dataset=extra,
        download=args.download,
        alignment=args.alignment or ("model" if args.alignment_model else "auto"),
        alignment_dir=args.alignment_dir and os.path.abspath(args.alignment_dir),
        alignment_model=args.alignment_model and from_the_root(args.alignment_model),
        train_known_times=args.train_known_times,
        max_utterances=args.max_utterances,
        mel_bands=args.mel_bands,
    )


def _absolute_extra(extra: str) -> str:
    name, _, folder = extra.partition("=")
    return f"{name}={os.path.abspath(folder)}" if folder else name
