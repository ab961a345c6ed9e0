"""The model that a verb works with."""

from keras_stt.pretrained import pretrained_names


def add_model(parser) -> None:
    """Adds `MODEL`, whose help names the models that come with the package."""
    named = ", ".join(pretrained_names())
    parser.add_argument("model", metavar="MODEL", help=f"{named}, a model.keras, or the folder of a training run")
