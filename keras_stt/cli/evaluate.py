"""`keras-stt evaluate`: the word error rate of a model on a split of a corpus."""

import argparse
import dataclasses
import itertools
import json
import os
import sys

from keras_stt.cli.corpus import add_corpus_arguments, corpus_options
from keras_stt.cli.decoding import add_decoding_arguments, check_decoding_arguments, decoding_of
from keras_stt.cli.model import add_model
from keras_stt.data.sources.options import SPLITS
from keras_stt.errors import FlagError

WORST = 3  # utterances shown


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure the word error rate of a model on a corpus",
        description="Transcribes a split of a corpus and prints word and character error rates, the 95 % interval of "
        "the word error rate by resampling, and the utterances with most errors.",
    )
    add_model(parser)
    parser.add_argument("--dataset", required=True, help="corpus: librispeech, stm, manifest, synthetic, digits, ...")
    parser.add_argument("--split", choices=SPLITS, default="test", help="part of the corpus (default: test)")
    add_corpus_arguments(parser)
    parser.add_argument("--limit", type=int, default=0, help="evaluate only the first so many utterances; 0: all")
    parser.add_argument("--output_dir", default="", help="write summary.json and utterances.jsonl into this folder")
    add_decoding_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Evaluates and prints.

    Raises:
        InputError: the model or the corpus cannot be read, a flag is of the other kind of model, or the split has no
            utterances.
    """
    check_decoding_arguments(args)
    if args.limit < 0:
        raise FlagError("limit", f"{args.limit} utterances; give 1 or more, or 0 for all")
    from keras_stt.data.sources import open_corpus
    from keras_stt.evaluation import evaluate_utterances, summarize
    from keras_stt.recognizer import load_model
    from keras_stt.train.outputs import output_folder

    if args.output_dir:
        output_folder(args.output_dir)  # before the work, not after it
    stream = open_corpus(corpus_options(args))[args.split]
    model = load_model(args.model)
    decoding = decoding_of(model, args)
    records = read_records(stream, args.limit)
    if not records:
        raise FlagError("split", f"{args.dataset} has no utterances in {args.split}; name its parts or its speakers")
    label = f"{args.dataset} {args.split}"
    results = evaluate_utterances(model, records, label, **decoding)
    summary = summarize(results)
    if len(results) < len(records):
        print(f"{len(records) - len(results)} utterances left out: their audio cannot be read", file=sys.stderr)
    print_summary(label, summary, results)
    if args.output_dir:
        settings = {"model": args.model, "dataset": args.dataset, "split": args.split, **decoding}
        if "hop_seconds" in settings:
            settings["hop_ms"] = round(1000 * settings.pop("hop_seconds"), 3)
        if "language_model" in settings:
            settings["language_model"] = args.language_model
        write_results(args.output_dir, {**settings, **summary}, results)
    return 0


def read_records(stream, limit: int) -> list:
    """The first `limit` records (0: all) that have words, with the text normalised as in training."""
    from keras_stt.text import normalize

    records = (dataclasses.replace(record, text=normalize(record.text)) for record in stream)
    chosen = list(itertools.islice((record for record in records if record.text), limit or None))
    if getattr(stream, "skipped", None):
        print(stream.describe_skipped(), file=sys.stderr)
    return chosen


def print_summary(label: str, summary: dict, results: list) -> None:
    """Prints rates, counts and the worst utterances."""
    low, high = summary["wer_interval"]
    total = sum((result.counts for result in results[1:]), results[0].counts)
    print(f"{label}: {len(results)} utterances, {total.reference_words} words")
    print(f"WER {summary['wer']:.2%} (95 % interval {low:.2%} to {high:.2%})   CER {summary['cer']:.2%}")
    print(f"{total.substitutions} substitutions, {total.deletions} deletions, {total.insertions} insertions")
    worst = sorted(results, key=lambda result: (-result.counts.rate, -result.counts.edits))[:WORST]
    for result in worst:
        if result.counts.edits:
            print(f"\n{result.id}: {result.counts.edits} edits, {result.counts.reference_words} words")
            print(f"  said   {result.reference}\n  heard  {result.hypothesis}")


def write_results(folder: str, summary: dict, results: list) -> None:
    """Writes `summary.json`, and `utterances.jsonl` with reference and hypothesis of each; each file whole or not."""
    from keras_stt.formats.lines import write_text
    from keras_stt.report.results import result_fields

    fields = ({**result_fields(result), **dataclasses.asdict(result.counts)} for result in results)
    lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in fields]
    write_text(os.path.join(folder, "utterances.jsonl"), "".join(lines))
    write_text(os.path.join(folder, "summary.json"), json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
