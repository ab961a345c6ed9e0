"""How many steps fit into a budget of CPU-seconds."""

import keras

from keras_stt.data.pipeline import PREFETCH_STEPS, training_data
from keras_stt.train.callbacks.progress import cpu_seconds
from keras_stt.train.views import Setup, View

WARM_STEPS, MEASURED_STEPS = 6, 24


class _Stamps(keras.callbacks.Callback):
    """CPU-seconds at the end of every step."""

    def __init__(self):
        super().__init__()
        self.at: list[float] = []

    def on_train_batch_end(self, batch, logs=None):
        self.at.append(cpu_seconds())


def steps_within(budget_cpu_s: float, model, batches, callbacks: list, epochs: int) -> int:
    """Steps an epoch may have, at least one, so that training takes about `budget_cpu_s` CPU-seconds.

    Trains some steps on real batches to see what they cost, so the model must be one that is thrown away. Compilation
    and what the callbacks do after each epoch are within the budget. The number depends on how busy the machine is:
    it is kept in the run's flags, with which the run can be repeated exactly.

    Args:
        model: compiled.
        callbacks: those whose work at the end of an epoch is to be counted.
    """
    stamps = _Stamps()
    started = cpu_seconds()
    steps = WARM_STEPS + MEASURED_STEPS
    # Batches are made ahead of the steps: were these the last, the final steps would make none, and seem cheaper.
    dataset = training_data(batches, 0, steps + PREFETCH_STEPS)
    model.fit(dataset, steps_per_epoch=steps, callbacks=[stamps], shuffle=False, verbose=0)
    first_epoch_end, epoch_end = (_seconds_at_epoch_end(model, callbacks) for _ in range(2))
    step = (stamps.at[-1] - stamps.at[WARM_STEPS - 1]) / MEASURED_STEPS
    once = stamps.at[WARM_STEPS - 1] - started - WARM_STEPS * step + first_epoch_end - epoch_end
    return max(1, int((budget_cpu_s - once - epochs * epoch_end) / step / epochs))


def within_budget(view: View, setup: Setup) -> Setup:
    """The set-up with as many steps as its budget of CPU-seconds allows; as it is where there is no budget."""
    options = setup.options
    if not options.budget_cpu_s:
        return setup
    watch = view.watchers(setup, report=_silent).all
    steps = steps_within(options.budget_cpu_s, view.compiled_model(setup), setup.batches, watch, options.epochs)
    print(
        f"budget of {options.budget_cpu_s:g} CPU-seconds: {steps} steps in each of {options.epochs} epochs", flush=True
    )
    return setup.with_steps_per_epoch(steps)


def _silent(line: str) -> None:
    """Takes what the watchers say of a model that is thrown away."""


def _seconds_at_epoch_end(model, callbacks: list) -> float:
    started = cpu_seconds()
    logs: dict = {}
    for callback in callbacks:
        callback.set_model(model)
        callback.on_epoch_end(0, logs)
    return cpu_seconds() - started
