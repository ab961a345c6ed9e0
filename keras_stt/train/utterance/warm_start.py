"""Weights of an earlier run as the beginning of another."""

import keras

from keras_stt.errors import FlagError, InputError
from keras_stt.models.utterance import UtteranceModel
from keras_stt.recognizer import load_model

# Layers whose weights mean the tokens, or the phones, that a model was made with.
OF_TOKENS = ("draft", "middle", "said_halfway", "refined", "token_embedding")
OF_PHONES = ("phones",)


def earlier_model(path: str) -> UtteranceModel:
    """The model that `--warm_start` names.

    Raises:
        FlagError: there is no such model, or it is of windows.
    """
    try:
        earlier = load_model(path)
    except InputError as error:
        raise FlagError("warm_start", str(error)) from error
    if not isinstance(earlier, UtteranceModel):
        raise FlagError("warm_start", f"{path} is a window model; give one trained with --view=utterance")
    return earlier


def warm_start(model, path: str) -> list[str]:
    """Copies into `model` all weights of the model at `path` that have the same name and shape, and prints how many.

    Where the two are written with other tokens, or know other phones, what belongs to those is left as it is.

    Returns:
        The names of the weights that stay as they were.

    Raises:
        FlagError: there is no such model, or none of its weights fits.
    """
    earlier = earlier_model(path)
    other = (OF_TOKENS if earlier.config["tokens"] != model.config["tokens"] else ()) + (
        OF_PHONES if earlier.config["phones"] != model.config["phones"] else ()
    )
    known = {v.path: v for v in earlier.variables if not set(other) & set(v.path.split("/"))}
    fresh = []
    for variable in model.trainable_variables:
        name = variable.path
        if name in known and known[name].shape == variable.shape:
            variable.assign(keras.ops.convert_to_numpy(known[name]))
        else:
            fresh.append(name)
    count = len(model.trainable_variables)
    if len(fresh) == count:
        raise FlagError("warm_start", f"{path} has no weight of the same name and shape; give a model of like flags")
    print(f"warm start: {count - len(fresh)} of {count} weights from {path}", flush=True)
    return fresh
