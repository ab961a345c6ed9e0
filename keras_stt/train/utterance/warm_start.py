"""Weights of an earlier run as the beginning of another."""

import numpy as np

from keras_stt.errors import FlagError, InputError
from keras_stt.recognizer import load_model


def warm_start(model, path: str) -> list[str]:
    """Copies into `model` all weights of the model at `path` that have the same name and shape.

    Returns:
        The names of the weights that stay as they were.

    Raises:
        FlagError: there is no such model, or none of its weights fits.
    """
    try:
        earlier = load_model(path)
    except InputError as error:
        raise FlagError("warm_start", str(error)) from error
    known = {variable.path: variable for variable in earlier.variables}
    fresh = []
    for variable in model.trainable_variables:
        name = variable.path
        if name in known and known[name].shape == variable.shape:
            variable.assign(np.asarray(known[name]))
        else:
            fresh.append(name)
    if len(fresh) == len(model.trainable_variables):
        raise FlagError("warm_start", f"{path} has no weight of the same name and shape; give a model of like flags")
    return fresh
