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
    """The file of the model, or the language model, of that name; None where there is none."""
    known = {path.stem: path for ending in ("keras", "npz") for path in FOLDER.glob(f"*.{ending}")}
    return known.get(name)
