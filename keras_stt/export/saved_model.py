"""The SavedModel of a recogniser: one folder that needs neither this package nor Keras to load."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np

import keras_stt
from keras_stt.audio import SAMPLE_RATE
from keras_stt.errors import InputError
from keras_stt.features import FRAME_SECONDS
from keras_stt.formats.lines import write_text
from keras_stt.recognizer import Recognizer, load_model
from keras_stt.text import SPECIAL_TOKENS

METADATA = "keras_stt.json"
SIGNATURES = ("serving_default", "serve", "transcribe_window", "vocabulary")
_CHILD = "import sys; from keras_stt.export.saved_model import write_for_parent; write_for_parent(*sys.argv[1:])"


class ExportError(RuntimeError):
    """The export failed, or the artefact does not say what its model says. The message is one line."""


def export_saved_model(model_path, out_dir) -> dict:
    """Writes a SavedModel with features, weights and vocabulary inside; see `export.graph` for its signatures.

    A file `keras_stt.json` beside it tells the vocabulary, the sizes of a window, versions and the training record.
    The folder is written whole or not at all; an earlier export is replaced. On another backend than TensorFlow the
    work is done in a child process.

    Args:
        model_path: a `.keras` file or the output folder of a run.
        out_dir: folder to make.

    Returns:
        `path`, `bytes`, `signatures`, `parameters` and `window_seconds`.

    Raises:
        InputError: the model cannot be loaded, or `out_dir` holds something else or cannot be written to.
        ExportError: the child process failed.
    """
    out_dir = Path(out_dir)
    _require_free(out_dir)
    if keras.backend.backend() == "tensorflow":
        _write(load_model(model_path), out_dir)
    else:
        _write_in_child(model_path, out_dir)
    metadata = json.loads((out_dir / METADATA).read_text(encoding="utf-8"))
    return {
        "path": str(out_dir),
        "bytes": sum(path.stat().st_size for path in out_dir.rglob("*") if path.is_file()),
        **{name: metadata[name] for name in ("signatures", "parameters", "window_seconds")},
    }


def _require_free(out_dir: Path) -> None:
    """Raises InputError where something lies that is no earlier export."""
    if not out_dir.exists() or (out_dir / METADATA).is_file():
        return
    if not out_dir.is_dir() or any(out_dir.iterdir()):
        raise InputError(f"{out_dir}: exists and is no earlier export; give a new folder")


def _write(model: Recognizer, out_dir: Path) -> None:
    if not isinstance(model, Recognizer):
        raise InputError("export: an utterance model has no graph to export yet; give a model of --view=window")
    from keras_stt.export.graph import add_endpoints  # needs TensorFlow as the backend

    building = None
    try:
        out_dir.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(dir=out_dir.parent, prefix=f".{out_dir.name}."))
        archive = keras.export.ExportArchive()
        add_endpoints(archive, model)
        archive.write_out(str(building), verbose=False)
        write_text(building / METADATA, json.dumps(_metadata(model), indent=1, ensure_ascii=False))
        umask = os.umask(0)
        os.umask(umask)
        building.chmod(0o777 & ~umask)  # mkdtemp lets only the owner in
        if out_dir.exists():
            shutil.rmtree(out_dir)
        os.replace(building, out_dir)
    except OSError as error:
        raise InputError(f"{out_dir}: cannot be written ({error.strerror}); check its folder") from error
    finally:
        if building is not None:
            shutil.rmtree(building, ignore_errors=True)


def _metadata(model: Recognizer) -> dict:
    import tensorflow as tf

    return {
        "signatures": list(SIGNATURES),
        "sample_rate": SAMPLE_RATE,
        "window_seconds": round(model.audio_frames * FRAME_SECONDS, 6),
        "text_context": model.text_context,
        "audio_context": model.audio_context,
        "audio_step_seconds": round(model.frames_per_step * FRAME_SECONDS, 6),
        "parameters": model.count_params(),
        "special_token_ids": {token: model.vocabulary.index(token) for token in SPECIAL_TOKENS},
        "versions": {
            "keras_stt": keras_stt.__version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "numpy": np.__version__,
        },
        "training": model.training_record,
        "vocabulary": model.vocabulary,
    }


def _write_in_child(model_path, out_dir: Path) -> None:
    """Writes the artefact in a process of its own with TensorFlow as the backend."""
    package_parent = str(Path(keras_stt.__file__).parents[1])
    environment = {
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "-1",  # this process may hold all of the accelerator's memory
        "PYTHONPATH": os.pathsep.join(filter(None, [package_parent, os.environ.get("PYTHONPATH")])),
    }
    command = [sys.executable, "-c", _CHILD, os.fspath(model_path), os.fspath(out_dir)]
    child = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if child.returncode:
        last_line = (child.stderr.strip().splitlines() or ["no message"])[-1]
        error = InputError if child.returncode == 2 else ExportError
        raise error(last_line)


def write_for_parent(model_path: str, out_dir: str) -> None:
    """The child's whole program: exits with 2 and one line on stderr where the parent is to raise InputError."""
    try:
        _write(load_model(model_path), Path(out_dir))
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
