"""`keras-stt compare`: experiments at the same budget and seeds, in one table."""

import argparse
import functools
import math

from keras_stt.errors import FlagError


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "compare",
        help="train experiments at the same budget and compare them",
        usage="%(prog)s FLAGFILE [FLAGFILE ...] --output_dir D [options] [-- --flag=value ...]",
        description="Trains every flagfile with the seeds 1 to N, and writes a table of what they reached to "
        "compare.md, compare.html and compare.json, and the plot of WER against loss to loss_wer.svg. What is done is "
        "not done again: run the same command to go on after an interruption, or with more seeds or flagfiles. "
        "Flags after -- are given to all experiments and win over their own.",
    )
    parser.add_argument("flagfiles", metavar="FLAGFILE", nargs="+", help="an experiment each, named by its file")
    parser.add_argument(
        "--output_dir", required=True, metavar="D", help="folder of the tables; runs lie in NAME/seed-N below it"
    )
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="SEEDS", help="train with the seeds 1 to N (default: %(default)s)"
    )
    words = "CPU-seconds of training that set each experiment's steps (default: the steps its flags ask for)"
    parser.add_argument("--budget_cpu_s", type=float, default=0.0, metavar="CPU-SECONDS", help=words)
    words = "runs side by side, each computing in one thread when there are more (default: %(default)s)"
    parser.add_argument("--parallel", type=int, default=1, metavar="RUNS", help=words)
    words = "make runs again that are done with other flags, in place of refusing"
    parser.add_argument("--rerun_changed", action="store_true", help=words)
    parser.set_defaults(run=run)
    # argparse gives a list of positionals its words once, before the options, and would refuse those after "--".
    parser.parse_known_args = functools.partial(_parse_with_extra_flags, type(parser).parse_known_args, parser)


def run(args: argparse.Namespace) -> int:
    """Trains what is missing, and writes the tables.

    Returns:
        0; 1 where a run failed.

    Raises:
        InputError: a flagfile cannot be read, or the folder holds something else.
    """
    _check(args)
    from keras_stt.compare.experiments import read_experiments
    from keras_stt.compare.results import collect, write_results
    from keras_stt.compare.schedule import Plan, prepare, run_all, trainer_command

    experiments = read_experiments(args.flagfiles, args.extra_flags)
    plan = Plan.of(experiments, args.output_dir, args.seeds, args.budget_cpu_s, args.parallel)
    trainer = trainer_command()
    missing = prepare(plan, args.rerun_changed)
    try:
        run_all(plan, missing, trainer, functools.partial(print, flush=True))
    finally:
        write_results(args.output_dir, collect(plan))
    failed = [run for run in plan.runs if run.error]
    print(f"{len(plan.runs) - len(failed)} of {len(plan.runs)} runs done; see {args.output_dir}/compare.html")
    return 1 if failed else 0


def _check(args: argparse.Namespace) -> None:
    if args.seeds < 1:
        raise FlagError("seeds", f"{args.seeds} is too few; give 1 or more")
    if args.parallel < 1:
        raise FlagError("parallel", f"{args.parallel} is too few; give 1 or more")
    if not 0 <= args.budget_cpu_s < math.inf:
        raise FlagError("budget_cpu_s", f"{args.budget_cpu_s} is no number of seconds; give 0 or more")
    if not args.output_dir:
        raise FlagError("output_dir", "is empty; name a folder for the runs and the tables")


def _parse_with_extra_flags(parse, parser: argparse.ArgumentParser, arguments=None, namespace=None):
    """Takes what stands after `--` as `extra_flags`, and lets `parse` see the rest."""
    arguments = list(arguments)
    end = arguments.index("--") if "--" in arguments else len(arguments)
    namespace, unknown = parse(parser, arguments[:end], namespace)
    namespace.extra_flags = arguments[end + 1 :]
    return namespace, unknown
