"""What comes with the package, trained: models, each a `.keras` file in half precision beside its model card, and
language models, `.npz` files of word n-grams."""

import difflib
from pathlib import Path

from keras_stt.errors import InputError

FOLDER = Path(__file__).parent


def pretrained_names() -> list[str]:
    """What `keras_stt.load_model` takes for the name of a model."""
    return sorted(path.stem for path in FOLDER.glob("*.keras"))


def language_model_names() -> list[str]:
    """What `language_model` takes for the name of word n-grams."""
    return sorted(path.stem for path in FOLDER.glob("*.npz"))


def pretrained_path(name: str) -> Path | None:
    """The file of the model of that name; None where there is none."""
    return FOLDER / f"{name}.keras" if name in pretrained_names() else None


def language_model_path(name: str) -> Path | None:
    """The file of the word n-grams of that name; None where there are none."""
    return FOLDER / f"{name}.npz" if name in language_model_names() else None


def model_file(name) -> Path:
    """The file of a model: of one that comes with the package, of a path, or of the folder of a run. Opens nothing, and
    imports nothing heavy.

    Raises:
        InputError: there is none, or it is the name of word n-grams.
    """
    names = ", ".join(pretrained_names())
    if language_model_path(str(name)):
        raise InputError(f"{name}: word n-grams, no model; give them as language_model, and a name: {names}")
    path = pretrained_path(str(name)) or Path(name)
    if path.is_dir():
        path = path / "model.keras"
    if not path.is_file():
        close = difflib.get_close_matches(str(name), pretrained_names(), n=1)
        hint = f"did you mean {close[0]}? Else " if close else ""
        ways = "give the folder of a training run, or the model.keras in it, or a name"
        raise InputError(f"{path}: no such model; {hint}{ways}: {names}")
    return path
