"""Optimizers and schedules by name."""

import importlib

import keras
import numpy as np
import pytest
from keras import ops

from keras_stt.train.optimizers import EXPONENTIAL_END, OPTIMIZERS, SCHEDULES, learning_rate, make_optimizer

PEAK, WARMUP, STEPS = 0.01, 10, 110


def rate_at(schedule, step) -> float:
    return float(ops.convert_to_numpy(schedule(step)))


@pytest.mark.parametrize("kind", SCHEDULES)
def test_a_schedule_rises_from_nothing_to_the_peak_and_is_never_higher(kind):
    schedule = learning_rate(kind, PEAK, WARMUP, STEPS)
    rates = [rate_at(schedule, step) for step in range(STEPS + 1)]
    np.testing.assert_allclose(rates[:WARMUP], PEAK * np.arange(WARMUP) / WARMUP, rtol=1e-4, atol=1e-8)
    assert max(rates) == pytest.approx(PEAK, rel=1e-4)
    assert rates[WARMUP] == pytest.approx(PEAK, rel=1e-4)
    assert np.all(np.diff(rates[WARMUP:]) <= 1e-9)
    end = {"cosine": 0.0, "linear": 0.0, "exponential": EXPONENTIAL_END * PEAK, "constant": PEAK}[kind]
    assert rates[-1] == pytest.approx(end, abs=1e-6)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_without_warm_up_the_first_step_has_the_peak(kind):
    assert rate_at(learning_rate(kind, PEAK, 0, STEPS), 0) == pytest.approx(PEAK, rel=1e-4)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_schedules_are_serialisable(kind):
    schedule = learning_rate(kind, PEAK, WARMUP, STEPS)
    twin = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    for step in (0, 5, WARMUP, 60, STEPS):
        assert rate_at(twin, step) == pytest.approx(rate_at(schedule, step), abs=1e-9)


def regression():
    """A model that can fit its targets, and these."""
    keras.utils.set_random_seed(4)
    inputs = np.random.default_rng(0).standard_normal((64, 6)).astype(np.float32)
    targets = inputs @ np.random.default_rng(1).standard_normal((6, 3)).astype(np.float32)
    dense = keras.layers.Dense(8, name="hidden"), keras.layers.Dense(3, name="tokens")
    return keras.Sequential([keras.Input((6,)), *dense]), inputs, targets


@pytest.mark.backend
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_every_optimizer_learns(kind):
    model, inputs, targets = regression()
    rate = learning_rate("cosine", {"sgd": 0.3, "momentum": 0.1}.get(kind, 0.03), 5, 150)
    model.compile(make_optimizer(kind, rate, 0.0, 1.0, 0.0), loss="mse")
    # Ten epochs of fifteen steps, for an epoch takes its time.
    inputs, targets = np.tile(inputs, (15, 1)), np.tile(targets, (15, 1))
    history = model.fit(inputs, targets, batch_size=64, epochs=10, verbose=0, shuffle=False).history["loss"]
    assert history[-1] < 0.2 * history[0]


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_weights_decay_unless_the_optimizer_is_adam(kind):
    model, _, _ = regression()
    optimizer = make_optimizer(kind, 0.1, 0.5, 0.0, 0.0)
    before = float(np.abs(model.get_layer("hidden").get_weights()[0]).sum())
    optimizer.build(model.trainable_variables)
    for _ in range(3):
        optimizer.apply([ops.zeros(weight.shape) for weight in model.trainable_variables])
    after = float(np.abs(model.get_layer("hidden").get_weights()[0]).sum())
    assert (after < 0.95 * before) == (kind != "adam")


@pytest.mark.backend
def test_gradients_are_clipped_weight_by_weight():
    clipped = make_optimizer("sgd", 1.0, 0.0, 0.5, 0.0)
    large, small = keras.Variable([3.0, 4.0]), keras.Variable([0.1])
    clipped.build([large, small])
    clipped.apply([ops.convert_to_tensor([30.0, 40.0]), ops.convert_to_tensor([0.1])])
    np.testing.assert_allclose(ops.convert_to_numpy(large), [2.7, 3.6], rtol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(small), [0.0], atol=1e-6)


@pytest.mark.backend
def test_averaged_weights_are_kept_when_asked_for():
    assert make_optimizer("adamw", 0.1, 0.0, 0.0, 0.9).use_ema
    assert not make_optimizer("adamw", 0.1, 0.0, 0.0, 0.0).use_ema


@pytest.mark.backend
@pytest.mark.skipif(keras.backend.backend() == "jax", reason="on JAX Keras's own is compiled into one program")
def test_the_fused_adamw_takes_the_steps_of_keras():
    """Gradients clipped, weights decayed, averaged, and state that either can go on with."""
    fused = importlib.import_module(f"keras_stt.train.fused_adamw.on_{keras.backend.backend()}").AdamW

    def learned(*kinds):
        """Weights, averages and momenta after four steps by each kind, one going on where the other stopped."""
        model, state = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(4, name="dense")]), []
        model.set_weights([np.linspace(-1, 1, 12).reshape(3, 4), np.zeros(4)])
        rng = np.random.default_rng(1)
        for kind in kinds:
            rate = learning_rate("cosine", PEAK, WARMUP, STEPS)
            optimizer = kind(rate, weight_decay=0.1, beta_2=0.98, clipnorm=0.5, use_ema=True, ema_momentum=0.9)
            optimizer.build(model.trainable_variables)
            for variable, value in zip(optimizer.variables, state, strict=bool(state)):
                variable.assign(value)
            for _ in range(4):
                # Of dense some are clipped; of its bias none, and they are as small as the epsilon.
                gradients = [rng.standard_normal((3, 4)), 1e-7 * rng.standard_normal(4)]
                optimizer.apply([ops.convert_to_tensor(g, "float32") for g in gradients])
            state = [ops.convert_to_numpy(variable) for variable in optimizer.variables]
        return [*model.get_weights(), *state]

    expected = learned(keras.optimizers.AdamW, keras.optimizers.AdamW)
    for kinds in ((fused, fused), (keras.optimizers.AdamW, fused), (fused, keras.optimizers.AdamW)):
        for found, value in zip(learned(*kinds), expected, strict=True):
            np.testing.assert_allclose(found, value, rtol=1e-5, atol=1e-7)
