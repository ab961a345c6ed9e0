"""Gradient norms: the right numbers, for any compiled model, without touching it."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_stt.train.callbacks.gradients import GradientNorms, gradient_norms

pytestmark = pytest.mark.backend

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3)).astype("float32")
Y = RNG.normal(size=(6, 2)).astype("float32")


def linear_model(**compiled):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="line")])
    model.compile(keras.optimizers.SGD(0.1), **{"loss": "mse", "jit_compile": False, **compiled})
    return model


def mse_gradient(model):
    """Of the mean over samples and outputs, in NumPy: of the kernel and of the bias."""
    kernel, bias = model.layers[0].get_weights()
    error = 2 * (X @ kernel + bias - Y) / Y.size
    return X.T @ error, error.sum(axis=0)


def norm(*gradients) -> float:
    return float(np.sqrt(sum(np.sum(np.square(gradient, dtype=np.float64)) for gradient in gradients)))


def test_equals_the_formula_for_a_linear_model():
    model = linear_model()
    assert gradient_norms(model, X, Y) == pytest.approx({"line": norm(*mse_gradient(model))}, rel=1e-5)


def test_loss_weights_dict_outputs_regularisation_and_sample_weights_count():
    inputs = keras.Input((3,), name="x")
    regular = keras.layers.Dense(2, name="first", kernel_regularizer=keras.regularizers.L2(0.5))(inputs)
    other = keras.layers.Dense(2, name="second")(inputs)
    model = keras.Model({"x": inputs}, {"a": regular, "b": other})
    losses = {"a": "mse", "b": "mse"}
    model.compile("sgd", loss=losses, loss_weights={"a": 3.0, "b": 0.25}, jit_compile=False)
    weights = {"a": np.ones(6, "float32"), "b": np.full(6, 2.0, "float32")}
    found = gradient_norms(model, {"x": X}, {"a": Y, "b": Y}, weights)

    expected = {}
    for name, scale, decay in (("first", 3.0, 0.5), ("second", 0.5, 0.0)):
        kernel, bias = model.get_layer(name).get_weights()
        error = 2 * scale * (X @ kernel + bias - Y) / Y.size
        expected[name] = norm(X.T @ error + 2 * decay * kernel, error.sum(axis=0))
    assert found == pytest.approx(expected, rel=1e-5)


class Subclassed(keras.Model):
    """A weight of its own, a row looked up twice, dropout, a frozen layer, and one multiplied by zero."""

    def __init__(self):
        super().__init__(name="whole")
        self.embedding = keras.layers.Embedding(4, 3, name="embedding")
        self.dropout = keras.layers.Dropout(0.5, name="dropout")
        self.norm = keras.layers.BatchNormalization(name="norm")
        self.frozen = keras.layers.Dense(3, name="frozen", trainable=False)
        self.unused = keras.layers.Dense(3, name="unused")

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")
        super().build(input_shape)

    def call(self, ids):
        values = self.norm(self.dropout(self.embedding(ids)))
        return self.scale * ops.sum(self.frozen(values) + 0.0 * self.unused(values), axis=1)


def test_of_a_model_within_a_model_every_layer_is_measured():
    def inner():
        inputs = keras.Input((3,))
        return keras.Model(inputs, keras.layers.Dense(2, name="line")(inputs), name="inner")

    whole = keras.Sequential([keras.Input((3,)), inner(), keras.layers.Dense(2, name="line")], name="whole")
    whole.compile("sgd", loss="mse", jit_compile=False)
    norms = gradient_norms(whole, X, Y)
    assert list(norms) == ["inner/line", "line"]
    error = 2 * (whole.predict(X, verbose=0) - Y) / Y.size
    hidden = whole.layers[0].predict(X, verbose=0)
    kernel = whole.layers[1].get_weights()[0]
    assert norms["line"] == pytest.approx(norm(hidden.T @ error, error.sum(axis=0)), rel=1e-4)
    assert norms["inner/line"] == pytest.approx(
        norm(X.T @ (error @ kernel.T), (error @ kernel.T).sum(axis=0)), rel=1e-4
    )


IDS = np.array([[0, 0, 1], [2, 2, 2]], "int32")
SUMS = np.array([[1, 2, 3], [4, 5, 6]], "float32")


def subclassed_model():
    keras.utils.set_random_seed(1)
    model = Subclassed()
    model.compile(keras.optimizers.Adam(), loss="mse", metrics=["mae"], jit_compile=False)
    model.train_on_batch(IDS, SUMS)
    return model


@pytest.fixture(scope="module")
def measured():
    """A model that nothing trains further, and its norms."""
    model = subclassed_model()
    return model, gradient_norms(model, IDS, SUMS)


def test_a_subclassed_model_by_layer(measured):
    _, norms = measured
    assert set(norms) == {"embedding", "norm", "unused", "whole"}  # dropout has no weights, frozen learns nothing
    assert norms["unused"] == 0
    assert min(norms["embedding"], norms["norm"], norms["whole"]) > 0


def test_gradient_of_repeated_embedding_rows_agrees_with_finite_differences(measured):
    model, norms = measured
    table = model.embedding.embeddings
    start, step = np.array(ops.convert_to_numpy(table)), 1e-2
    slopes = np.zeros(start.shape)
    for place in np.ndindex(*start.shape):
        losses = []
        for sign in (1, -1):
            moved = start.copy()
            moved[place] += sign * step
            table.assign(moved)
            losses.append(float(np.mean((ops.convert_to_numpy(model(IDS, training=False)) - SUMS) ** 2)))
        slopes[place] = (losses[0] - losses[1]) / (2 * step)
    table.assign(start)
    assert norms["embedding"] == pytest.approx(norm(slopes), rel=1e-2)


def test_nothing_of_the_model_moves(measured):
    model, norms = measured
    kept = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    before = [np.array(ops.convert_to_numpy(variable)) for variable in kept]
    again = gradient_norms(model, IDS, SUMS)
    for variable, value in zip(kept, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), value, err_msg=variable.path)
    assert again == norms


def test_training_goes_the_same_way_with_and_without():
    weights, histories = [], []
    for callbacks in ([], [GradientNorms(IDS, SUMS, report=lambda line: None)]):
        keras.utils.set_random_seed(3)
        model = Subclassed()
        model.compile(keras.optimizers.Adam(), loss="mse", metrics=["mae"])
        histories.append(model.fit(IDS, SUMS, epochs=3, verbose=0, callbacks=callbacks).history)
        weights.append(model.get_weights())
    assert len(histories[1]["gradient_norm/embedding"]) == 3
    assert histories[1]["loss"] == histories[0]["loss"]
    assert histories[1]["mae"] == histories[0]["mae"]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_compiled_or_not_the_callback_measures_the_weights_at_the_end_of_the_epoch():
    model = linear_model(jit_compile=keras.config.backend() == "jax")
    seen = []
    after = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((logs["gradient_norm/line"], norm(*mse_gradient(model))))
    )
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[GradientNorms(X, Y), after])
    measured, expected = zip(*seen, strict=True)
    assert measured == pytest.approx(expected, rel=1e-5)
    assert len(set(measured)) == 3


def test_layers_without_gradient_are_named_once_and_by_the_report_alone(capsys):
    lines = []
    model = subclassed_model()
    model.fit(IDS, SUMS, epochs=2, verbose=0, callbacks=[GradientNorms(IDS, SUMS, report=lines.append)])
    assert lines == ["gradients: unused gets no gradient: nothing the loss sees depends on it"]
    assert capsys.readouterr().out == ""


def test_a_gradient_that_is_not_finite_is_named():
    lines = []
    model = linear_model()
    model.fit(X, Y, verbose=0, callbacks=[GradientNorms(X * np.inf, Y, report=lines.append)])
    assert len(lines) == 1
    assert "line gets a gradient that is not finite" in lines[0]


def test_a_model_without_a_loss_is_refused():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="not compiled"):
        gradient_norms(model, X, Y)


def test_lists_of_numbers_and_unequal_lengths_are_refused_at_once():
    for measure in (GradientNorms, lambda *batch: gradient_norms(linear_model(), *batch)):
        with pytest.raises(ValueError, match="targets hold float where an array of samples belongs"):
            measure(X, Y.tolist())
        with pytest.raises(ValueError, match="6 of inputs and 5 of targets"):
            measure({"x": X}, Y[:5])
        with pytest.raises(ValueError, match="6 of inputs and 2 of sample_weight"):
            measure(X, [Y, Y], np.ones(2))
