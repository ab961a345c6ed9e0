"""The one test that every layer passes, in the spirit of keras-hub's `run_layer_test`."""

import dataclasses
import json

import keras
import numpy as np
from keras import ops, tree

PADDING_TOLERANCE = 1e-5


@dataclasses.dataclass(frozen=True)
class LayerCase:
    """A layer and something to call it on.

    Attributes:
        config: keyword arguments of the layer, plain values.
        inputs: what `call` takes, by name; the first axis is the batch.
        timed: inputs one of whose axes may have any length.
        time_axis: that axis of each of them, where it is not 1.
        padded: the input whose axis 1 is valid up to the input named `lengths`; None where the layer takes no lengths.
        zero_padding: whether the layer asks for zeros on padding; others must not look at what is there.
    """

    layer_class: type
    config: dict
    inputs: dict[str, np.ndarray]
    timed: tuple[str, ...] = ()
    time_axis: dict[str, int] = dataclasses.field(default_factory=dict)
    padded: str | None = None
    lengths: str | None = None
    zero_padding: bool = False

    def layer(self, **kwargs):
        return self.layer_class(**self.config, name="tested", **kwargs)

    def symbols(self, dynamic: bool) -> dict:
        """Keras inputs of the shapes of `inputs`; with `dynamic`, batch and time are open."""
        made = {}
        for name, value in self.inputs.items():
            shape = list(value.shape)
            if dynamic:
                shape[0] = None
                if name in self.timed:
                    shape[self.time_axis.get(name, 1)] = None
            made[name] = keras.Input(batch_shape=shape, dtype=value.dtype.name, name=name)
        return made

    def model(self, dynamic=True) -> keras.Model:
        symbols = self.symbols(dynamic)
        return keras.Model(symbols, tree.flatten(self.layer()(**symbols)))


def numpy_outputs(outputs) -> list[np.ndarray]:
    return [ops.convert_to_numpy(ops.cast(output, "float32")) for output in tree.flatten(outputs)]


def assert_equal_outputs(actual, expected, tolerance=1e-6):
    for one, other in zip(numpy_outputs(actual), numpy_outputs(expected), strict=True):
        np.testing.assert_allclose(one, other, atol=tolerance, rtol=tolerance)


def move_weights(layer) -> None:
    """Takes trainable weights from where they begin: biases of zero would hide what padding does."""
    rng = np.random.default_rng(3)
    for weight in layer.trainable_weights:
        weight.assign(weight + 0.3 * rng.standard_normal(weight.shape))


def check_layer(case: LayerCase, folder) -> None:
    """Runs all that follows; `folder` takes the saved file."""
    keras.utils.set_random_seed(1)
    check_config(case)
    check_symbolic_outputs(case)
    check_saving(case, folder)
    check_dynamic_shapes(case)
    check_one_training_step(case)
    check_bfloat16(case)
    if case.padded:
        check_padding(case)


def check_config(case):
    """The config holds every argument as plain values, and makes the same layer again."""
    layer = case.layer()
    expected = layer(**case.inputs)
    assert layer.built
    config = layer.get_config()
    assert {name: config[name] for name in case.config} == case.config
    assert json.loads(json.dumps(config)) == config
    twin = case.layer_class.from_config(config)
    assert twin.get_config() == config
    twin(**case.inputs)
    assert [weight.path for weight in twin.weights] == [weight.path for weight in layer.weights]
    twin.set_weights(layer.get_weights())
    assert_equal_outputs(twin(**case.inputs), expected)


def check_symbolic_outputs(case):
    """Shapes and types foretold are those that come out."""
    for policy in ("float32", "mixed_bfloat16"):
        layer = case.layer(dtype=policy)
        foretold = tree.flatten(layer(**case.symbols(dynamic=False)))
        outputs = tree.flatten(layer(**case.inputs))
        assert [tuple(one.shape) for one in foretold] == [tuple(one.shape) for one in outputs]
        assert [one.dtype for one in foretold] == [keras.backend.standardize_dtype(one.dtype) for one in outputs]


