"""`keras-stt words`: how the words of a corpus are distributed, and what a model that does not listen would reach."""

import argparse
import functools
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence

from tqdm import tqdm

from keras_stt.cli.corpus import add_corpus_arguments, corpus_options
from keras_stt.data.sources import open_corpus
from keras_stt.data.sources.options import SPLITS
from keras_stt.errors import FlagError, InputError
from keras_stt.formats.lines import read_lines, write_text
from keras_stt.text import SPECIAL_TOKENS, normalize, split_words
from keras_stt.words import VOCABULARY_SIZES, WordCounts, analyze, count_words, frequency_table

# What stands before the text of a line in a .trans.txt of LibriSpeech or a text file of Kaldi: 103-1240-0000.
_IDENTIFIER = re.compile(r"(?=\S*\d)\S+[-_]\S+$")


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "words",
        help="count the words of a corpus, and what guessing them would reach",
        description="Counts the words of one split of a corpus and prints the commonest, the laws of Zipf and of the "
        "exponential fitted to them, and what a model that does not listen would reach on the other splits: the cross "
        "entropy of words alone and of pairs, and the WER of always saying the commonest word. No audio is decoded.",
    )
    parser.add_argument(
        "dataset", metavar="DATASET", nargs="?", default="", help="corpus: librispeech, stm, manifest, ..."
    )
    words = "count these text files, an utterance a line with or without an identifier, in place of a corpus"
    parser.add_argument("--text", nargs="+", metavar="FILE", default=[], help=words)
    words = "with --text: text files to measure on, of which nothing is counted"
    parser.add_argument("--held_out", nargs="+", metavar="FILE", default=[], help=words)
    words = "part to count; dev and test are held out (default: %(default)s)"
    parser.add_argument("--split", choices=SPLITS, default="train", help=words)
    add_corpus_arguments(parser)
    parser.add_argument(
        "--top", type=int, metavar="WORDS", default=20, help="words printed; words.tsv has all (default: %(default)s)"
    )
    sizes = " ".join(map(str, VOCABULARY_SIZES))
    words = (
        f"count unknown words at these vocabulary sizes, special tokens included, and at all words (default: {sizes})"
    )
    parser.add_argument(
        "--vocabulary_sizes", nargs="+", type=int, metavar="TOKENS", default=VOCABULARY_SIZES, help=words
    )
    parser.add_argument(
        "--output_dir", metavar="FOLDER", default="", help="write words.tsv, words.json and zipf.png into this folder"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Counts, prints and writes.

    Raises:
        InputError: the corpus or a file cannot be read, or there is no word to count.
    """
    _check(args)
    label, text, held_out = _count_files(args) if args.text else _count_corpus(args)
    figures = analyze(text, held_out, args.vocabulary_sizes)
    print_figures(label, figures, frequency_table(text)[: args.top])
    if args.output_dir:
        write_figures(args.output_dir, label, figures, text)
    return 0


def _check(args: argparse.Namespace) -> None:
    if bool(args.dataset) == bool(args.text):
        raise FlagError("text", "give either the name of a corpus or --text=FILE")
    if args.held_out and not args.text:
        raise FlagError("held_out", "goes with --text; of a corpus dev and test are held out")
    if args.top < 0:
        raise FlagError("top", f"{args.top} words; give 0 or more")
    if args.output_dir:
        require_place(args.output_dir)  # before the work, not after it
    for size in args.vocabulary_sizes:
        if size <= len(SPECIAL_TOKENS):
            raise FlagError("vocabulary_sizes", f"{size} leaves no room for a word; give {len(SPECIAL_TOKENS) + 1} up")


def require_place(folder: str) -> None:
    """Raises FlagError where no such folder could be made or written to; makes nothing."""
    place = os.path.abspath(folder)
    while not os.path.exists(place):
        place = os.path.dirname(place)
    if not os.path.isdir(place) or not os.access(place, os.W_OK):
        why = "no folder" if not os.path.isdir(place) else "read-only"
        raise FlagError("output_dir", f"{folder} cannot be made ({place} is {why}); give another")


def _count_corpus(args: argparse.Namespace) -> tuple[str, WordCounts, dict[str, WordCounts]]:
    streams = open_corpus(corpus_options(args))
    counts = {
        split: _count_records(streams[split], f"{args.dataset} {split}")
        for split in SPLITS
        if split in streams and (split == args.split or split != "train")
    }
    if args.split not in counts or not counts[args.split].total:
        raise FlagError("split", f"{args.dataset} has no words in {args.split}; name its parts or its speakers")
    text = counts.pop(args.split)
    return f"{args.dataset} {args.split}", text, {split: other for split, other in counts.items() if other.total}


def _count_records(stream, label: str) -> WordCounts:
    # The progress bar is silent where stderr is a file or a pipe.
    total = getattr(stream, "length_hint", None)
    bar = tqdm(stream, desc=label, total=total, unit=" utterances", leave=False, disable=None)
    counts = count_words(_words_of(record.text) for record in bar)
    if getattr(stream, "skipped", None):
        print(f"{label}: {stream.describe_skipped()}", file=sys.stderr)
    return counts


def _count_files(args: argparse.Namespace) -> tuple[str, WordCounts, dict[str, WordCounts]]:
    text, other = (_count_lines(paths) for paths in (args.text, args.held_out))
    for name, paths, counts in (("text", args.text, text), ("held_out", args.held_out, other)):
        if paths and not counts.total:
            raise FlagError(name, f"no word in {', '.join(paths[:3])}; give files with an utterance a line")
    label = os.path.basename(args.text[0]) if len(args.text) == 1 else f"{len(args.text)} files"
    return label, text, {"held-out text": other} if args.held_out else {}


def _count_lines(paths: list[str]) -> WordCounts:
    bar = tqdm(paths, unit=" files", leave=False, disable=None)
    return count_words(_words_of(line) for path in bar for line in texts_of(path))


def _words_of(text: str) -> list[str]:
    return [word for part in text.split() for word in _words_of_part(part)]


# Nothing in a part between spaces changes how another is normalised, and most parts have been seen before.
@functools.lru_cache(maxsize=1 << 17)
def _words_of_part(part: str) -> tuple[str, ...]:
    return tuple(split_words(normalize(part)))


def texts_of(path) -> Iterator[str]:
    """The lines of a file that are not blank, without the identifiers where every line begins with one."""
    lines = [line.split(maxsplit=1) for _, line in read_lines(path) if line.strip()]
    identified = all(_IDENTIFIER.match(fields[0]) for fields in lines)
    return (" ".join(fields[identified:]) for fields in lines)


def print_figures(label: str, figures: dict, top: Sequence[tuple]) -> None:
    """Prints the table and every figure with its meaning."""
    print(
        f"{label}: {figures['words']:,} words in {figures['utterances']:,} utterances, {figures['distinct_words']:,} "
        f"distinct (type-token ratio {figures['type_token_ratio']:.4f})"
    )
    print(
        f"seen once: {figures['seen_once']:,} words, {figures['seen_once_of_distinct']:.1%} of the distinct ones, "
        f"{figures['seen_once_of_words']:.2%} of all"
    )
    if top:
        print(f"\n{'rank':>6}  {'count':>9}  {'share':>7}  {'so far':>7}  word")
    for rank, word, count, share, cumulative in top:
        print(f"{rank:>6}  {count:>9,}  {share:>7.2%}  {cumulative:>7.2%}  {word}")
    print(f"\n{_laws(figures)}")
    print(
        f"guessing with equal chances: {figures['uniform_nats']:.3f} nats per word; "
        f"knowing how common each word is: {figures['unigram_entropy_nats']:.3f} (on the counted text itself)"
    )
    print(f"always {figures['commonest_word']}, one word in every slot: WER {figures['constant_guess_wer']:.2%}")
    for name, other in figures["held_out"].items():
        print(f"\n{_held_out(name, other, figures['commonest_word'])}")
    if not figures["held_out"]:
        print("\nno held-out text, so no cross entropy and no share of unknown words")


def _laws(figures: dict) -> str:
    zipf, exponential = figures["zipf"], figures["exponential"]
    if zipf is None:
        return "no law of frequency fitted: fewer than three words, or all about equally common"
    better = "Zipf's law" if zipf["r_squared"] > exponential["r_squared"] else "the exponential"
    return (
        f"Zipf, count ~ rank^{zipf['slope']:.3f}: R² {zipf['r_squared']:.4f}; exponential, count ~ "
        f"e^(-rank / {-1 / exponential['slope']:,.1f}): R² {exponential['r_squared']:.4f}; {better} fits better"
    )


def _held_out(name: str, figures: dict, commonest: str) -> str:
    lines = [f"measured on {name}: {figures['words']:,} words, {figures['distinct_words']:,} distinct"]
    for size, share in figures["unknown_share"].items():
        lines.append(f"  unknown at --vocabulary_size={size:<7} {share:7.2%}")
    lines.append("  cross entropy, where all unknown words count as one word <unk>:")
    for kind, title in (("unigram", "of words alone (unigram)"), ("bigram", "after the word before (bigram)")):
        found = figures[kind]
        known = "none" if found["known_nats"] is None else f"{found['known_nats']:.3f}"
        lines.append(
            f"    {title:<31}{found['nats']:6.3f} nats = {found['bits']:.3f} bits per word, perplexity "
            f"{found['perplexity']:,.1f}; known words only: {known} nats"
        )
    lines.append(f"  always {commonest}: WER {figures['constant_guess_wer']:.2%}")
    return "\n".join(lines)


def write_figures(folder: str, label: str, figures: dict, text: WordCounts) -> None:
    """Writes `words.tsv` with every word, `words.json` with the figures, and `zipf.png`."""
    from keras_stt.report.words import write_zipf_plot

    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise InputError(f"--output_dir: {folder} cannot be made ({error.strerror}); give another") from error
    rows = [f"{rank}\t{word}\t{count}\t{share:.6g}\t{so_far:.6g}" for rank, word, count, share, so_far in
            frequency_table(text)]  # fmt: skip
    header = "rank\tword\tcount\tshare\tcumulative_share"
    write_text(os.path.join(folder, "words.tsv"), "\n".join([header, *rows, ""]))
    fields = {"text": label, **figures}
    write_text(os.path.join(folder, "words.json"), json.dumps(fields, indent=1, ensure_ascii=False) + "\n")
    write_zipf_plot(os.path.join(folder, "zipf.png"), text.ranked(), f"Words of {label}")
