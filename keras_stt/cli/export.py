"""`keras-stt export`: a model as an artefact that runs without this package, checked against the model."""

import argparse
import sys


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "export",
        help="write a model as a folder that runs without this package",
        description="Writes a model as a TensorFlow SavedModel that takes waveforms and needs neither this package nor "
        "Keras, then runs both on reference windows and compares what they say.",
    )
    parser.add_argument("model", metavar="MODEL", help="a model.keras, or the output folder of a training run")
    parser.add_argument("output", metavar="OUT", help="folder to write; an earlier export there is replaced")
    parser.add_argument(
        "--format", choices=("saved_model",), default="saved_model", help="kind of artefact (default: saved_model)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exports and checks.

    Returns:
        1 where the artefact does not say what the model says.

    Raises:
        InputError: the model cannot be loaded or the folder cannot be written.
    """
    from keras_stt.export import ExportError, check_saved_model, export_saved_model, reference_windows

    try:
        written = export_saved_model(args.model, args.output)
        report = check_saved_model(args.model, args.output, reference_windows(written["window_seconds"]))
    except ExportError as error:
        print(f"keras-stt: {error}", file=sys.stderr)
        return 1
    print(f"{args.output}: {written['bytes'] / 2**20:.1f} MiB, signatures {', '.join(written['signatures'])}")
    print(f"largest difference of a logit {report['largest_logit_difference']:.1e}, texts equal")
    return 0
