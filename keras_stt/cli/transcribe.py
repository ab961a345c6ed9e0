"""`keras-stt transcribe`: what is said in recordings."""

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Callable

from keras_stt.cli.decoding import add_decoding_arguments, check_decoding_arguments, decoding_of
from keras_stt.cli.model import add_model
from keras_stt.cli.standard_input import MARK, standard_input
from keras_stt.errors import FlagError, InputError, printable, write_error

# Those of `keras_stt.formats.transcripts`, which is slower to import than help should be.
FORMATS = {
    "txt": "the text, the default",
    "srt": "subtitles",
    "vtt": "subtitles of browsers",
    "ctm": "a word a line, with its time and confidence",
    "trn": "text and id",
    "jsonl": "a JSON object per file, with the times and confidences of its words",
    "stm": "segments with their times",
}
_OF_REFERENCES = ("txt", "ctm", "trn", "stm")  # in which people keep what is really said


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "transcribe",
        help="write down what is said in recordings",
        description="Prints what is said in recordings of any length, rate and number of channels. Of several files "
        "each line of text begins with the file's name and a tab. A file that cannot be read is reported and passed "
        "over.",
    )
    add_model(parser)
    words = "recordings, in any format that libsndfile reads (FLAC, WAV, Opus, MP3, ...); folders of them; patterns "
    words += f"such as 'FOLDER/**/*.wav', in quotes; {MARK}: standard input"
    parser.add_argument("files", metavar="FILE", nargs="+", help=words)
    words = "; ".join(f"{name}: {meaning}" for name, meaning in FORMATS.items())
    parser.add_argument("--format", choices=FORMATS, default="txt", help=words)
    words = "write a file for each recording there, X.srt for X.wav, in place of printing"
    parser.add_argument("--output_dir", metavar="FOLDER", default="", help=words)
    add_decoding_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints or writes the transcripts as they come.

    Returns:
        1 where a file of several could not be read.

    Raises:
        InputError: the model cannot be loaded, a flag is of the other kind of model, nothing is there, or the only
            file cannot be read.
    """
    check_decoding_arguments(args)
    from keras_stt.formats.transcripts import FORMATS
    from keras_stt.recordings import find_recordings, recording_ids

    files, form = find_recordings(args.files), FORMATS[args.format]
    if len(files) > 1 and not form.joins and not args.output_dir:
        found = f"{args.format} of {len(files)} recordings is no file of its kind"
        raise FlagError("output_dir", f"{found}; name a folder, in which each gets one")
    ids = dict(zip(files, recording_ids(["stdin" if file == MARK else file for file in files]), strict=True))
    if args.output_dir:
        _keep_references(files, ids, args.output_dir, args.format)
    write = _writer(args.output_dir, args.format) if args.output_dir else _printer(args.format, len(files) > 1)
    model = _loaded(args)
    failed = 0
    for file in files:
        try:
            text = form.write(file, ids[file], _transcribed(*model, file))
        except InputError as error:
            if len(files) == 1:
                raise
            failed += 1
            print(f"keras-stt: {error}", file=sys.stderr)
            continue
        write(file, ids[file], text)
    return 1 if failed else 0


def _keep_references(files: list[str], ids: dict[str, str], folder: str, form: str) -> None:
    """What stands beside its recording as a text may be what somebody wrote by hand."""
    for file in files if form in _OF_REFERENCES else ():
        path = os.path.join(folder, f"{ids[file]}.{form}")
        if os.path.exists(path) and os.path.dirname(os.path.realpath(path)) == os.path.dirname(os.path.realpath(file)):
            raise FlagError(
                "output_dir", f"{path} stands beside its recording and would be replaced; name a new folder"
            )


def _loaded(args: argparse.Namespace) -> tuple:
    from keras_stt.recognizer import load_model

    model = load_model(args.model)
    return model, decoding_of(model, args)


def _transcribed(model, decoding: dict, file: str):
    """The transcript of a file, with a progress bar in seconds of audio where stderr is a terminal."""
    from tqdm import tqdm

    from keras_stt.audio import audio_blocks, claimed_seconds
    from keras_stt.transcribe.transcript import transcript_of

    with standard_input() if file == MARK else contextlib.nullcontext(file) as source:
        seconds = claimed_seconds(source)
        total = None if seconds is None else round(seconds)
        with tqdm(total=total, desc=printable(os.path.basename(file)), unit="s", disable=None, leave=False) as bar:
            heard = 0.0

            def tell(more: float) -> None:
                nonlocal heard
                heard += more
                bar.update(round(heard) - bar.n)

            return transcript_of(audio_blocks(source), lambda blocks: model.stream(blocks, **decoding), tell)


def _printer(form: str, several: bool) -> Callable[[str, str, str], None]:
    def write(file: str, name: str, text: str) -> None:
        print((f"{printable(file)}\t" if several and form == "txt" else "") + text, end="", flush=True)

    return write


def _writer(folder: str, form: str) -> Callable[[str, str, str], None]:
    """Writes into the folder, which is made and tried at once: a recording may take hours to be heard."""
    from keras_stt.formats.lines import write_text

    _made(folder)
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise write_error(folder, error) from error

    def write(file: str, name: str, text: str) -> None:
        path = os.path.join(folder, f"{name}.{form}")
        _made(os.path.dirname(path))
        write_text(path, text)
        print(printable(path), flush=True)

    return write


def _made(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error
