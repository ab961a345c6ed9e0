"""`keras-stt doctor`: what is installed, and whether it works."""

import argparse
import dataclasses
import json

NAME_WIDTH = 24  # characters


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "doctor",
        help="say what is installed, and whether it works",
        description="Prints versions, the backend and what has chosen it, devices, free memory and disk, reads "
        "recordings of each format, and loads the models that come along. A line begins with ok, with missing (an "
        "extra that can be done without), or with broken, and then says what mends it. Ends with 1 where something is "
        "broken.",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object with all findings, for bug reports")
    parser.set_defaults(run=run, any_backend=True)


def run(args: argparse.Namespace) -> int:
    """Prints the findings.

    Returns:
        1 where something that is needed is missing or does not work.
    """
    from keras_stt.doctor import BROKEN, examine

    findings = []
    for finding in examine():
        findings.append(finding)
        if not args.json:
            fix = f"; {finding.fix}" if finding.fix else ""
            print(f"{finding.state:<8} {finding.name:<{NAME_WIDTH}} {finding.told}{fix}", flush=True)
    broken = [finding.name for finding in findings if finding.state == BROKEN]
    if args.json:
        print(json.dumps({"broken": broken, "findings": [dataclasses.asdict(one) for one in findings]}, indent=1))
    else:
        print(f"\nbroken: {', '.join(broken)}" if broken else "\nall that is needed works")
    return 1 if broken else 0