def check_saving(case, folder):
    """A saved model loads without being told of our classes and without unsafe mode."""
    model = case.model()
    path = folder / "layer.keras"
    model.save(path)
    loaded = keras.saving.load_model(path)
    assert type(loaded.get_layer("tested")) is case.layer_class
    assert_equal_outputs(loaded(case.inputs), model(case.inputs))


def check_dynamic_shapes(case):
    """One functional model takes other batch sizes and other lengths."""
    model = case.model()
    layer = model.get_layer("tested")
    inputs = {name: np.concatenate([value, value[:1]]) for name, value in case.inputs.items()}
    for name in case.timed:
        axis = case.time_axis.get(name, 1)
        more = np.take(inputs[name], range(3), axis=axis)
        inputs[name] = np.concatenate([inputs[name], more], axis=axis)
    assert_equal_outputs(model(inputs), layer(**inputs), 1e-5)
    for batch in (len(next(iter(inputs.values()))), 1):
        some = {name: value[:batch] for name, value in inputs.items()}
        assert [len(output) for output in numpy_outputs(model(some))] == [batch] * len(model.outputs)


def check_one_training_step(case):
    """Every trainable weight moves and stays finite."""
    model = case.model()
    weights = model.get_layer("tested").trainable_weights
    if not weights:  # the gradient then has to come out of something behind the layer
        model = case.model(dynamic=False)
        model = keras.Model(model.input, [keras.layers.Dense(2, name="behind")(model.outputs[0])])
    before = [ops.convert_to_numpy(weight).copy() for weight in weights]
    rng = np.random.default_rng(2)
    outputs = numpy_outputs(model(case.inputs))
    targets = [output + rng.standard_normal(output.shape).astype(np.float32) for output in outputs]
    # Lengths that a layer passes on are no result to learn.
    losses = ["mean_squared_error" if output.dtype.startswith("float") else None for output in model.outputs]
    compiled = keras.config.backend() == "jax"  # what takes seconds elsewhere saves them there
    model.compile(keras.optimizers.SGD(0.1), loss=losses, jit_compile=compiled)
    history = model.fit(case.inputs, targets, batch_size=len(targets[0]), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    for weight, old in zip(weights, before, strict=True):
        new = ops.convert_to_numpy(weight)
        assert np.isfinite(new).all(), weight.path
        assert not np.array_equal(new, old), f"{weight.path} learned nothing"


def check_bfloat16(case):
    """Mixed precision runs, in float32 variables."""
    layer = case.layer(dtype="mixed_bfloat16")
    outputs = layer(**case.inputs)
    assert all(np.isfinite(output).all() for output in numpy_outputs(outputs))
    assert {keras.backend.standardize_dtype(weight.dtype) for weight in layer.weights} <= {"float32"}


def check_padding(case):
    """A sample says the same alone and unpadded as among longer ones, whatever stands on its padding."""
    layer = case.layer()
    layer(**case.inputs)
    move_weights(layer)
    values, lengths = case.inputs[case.padded].copy(), case.inputs[case.lengths]
    assert lengths.min() < values.shape[1], "the case has nothing padded"
    for row, length in enumerate(lengths):
        values[row, length:] = 0.0 if case.zero_padding else 1e3
    padded = numpy_outputs(layer(**{**case.inputs, case.padded: values}))
    for row, length in enumerate(lengths):
        alone = {name: value[row : row + 1] for name, value in case.inputs.items()}
        alone[case.padded] = values[row : row + 1, :length]
        for one, other in zip(numpy_outputs(layer(**alone)), padded, strict=True):
            valid = other[row : row + 1][tuple(slice(0, size) for size in one.shape)]
            np.testing.assert_allclose(valid, one, atol=PADDING_TOLERANCE, rtol=PADDING_TOLERANCE)
