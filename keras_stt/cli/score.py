"""`keras-stt score`: a transcript against its reference, by the rules of NIST's sclite."""

import argparse
import os
import sys

from keras_stt.errors import FlagError, InputError


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "score",
        help="compare transcripts with references, as sclite counts",
        description="Counts correct, substituted, deleted and inserted words by the rules of NIST's sclite: "
        "alternations { a / b / @ }, ignored segments, words given to segments by their middle. Prints tables over "
        "all, by speaker and by label, the 95 % interval of the word error rate by resampling, and the most frequent "
        "errors. (What ranks texts by how likely a recording says them is keras-stt rank.)",
    )
    parser.add_argument("reference", metavar="REF", help="what was said: .stm or .trn")
    parser.add_argument("hypothesis", metavar="HYP", help="what was heard: .ctm or .trn")
    parser.add_argument("more", nargs="*", default=[], help=argparse.SUPPRESS)  # to name rank to whoever means that
    parser.add_argument("--passes", help=argparse.SUPPRESS)
    parser.add_argument("--against", metavar="HYP2", help="a second system's transcript: is it better, or lucky?")
    _add_rules(parser.add_argument_group("what counts as an error"))
    _add_output(parser.add_argument_group("what is printed"))
    parser.set_defaults(run=run)


def _add_rules(group) -> None:
    group.add_argument("--case_sensitive", action="store_true", help="case counts, as sclite -s; otherwise it does not")
    group.add_argument(
        "--optional", action="store_true", help="words in parentheses may be left out, as sclite -D: (uh)"
    )
    group.add_argument(
        "--fragments", action="store_true", help="par- is any word that begins so, -tial any that ends so, as sclite -F"
    )
    group.add_argument(
        "--weights",
        choices=("sclite", "levenshtein"),
        default="sclite",
        help="costs of the alignment; sclite, the default: 4 for a substitution, 3 for a deletion or an insertion; "
        "levenshtein: 1 for each, the fewest errors, as jiwer counts",
    )
    group.add_argument(
        "--missing",
        choices=("error", "delete", "skip"),
        default="error",
        help="what becomes of utterances, or recordings, of which HYP has nothing: error, the default, stops; delete "
        "counts their words as deleted; skip leaves them out",
    )
    group.add_argument("--reference_format", choices=("stm", "trn"), help="of REF, whatever its name")
    group.add_argument("--hypothesis_format", choices=("ctm", "trn"), help="of HYP and HYP2, whatever their names")


def _add_output(group) -> None:
    group.add_argument("--format", choices=("text", "json", "tsv"), default="text", help="of what is printed")
    group.add_argument("--errors", type=int, default=10, metavar="N", help="errors of each kind listed (default: 10)")
    group.add_argument("--alignments", metavar="FILE", help="write every utterance, word under word, to this file")
    group.add_argument(
        "--resample",
        choices=("utterance", "speaker"),
        default="utterance",
        help="what the bootstrap draws: utterances, the default, or whole speakers, which is stricter",
    )
    group.add_argument("--samples", type=int, metavar="DRAWS", default=1000, help="draws of the bootstrap")
    group.add_argument("--seed", type=int, metavar="NUMBER", default=0, help="of the bootstrap")


def run(args: argparse.Namespace) -> int:
    """Scores and prints.

    Raises:
        InputError: a file cannot be read, the files do not fit together, or a flag makes no sense.
    """
    _check(args)
    from keras_stt.formats.lines import write_text
    from keras_stt.scoring.scores import score_files
    from keras_stt.scoring.significance import compare
    from keras_stt.scoring.tables import alignments_report

    rules = _rules(args)
    systems = [
        score_files(args.reference, path, rules, args.missing, args.reference_format, args.hypothesis_format)
        for path in (args.hypothesis, args.against)
        if path is not None
    ]
    comparison = None
    if args.against is not None:
        comparison = compare(*systems, _groups(systems[0], args), args.samples, args.seed)
    if args.alignments:
        write_text(args.alignments, alignments_report(systems[0]))
    _print(args, systems, comparison)
    if not args.optional:
        _tell_of_optional_words(systems[0])
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.more or args.passes is not None:
        raise InputError(
            "score compares a transcript with its reference: score REF HYP; what ranks texts by how likely a recording "
            "says them is: keras-stt rank MODEL FILE TEXT..."
        )
    read = [path for path in (args.reference, args.hypothesis, args.against) if path is not None]
    if args.alignments and os.path.realpath(args.alignments) in map(os.path.realpath, read):
        raise FlagError("alignments", f"{args.alignments} is what is scored; name another file")
    if args.errors < 0:
        raise FlagError("errors", f"{args.errors} errors; give 0 or more")
    if not 1 <= args.samples <= 1_000_000:
        raise FlagError("samples", f"{args.samples} draws; give 1 to 1000000")
    if args.seed < 0:
        raise FlagError("seed", f"{args.seed}; give 0 or more")


def _rules(args: argparse.Namespace):
    from keras_stt.scoring.network import Rules

    return Rules(args.case_sensitive, args.optional, args.fragments, args.weights == "levenshtein")


def _groups(scores, args: argparse.Namespace) -> list[str] | None:
    return scores.speakers if args.resample == "speaker" else None


def _print(args: argparse.Namespace, systems: list, comparison) -> None:
    from keras_stt.scoring import tables
    from keras_stt.wer import bootstrap_interval

    if args.format == "tsv":
        print(tables.tsv_report(systems), end="")
        if comparison is not None:
            print(tables.printable_lines(comparison.sentence), file=sys.stderr)
        return
    intervals = [
        bootstrap_interval(scores.counts_list, _groups(scores, args), args.samples, args.seed) for scores in systems
    ]
    pairs = list(zip(systems, intervals, strict=True))
    if args.format == "json":
        report = tables.json_report(*pairs[0], args.errors)
        if comparison is not None:
            report["against"] = tables.json_report(*pairs[1], args.errors)
            report["comparison"] = tables.comparison_fields(comparison)
        print(tables.to_json(report), end="")
        return
    reports = [tables.text_report(*pair, args.errors) for pair in pairs]
    if comparison is not None:
        reports.append(tables.comparison_report(*systems, comparison))
    print("\n".join(reports), end="")


def _tell_of_optional_words(scores) -> None:
    words = (word for scored in scores.utterances for word in scored.reference.text.split())
    count = sum(len(word) > 2 and word.startswith("(") and word.endswith(")") for word in words)
    if count:
        print(f"words in parentheses: {count}; with --optional they may be left out", file=sys.stderr)
