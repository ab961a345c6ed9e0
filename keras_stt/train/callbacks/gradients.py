"""Where the gradients are: the norm of each layer's after every epoch, in any Keras program and on any backend."""

import contextlib
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_stt.train.callbacks.samples import require_arrays


class GradientNorms(keras.callbacks.Callback):
    """Adds `gradient_norm/<layer>` to the logs of each epoch, for every layer with trainable weights; of a model within
    the model, for each of its layers, as `gradient_norm/<model>/<layer>`.

    It is the Euclidean norm of the gradient of the compiled loss (with its loss weights, regularisation and what
    `add_loss` adds) over all trainable weights of the layer, on one batch that stays the same, without dropout and
    with the moving statistics of normalisation, so that epochs compare. Weights that belong to the model itself are
    under the model's name. A layer shared by two places is measured once; weights shared by two layers count in both.

    Weights, optimizer, random state and metrics stay as they are. TensorFlow and torch run it eagerly, about as long
    as a few steps on that batch; jax compiles it once, since its eager mode compiles every operation by itself. Give
    it a small batch.

    Put it before callbacks that read the logs (TensorBoard, CSVLogger, checkpoints that keep a history).

    Args:
        inputs, targets, sample_weight: a batch as `Model.train_on_batch` takes it: arrays, or dicts or lists of them.
        report: called with one line when the gradient of a layer is missing, zero or not finite, once until it
            recovers; `lambda line: None` for silence.

    Raises:
        ValueError: lists of numbers instead of arrays, or arrays of different length; a model that is not compiled.
    """

    def __init__(self, inputs, targets, sample_weight=None, report: Callable[[str], None] = print):
        super().__init__()
        require_arrays("GradientNorms", inputs=inputs, targets=targets, sample_weight=sample_weight)
        self.batch = (inputs, targets, sample_weight)
        self.report = report
        self._reported: set[str] = set()
        self._gradients: Callable | None = None

    def state(self) -> dict:
        """Plain values, from which others go on: of which layers was told already."""
        return {"reported": sorted(self._reported)}

    def restore(self, state: dict) -> None:
        """Goes on from what `state` gave."""
        self._reported = set(state.get("reported", ()))

    def on_train_begin(self, logs=None):
        self._gradients = None  # what was compiled may be of another loss

    def on_epoch_end(self, epoch, logs=None):
        self._gradients = self._gradients or _gradient_function(self.model)
        norms = _norms(self.model, self._gradients, self.batch)
        self._report_broken(norms)
        if logs is not None:
            logs.update({f"gradient_norm/{name}": norm for name, norm in norms.items()})

    def _report_broken(self, norms: dict[str, float]) -> None:
        silent = [name for name, norm in norms.items() if norm == 0]
        broken = [name for name, norm in norms.items() if not np.isfinite(norm)]
        new = {*silent, *broken} - self._reported
        self._reported = {*silent, *broken}
        for names, meaning in (
            (silent, "no gradient: nothing the loss sees depends on {them}"),
            (broken, "a gradient that is not finite: lower the learning rate, or clip"),
        ):
            names = [name for name in names if name in new]
            if names:
                get, them = ("gets", "it") if len(names) == 1 else ("get", "them")
                self.report(f"gradients: {', '.join(names)} {get} {meaning.format(them=them)}")


def gradient_norms(model: keras.Model, inputs, targets, sample_weight=None) -> dict[str, float]:
    """The norm of the gradient of the compiled loss by layer, `model/layer` in a model within, in their order.

    A weight the loss does not depend on counts as zero.

    Raises:
        ValueError: as `GradientNorms`.
    """
    require_arrays("gradient_norms", inputs=inputs, targets=targets, sample_weight=sample_weight)
    return _norms(model, _gradient_function(model), (inputs, targets, sample_weight))


def _gradient_function(model) -> Callable:
    """`(inputs, targets, sample_weight)` as tensors to the gradient, or None, of every trainable weight."""
    if not model.compiled:
        raise ValueError(f"gradient norms: {model.name} is not compiled, so there is no loss; call compile() first")
    return {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()](model)


