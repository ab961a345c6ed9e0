"""`keras-stt export`: a model as an artefact that runs without this package, checked against the model."""

import argparse
import sys
from pathlib import Path

from keras_stt.pretrained import model_file


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "export",
        help="write a model as a folder that runs without this package",
        description="Writes a model as an artefact that takes waveforms and needs neither this package nor Keras, then "
        "runs both on the same recordings and compares what they say: OUT/export_report.json.",
    )
    parser.add_argument("model", metavar="MODEL", help="a name, a model.keras, or the output folder of a training run")
    parser.add_argument("output", metavar="OUT", help="folder to write; an earlier export there is replaced")
    parser.add_argument(
        "--format",
        default="saved_model",
        help="saved_model for TensorFlow (the default), onnx for onnxruntime, litert or openvino",
    )
    parser.add_argument(
        "--passes",
        type=int,
        metavar="PASSES",
        default=1,
        help="refinements of the draft of an utterance model (default: 1; 0: none)",
    )
    parser.add_argument("--int8", action="store_true", help="write it with weights of eight bits too")
    parser.add_argument(
        "--audio",
        action="append",
        metavar="PATH",
        help="recordings to compare on, a file or a folder, with X.txt beside X.wav or LibriSpeech's .trans.txt where "
        "texts are known, as --int8 needs some; may be given again (default: speech and sounds that are made)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Exports and checks.

    Returns:
        1 where the artefact does not say what the model says.

    Raises:
        InputError: the model cannot be loaded or exported, a recording cannot be read, or eight bits are asked for and
            none of the recordings has a text.
    """
    model_file(args.model)  # before Keras is imported, which takes seconds
    from keras_stt.export import ExportError, check_export, export_model, read_recordings, require_texts

    recordings = [one for path in args.audio or [] for one in read_recordings(path)]
    if args.int8 and recordings:
        require_texts(recordings)
    try:
        written = export_model(args.model, args.output, args.format, args.passes, args.int8)
        report = check_export(args.model, args.output, recordings or None)
    except ExportError as error:
        print(f"keras-stt: {error}", file=sys.stderr)
        return 1
    for name, size in zip(written["files"], written["bytes"], strict=True):
        print(f"{Path(args.output, name)}: {size / 2**20:.1f} MiB")
    print(f"{report['runtime']}: largest difference of a logit {report['largest_logit_difference']:.1e}, texts equal")
    for line in _figures(report):
        print(line)
    if not recordings:
        print("these are of made speech, which models of real speech do not know: give --audio for rates that tell")
    return 0


def _figures(report: dict) -> list[str]:
    """Lines about speed, and errors where texts are known."""
    named = [("model", report["model"]), (report["format"], report), ("int8", report.get("int8"))]
    return [
        f"{name}: {_error_rate(figures)}{figures['audio_seconds_per_cpu_second']:.0f} s of audio per CPU-second"
        for name, figures in named
        if figures
    ]


def _error_rate(figures: dict) -> str:
    return f"WER {figures['wer']:.1%}, " if "wer" in figures else ""
