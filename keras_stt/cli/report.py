"""`keras-stt report`: the report of a run, made anew of what the run left behind."""

import argparse


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "report",
        help="make the report of a training run anew",
        description="Makes report.html of the files that a run of train_main.py left in its folder: how it learned, "
        "what it mishears, and what it was run with. One page that opens offline, on a phone too. Needs no model.",
    )
    parser.add_argument("run_folder", metavar="RUN", help="folder of the run, its --output_dir")
    parser.add_argument("--output", default="", metavar="FILE", help="the page (default: report.html in RUN)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Writes the report and prints where it lies.

    Raises:
        InputError: the folder holds no finished run, a file of it is damaged, or the page cannot be written.
    """
    from keras_stt.report.run import write_run_report

    print(write_run_report(args.run_folder, args.output or None))
    return 0