def _norms(model, gradients: Callable, batch) -> dict[str, float]:
    tensors = [keras.tree.map_structure(_as_tensor, part) for part in batch]
    with _state_kept(model):
        found = gradients(*tensors)
    squares = {
        id(weight): 0.0 if gradient is None else _sum_of_squares(gradient)
        for weight, gradient in zip(model.trainable_variables, found, strict=True)
    }
    return {name: float(np.sqrt(sum(squares[key] for key in keys))) for name, keys in _by_layer(model, squares).items()}


def _by_layer(model, known, within: str = "") -> dict[str, list[int]]:
    """The ids of the trainable weights of each layer, and of a model's own under its name; `within` begins the names
    of what is in a model that is itself a layer.
    """
    layers: dict[str, list[int]] = {}
    for layer in model.layers:
        name = within + layer.name
        if isinstance(layer, keras.Model):
            found = _by_layer(layer, known, f"{name}/")
        else:
            found = {name: [id(weight) for weight in layer.trainable_variables if id(weight) in known]}
        for part, keys in found.items():
            if keys:
                layers.setdefault(part, []).extend(keys)
    inside = {key for keys in layers.values() for key in keys}
    own = [id(weight) for weight in model.trainable_variables if id(weight) in known and id(weight) not in inside]
    if own:
        layers.setdefault(within.removesuffix("/") or model.name, []).extend(own)
    return layers


def _as_tensor(value):
    """Floats in Keras's precision, as `fit` feeds them."""
    if value is None:
        return None
    tensor = ops.convert_to_tensor(value)
    return ops.cast(tensor, keras.config.floatx()) if keras.backend.is_float_dtype(tensor.dtype) else tensor


def _sum_of_squares(gradient) -> float:
    """In float64 outside the backend: the small gradients are the ones looked for, and their squares vanish."""
    return float(np.sum(np.square(np.asarray(ops.convert_to_numpy(gradient), np.float64))))


@contextlib.contextmanager
def _state_kept(model):
    """Puts back what a forward pass and the loss may move: metrics, random states, statistics."""
    variables = {id(one): one for one in [*model.non_trainable_variables, *model.metrics_variables]}.values()
    before = [np.array(ops.convert_to_numpy(variable)) for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)


def _loss(model, inputs, targets, sample_weight):
    """The compiled loss. `_compute_loss` is what Keras's own steps call: it also fits overridden `compute_loss`."""
    arguments = {"training": False} if model._call_has_training_arg else {}
    outputs = model(inputs, **arguments)
    return model._compute_loss(x=inputs, y=targets, y_pred=outputs, sample_weight=sample_weight, training=False)


def _tensorflow(model) -> Callable:
    import tensorflow as tf

    def gradients(*batch):
        with tf.GradientTape() as tape:
            loss = _loss(model, *batch)
        found = tape.gradient(loss, model.trainable_variables)
        # Of an embedding come slices, in which a row may occur twice.
        return [None if one is None else tf.convert_to_tensor(one) for one in found]

    return gradients


def _torch(model) -> Callable:
    import torch

    def gradients(*batch):
        with torch.enable_grad():
            loss = _loss(model, *batch)
            # Not `backward`, which would add to the gradients kept in the weights.
            return torch.autograd.grad(loss, [one.value for one in model.trainable_variables], allow_unused=True)

    return gradients


def _jax(model) -> Callable:
    import jax

    def pure(*state_and_batch):
        return jax.grad(model.compute_loss_and_updates, has_aux=True)(*state_and_batch, training=False)[0]

    # As Keras compiles its own step; before the loss is built it would be built of the compiler's tracers.
    built = model._compile_loss is None or model._compile_loss.built
    if built and model.jit_compile and not model.run_eagerly:
        pure = jax.jit(pure)

    def gradients(*batch):
        model.jax_state_sync()
        variables = (model.trainable_variables, model.non_trainable_variables, model.metrics_variables)
        return pure(*([one.value for one in group] for group in variables), *batch)

    return gradients
