"""Everything training needs to go on, in one file, written whole or not at all."""

import json
import os
import re
import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np

from keras_stt.errors import InputError

STATE = "state.npz"
PROGRESS = "__progress__"


def _flatten(tree: dict, prefix: str = "") -> dict[str, np.ndarray]:
    flat = {}
    for name, value in tree.items():
        path = f"{prefix}/{name}" if prefix else name
        flat.update(_flatten(value, path) if isinstance(value, dict) else {path: np.asarray(value)})
    return flat


def _unflatten(flat: dict[str, np.ndarray]) -> dict:
    tree: dict = {}
    for path, value in flat.items():
        *folders, name = path.split("/")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = value
    return tree


def _numbered_names(group: dict) -> dict[str, str]:
    """Names that end in a number of Keras's, to those that count from 0 within the model."""
    found: dict[str, list] = {}
    for name in group:
        if match := re.fullmatch(r"(seed_generator|adam|adam_w|sgd|lion|muon)(?:_(\d+))?", name):
            found.setdefault(match[1], []).append((int(match[2] or 0), name))
    return {name: f"{kind}:{place}" for kind, names in found.items() for place, (_, name) in enumerate(sorted(names))}


def _renumbered(group: dict) -> dict:
    names = _numbered_names(group)
    return {names.get(name, name): value for name, value in group.items()}


def _state(model) -> dict[str, np.ndarray]:
    """All variables by their paths, `name/...`, in groups; Keras's numbers in names are replaced by the order.

    Keras numbers what has no name of its own, optimizers and seed generators, within a process: there may have been
    others before, such as those of the model with which a budget was measured.
    """
    tree = model.get_state_tree(value_format="numpy_array")
    kept = ("trainable_variables", "non_trainable_variables", "optimizer_variables")
    return _flatten({group: _renumbered(tree[group]) for group in kept})


def save_checkpoint(model, folder, progress: dict) -> None:
    """Writes weights, optimizer, random states and `progress` (plain values) to `folder`, replacing what is there."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{STATE}.")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **_state(model), **{PROGRESS: np.array(json.dumps(progress))})
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, folder / STATE)
    except BaseException:
        os.unlink(temporary)
        raise


def require_checkpoint(folder) -> Path:
    """The checkpoint file in `folder`, or InputError."""
    path = Path(folder) / STATE
    if not path.is_file():
        raise InputError(f"--resume: no checkpoint in {folder}; train there first, or leave --resume out")
    return path


def load_checkpoint(model, folder) -> dict:
    """Puts a checkpoint into a compiled model whose optimizer is built. Returns its `progress`.

    Raises:
        InputError: there is no checkpoint, or it is of another model: keys are compared, since Keras would skip what
            does not match in silence.
    """
    path = require_checkpoint(folder)
    try:
        with np.load(path) as stored:
            flat = {name: stored[name] for name in stored.files}
        progress = json.loads(str(flat.pop(PROGRESS)))
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"--resume: {path} is damaged ({error}); train again without --resume") from error
    expected = {name: value.shape for name, value in _state(model).items()}
    if {name: value.shape for name, value in flat.items()} != expected:
        raise InputError(f"--resume: {path} is of another model; use the flags it was trained with (flags.cfg)")
    model.set_state_tree(_as_named(_unflatten(flat), model))
    return progress


def _as_named(tree: dict, model) -> dict:
    """The tree of a checkpoint with the names that this model's variables have."""
    own = model.get_state_tree(value_format="numpy_array")
    names = {group: {new: old for old, new in _numbered_names(own[group]).items()} for group in tree}
    return {group: {names[group].get(name, name): value for name, value in tree[group].items()} for group in tree}


class Checkpoint(keras.callbacks.Callback):
    """Saves a checkpoint after every epoch, with the history so far, and the model whenever dev WER is best.

    Attributes:
        history: one dict of logs for each epoch since training began, resumed or not.
    """

    def __init__(self, folder, history: list[dict] | None = None):
        super().__init__()
        self.folder = Path(folder)
        self.history = list(history or [])

    @property
    def best_weights(self) -> Path:
        return self.folder / "best.weights.h5"

    def on_epoch_end(self, epoch, logs=None):
        self.folder.mkdir(parents=True, exist_ok=True)
        row = {"epoch": epoch + 1, **{name: float(value) for name, value in (logs or {}).items()}}
        earlier = [past["dev_wer"] for past in self.history]
        self.history.append(row)
        if all(row["dev_wer"] <= wer for wer in earlier):
            temporary = self.folder / ".best.weights.h5"
            self.model.save_weights(temporary)
            os.replace(temporary, self.best_weights)
        save_checkpoint(self.model, self.folder, {"epoch": epoch + 1, "history": self.history})
