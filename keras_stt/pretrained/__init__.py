"""What comes with the package, trained: models, each a `.keras` file in half precision beside its model card, and
language models, `.npz` files of word n-grams."""

from pathlib import Path

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
