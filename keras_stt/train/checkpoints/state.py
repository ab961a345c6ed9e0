"""A compiled model's variables as named arrays, and back.

Keras skips in silence what does not match: here keys and shapes are compared first.
"""

import re

import keras
import numpy as np

from keras_stt.errors import InputError

WEIGHTS = ("trainable_variables", "non_trainable_variables")
METRICS = "metrics_variables"
_PARTS = f"{METRICS}/compile_loss/"  # sums and counts of the means of a loss's parts
_GROUPS = (*WEIGHTS, "optimizer_variables", METRICS)
_PROCESS = "process"  # what is kept of the process, beside what is the model's
_TORCH_RANDOM = f"{_PROCESS}/torch_random"
_CUDA_RANDOM = f"{_PROCESS}/cuda_random"
_NUMBERED = re.compile(r"(seed_generator|adam|adam_w|sgd|lion|muon)(?:_(\d+))?")


def model_state(model) -> dict[str, np.ndarray]:
    """Weights, optimizer, seeds and the sums of the epoch's metrics, by group and path: `group/path/of/variable`.

    Keras numbers what has no name of its own, optimizers and seed generators, within a process: there may have been
    others before, such as those of the model with which a budget was measured. Here they count within the model.

    On torch the state of the process's random numbers is there too, from which Keras draws its dropout.

    Of several processes all must ask: TensorFlow then sums the metrics.
    """
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()  # while it trains on jax, the model's variables are elsewhere
    tree = model.get_state_tree(value_format="numpy_array")
    state = _flatten({group: _renumbered(tree[group]) for group in _GROUPS})
    if keras.backend.backend() == "torch":
        import torch  # with its backend alone

        state[_TORCH_RANDOM] = torch.get_rng_state().numpy()
        if torch.cuda.is_available():
            state[_CUDA_RANDOM] = torch.stack(torch.cuda.get_rng_state_all()).numpy()
    return state


def all_finite(state: dict[str, np.ndarray]) -> bool:
    """Whether all numbers are numbers."""
    return all(np.isfinite(value).all() for value in state.values() if value.dtype.kind == "f")


def restore_state(model, state: dict[str, np.ndarray]) -> None:
    """Puts weights, optimizer and seeds into a compiled model whose optimizer is built; see `restore_epoch` for more.

    Raises:
        InputError: the state is of another model.
    """
    kept = _without(state, METRICS, _PROCESS)
    expected = _without(model_state(model), METRICS, _PROCESS)
    if {name: value.shape for name, value in kept.items()} != {name: value.shape for name, value in expected.items()}:
        raise InputError("--resume: the checkpoint is of another model; use the flags it was trained with (flags.cfg)")
    model.set_state_tree(_as_named(_unflatten(kept), model))


def parts_weighed(state: dict[str, np.ndarray], weight: float) -> dict[str, np.ndarray]:
    """The state with the sums and counts of a loss's parts times `weight`, which changes no mean."""
    return {
        name: value * value.dtype.type(weight) if name.startswith(_PARTS) else value for name, value in state.items()
    }


def restore_metrics(model, state: dict[str, np.ndarray]) -> None:
    """Goes on with the sums of an epoch that was not finished: as it begins, after Keras has set them to zero."""
    model.set_state_tree(_unflatten(_only(state, METRICS)))


def restore_random(state: dict[str, np.ndarray]) -> None:
    """Goes on with the process's random numbers, where they count: when all else that draws from them has drawn."""
    if keras.backend.backend() == "torch" and _TORCH_RANDOM in state:
        import torch

        torch.set_rng_state(torch.from_numpy(np.array(state[_TORCH_RANDOM])))
        if _CUDA_RANDOM in state and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(list(torch.from_numpy(np.array(state[_CUDA_RANDOM]))))


def copy_weights(model, twin) -> None:
    """Puts the weights of a model, which may lie on several devices, into another like it."""
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()
    twin.set_weights(model.get_weights())


def load_weights(model, state: dict[str, np.ndarray]) -> None:
    """Puts the weights alone into the model."""
    model.set_state_tree(_as_named(_unflatten(_only(state, *WEIGHTS)), model))


def _without(state: dict, *groups: str) -> dict:
    return {name: value for name, value in state.items() if name.split("/")[0] not in groups}


def _only(state: dict, *groups: str) -> dict:
    return {name: value for name, value in state.items() if name.split("/")[0] in groups}


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
        if match := _NUMBERED.fullmatch(name):
            found.setdefault(match[1], []).append((int(match[2] or 0), name))
    return {name: f"{kind}:{place}" for kind, names in found.items() for place, (_, name) in enumerate(sorted(names))}


def _renumbered(group: dict) -> dict:
    names = _numbered_names(group)
    return {names.get(name, name): value for name, value in group.items()}


def _as_named(tree: dict, model) -> dict:
    """The tree of a checkpoint with the names that this model's variables have."""
    own = model.get_state_tree(value_format="numpy_array")
    names = {group: {new: old for old, new in _numbered_names(own[group]).items()} for group in tree}
    return {group: {names[group].get(name, name): value for name, value in tree[group].items()} for group in tree}
