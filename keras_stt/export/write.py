"""A trained model to an artefact: one way for all formats, in a process of its own with TensorFlow as its backend."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np

import keras_stt
from keras_stt.audio import SAMPLE_RATE
from keras_stt.errors import InputError
from keras_stt.export.artefact import METADATA, ExportError, require_free, size_in_bytes
from keras_stt.export.kinds import FILES, PACKAGES, format_of, require_format
from keras_stt.features import FRAME_SECONDS
from keras_stt.formats.lines import write_text
from keras_stt.formats.whole_folder import written_whole
from keras_stt.recognizer import Recognizer, UtteranceRecognizer, load_model
from keras_stt.text import SPECIAL_TOKENS

_CHILD = "import sys; from keras_stt.export.write import write_for_parent; write_for_parent(*sys.argv[1:])"


def export_model(model_path, out_dir, format: str = "saved_model", passes: int = 1, int8: bool = False) -> dict:
    """Writes a folder with features, weights and vocabulary inside that needs neither this package nor Keras.

    Beside the artefact, `keras_stt.json` tells what it is, its signatures, the vocabulary, versions and the training
    record. The folder is written whole or not at all; an earlier export is replaced. The work is done in a child
    process whatever the backend: what converters print and the memory they take stay there, and where one gives up,
    one line is left of it.

    Args:
        model_path: what `keras_stt.load_model` takes.
        out_dir: folder to make.
        format: one of `export.FORMATS`. Utterance models have all, window models `saved_model`.
        passes: refinements of the draft within the graph of an utterance model; 0 gives the draft alone.
        int8: whether to write, beside it, the same with weights of eight bits; of utterance models.

    Returns:
        The contents of `keras_stt.json`, `path`, and `bytes` of each of its `files`.

    Raises:
        InputError: the model cannot be loaded or has no such format, what the format needs is not installed, or
            `out_dir` holds something else or cannot be written to.
        ExportError: the format cannot hold the model, or writing it failed.
    """
    out_dir = Path(out_dir)
    require_format(format)
    if passes < 0:
        raise InputError(f"passes {passes}: give 0 for the draft, or more to refine it")
    require_free(out_dir)
    _write_in_child(model_path, out_dir, format, passes, int8)
    metadata = json.loads((out_dir / METADATA).read_text(encoding="utf-8"))
    return {**metadata, "path": str(out_dir), "bytes": [size_in_bytes(out_dir / name) for name in metadata["files"]]}


def _write(model, out_dir: Path, format: str, passes: int, int8: bool) -> None:
    window = isinstance(model, Recognizer)
    if window and (format != "saved_model" or int8):
        asked = "int8" if int8 else f"format {format}"
        raise InputError(f"{asked}: of utterance models; a window model exports as saved_model in float32")
    writer = format_of(format)
    passes = passes if not window and model.refiner is not None else 0
    with written_whole(out_dir) as building:
        whole, small = (building / name for name in FILES[format])
        if window:
            writer.write_window(model, whole)
        else:
            writer.write(model, passes, whole)
        if int8:
            writer.write_int8(model, passes, whole, small)
        metadata = _of_window(model) if window else _of_utterance(model, passes)
        files = {"files": list(FILES[format][: 1 + int8]), "signatures": writer.signatures(whole)}
        metadata = {"format": format, **files, **metadata, **_origin(model, format)}
        write_text(building / METADATA, json.dumps(metadata, indent=1, ensure_ascii=False))


def _of_window(model: Recognizer) -> dict:
    return {
        "view": "window",
        "window_seconds": round(model.audio_frames * FRAME_SECONDS, 6),
        "text_context": model.text_context,
        "audio_context": model.audio_context,
        "audio_step_seconds": round(model.frames_per_step * FRAME_SECONDS, 6),
        "special_token_ids": {token: model.vocabulary.index(token) for token in SPECIAL_TOKENS},
        "vocabulary": model.vocabulary,
    }


def _of_utterance(model: UtteranceRecognizer, passes: int) -> dict:
    return {
        "view": "utterance",
        "passes": passes,
        "audio_step_seconds": round(model.step_seconds, 6),
        "vocabulary": ["", *model.token_set.pieces],
        "text": "' '.join(''.join(vocabulary[i] for i in token_ids).replace('\u2581', ' ').split())",
    }


def _origin(model, format: str) -> dict:
    from importlib.metadata import version

    installed = {package.replace("_", "-"): version(package.replace("_", "-")) for package in PACKAGES[format]}
    return {
        "sample_rate": SAMPLE_RATE,
        "parameters": model.count_params(),
        "versions": {"keras_stt": keras_stt.__version__, "keras": keras.__version__, "numpy": np.__version__}
        | installed,
        "training": model.training_record,
    }


def _write_in_child(model_path, out_dir: Path, format: str, passes: int, int8: bool) -> None:
    package_parent = str(Path(keras_stt.__file__).parents[1])
    environment = {
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "-1",  # this process may hold all of the accelerator's memory
        "PYTHONPATH": os.pathsep.join(filter(None, [package_parent, os.environ.get("PYTHONPATH")])),
    }
    arguments = [os.fspath(model_path), os.fspath(out_dir), format, str(passes), str(int(int8))]
    command = [sys.executable, "-c", _CHILD, *arguments]
    child = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if child.returncode:
        last_line = (child.stderr.strip().splitlines() or [""])[-1]
        if child.returncode == 2:
            raise InputError(last_line)
        reason = last_line if child.returncode > 0 else f"signal {-child.returncode}; it may need more memory"
        raise ExportError(f"{out_dir}: writing {format} failed ({reason}); nothing was left; try another format")


def write_for_parent(model_path: str, out_dir: str, format: str, passes: str, int8: str) -> None:
    """The child's whole program: exits with 2 and one line on stderr where the parent is to raise InputError."""
    try:
        _write(load_model(model_path), Path(out_dir), format, int(passes), int8 == "1")
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
