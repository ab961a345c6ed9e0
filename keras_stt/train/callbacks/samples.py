"""Samples that a callback keeps for the whole training: taken from arrays or batches, checked, shuffled."""

from collections.abc import Iterable, Mapping, Sequence

import keras
import numpy as np

# A set may be in the order of its classes: a few places of it are read even where one batch would do.
FEWEST_BATCHES = 4


def require_arrays(who: str, **parts) -> None:
    """Checks parts of a batch: arrays, or dicts or lists of them, or None.

    Raises:
        ValueError: plain numbers where arrays belong, or arrays of different length; `who` begins the line.
    """
    lengths: dict[int, str] = {}
    for name, values in parts.items():
        for array in keras.tree.flatten(values):
            if array is None:
                continue
            shape = tuple(getattr(array, "shape", ()))
            if not shape:
                raise ValueError(
                    f"{who}: {name} hold {type(array).__name__} where an array of samples belongs; give an array "
                    "(np.asarray of a list of numbers), or a dict or list of arrays"
                )
            lengths.setdefault(int(shape[0]), name)
    if len(lengths) > 1:
        found = " and ".join(f"{length} of {name}" for length, name in lengths.items())
        raise ValueError(f"{who}: {found}; the first axis counts samples and must be the same everywhere")


def part(who: str, values, name: str | int | None, what: str):
    """The output or target of this name, or the only one."""
    if not isinstance(values, (Mapping, list, tuple)):
        return values
    parts = dict(values) if isinstance(values, Mapping) else dict(enumerate(values))
    if name is None and len(parts) == 1:
        return next(iter(parts.values()))
    if name not in parts:
        raise ValueError(f"{who}: output={name!r}, but the {what}s are {list(parts)}; name one of them")
    return parts[name]


def spread(values, samples: int):
    """`samples` of the samples, evenly over all of them, as NumPy arrays; all of them where there are fewer."""
    total = len(keras.tree.flatten(values)[0])
    rows = np.linspace(0, total - 1, min(samples, total)).astype(int)
    return keras.tree.map_structure(lambda value: _as_numpy(value)[rows], values)


def shuffled(who: str, inputs, names: Sequence[str | int] | None = None):
    """The inputs in which those of these names (None: all) are another sample's.

    The order is drawn once and always the same: a fixed step would meet its own class where classes take turns, and a
    step of one would meet its neighbour, which is often cut from the same recording.
    """
    cycle = np.random.default_rng(0).permutation(len(keras.tree.flatten(inputs)[0]))
    order = np.empty_like(cycle)
    order[cycle] = np.roll(cycle, -1)  # one cycle through all: nobody stays in place
    if not isinstance(inputs, (Mapping, list, tuple)):
        return inputs[order]
    parts = dict(inputs) if isinstance(inputs, Mapping) else dict(enumerate(inputs))
    unknown = set(names or ()) - set(parts)
    if unknown:
        raise ValueError(f"{who}: shuffle={sorted(unknown)}, but the inputs are {list(parts)}")
    moved = {name: value[order] if names is None or name in names else value for name, value in parts.items()}
    return moved if isinstance(inputs, Mapping) else list(moved.values())


def gather(who: str, batches, samples: int, ignored: int):
    """Samples from batches spread evenly over the set, at least `samples` where it has them.

    Args:
        batches: an object with `len` whose items are `(inputs, targets, ...)`, or a finite iterable of such items, as
            a `tf.data.Dataset` is; the latter is read through once.
        ignored: what fills targets that are shorter in some batches; inputs are filled with zeros.

    Returns:
        `(inputs, targets, size of a batch)`.

    Raises:
        ValueError: what is given is no batches, is empty or has no end.
    """
    found = _spread_batches(who, batches, samples)
    if not found:
        raise ValueError(f"{who}: no batches; a generator that was read before is empty the second time")
    inputs, targets = (
        keras.tree.map_structure(lambda *arrays, fill=fill: _joined(arrays, fill), *parts)
        for parts, fill in zip(zip(*found, strict=True), (0, ignored), strict=True)
    )
    return inputs, targets, _size(found[0])


def _spread_batches(who: str, batches, samples: int) -> list[tuple]:
    indexed = hasattr(batches, "__getitem__") and hasattr(batches, "__len__")
    if isinstance(batches, Mapping) or hasattr(batches, "dtype") or not (indexed or isinstance(batches, Iterable)):
        raise ValueError(f"{who}: {type(batches).__name__} without targets; give both, or batches of both")
    if indexed:
        count = len(batches) and min(len(batches), _needed(_checked(who, batches[0]), samples))
        steps = np.linspace(0, len(batches) - 1, count).astype(int)
        return [_checked(who, batches[int(step)]) for step in steps]
    if hasattr(batches, "cardinality") and int(batches.cardinality()) == -1:  # tf.data.INFINITE_CARDINALITY
        raise ValueError(f"{who}: the batches have no end; leave out repeat(), or add take()")
    kept, stride = [], 1
    for step, batch in enumerate(batches):
        if step % stride == 0:
            kept.append(_checked(who, batch))
            if len(kept) == 2 * _needed(kept[0], samples):  # how many come is not known: from here on, half as often
                kept, stride = kept[::2], 2 * stride
    return kept


def _needed(batch, samples: int) -> int:
    return max(FEWEST_BATCHES, -(-samples // max(1, _size(batch))))


def _checked(who: str, batch) -> tuple:
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        raise ValueError(f"{who}: a batch is {type(batch).__name__}, not (inputs, targets); give both, or such batches")
    require_arrays(who, inputs=batch[0], targets=batch[1])
    return tuple(batch[:2])


def _size(batch) -> int:
    return len(keras.tree.flatten(batch[0])[0])


def _as_numpy(value) -> np.ndarray:
    return keras.ops.convert_to_numpy(value) if keras.ops.is_tensor(value) else np.asarray(value)


def _joined(arrays, fill: int) -> np.ndarray:
    """Along the first axis; what is shorter along the others is filled up."""
    arrays = [_as_numpy(array) for array in arrays]
    longest = np.max([array.shape[1:] for array in arrays], axis=0)
    padded = []
    for array in arrays:
        after = [(0, int(most - own)) for most, own in zip(longest, array.shape[1:], strict=True)]
        padded.append(np.pad(array, [(0, 0), *after], constant_values=fill))
    return np.concatenate(padded)
