"""Trained models that come with the package, each a `.keras` file in half precision beside its model card."""

from pathlib import Path

FOLDER = Path(__file__).parent


def pretrained_names() -> list[str]:
    """What `keras_stt.load_model` takes for the name of a model."""
    return sorted(path.stem for path in FOLDER.glob("*.keras"))


def pretrained_path(name: str) -> Path | None:
    """The file of the model of that name; None where there is none."""
    return FOLDER / f"{name}.keras" if name in pretrained_names() else None
