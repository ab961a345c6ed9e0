"""The optimizer of a run, by name, and how its learning rate moves."""

import keras

from keras_stt.train.clip_summed import clipping_summed, has_strategy

OPTIMIZERS = ("adamw", "adam", "sgd", "momentum", "lion", "muon")
SCHEDULES = ("cosine", "linear", "exponential", "constant")
EXPONENTIAL_END = 0.01  # of the highest rate, where the exponential schedule ends


@keras.saving.register_keras_serializable("keras_stt")
class Warmup(keras.optimizers.schedules.LearningRateSchedule):
    """A linear rise from 0 over the first `steps`, then another schedule.

    Keras has this for the cosine alone, with a branch in it. Where weights decay, Keras asks the schedule once for each
    weight, and TensorFlow would build it as often.

    Args:
        after: the schedule that follows, counted from the end of the warm-up.
        steps: of the warm-up.
        peak: the rate at its end.
    """

    def __init__(self, after, steps: int, peak: float):
        super().__init__()
        self.after, self.steps, self.peak = after, steps, peak

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        rising = self.peak * step / max(self.steps, 1)
        return keras.ops.where(step < self.steps, rising, self.after(keras.ops.maximum(step - self.steps, 0.0)))

    def get_config(self):
        after = keras.saving.serialize_keras_object(self.after)
        return {"after": after, "steps": self.steps, "peak": self.peak}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "after": keras.saving.deserialize_keras_object(config["after"])})


def learning_rate(schedule: str, peak: float, warmup_steps: int, steps: int):
    """The schedule of that name over `steps` steps, warm-up included, with `peak` as its highest rate."""
    schedules = keras.optimizers.schedules
    rest = max(1, steps - warmup_steps)
    after = {
        "cosine": lambda: schedules.CosineDecay(peak, rest),
        "linear": lambda: schedules.PolynomialDecay(peak, rest, end_learning_rate=0.0),
        "exponential": lambda: schedules.ExponentialDecay(peak, rest, EXPONENTIAL_END),
        "constant": lambda: schedules.PiecewiseConstantDecay([rest], [peak, peak]),
    }[schedule]()
    return Warmup(after, warmup_steps, peak)


def make_optimizer(
    kind: str, rate, weight_decay: float, clip_norm: float, weight_average: float
) -> keras.optimizers.Optimizer:
    """The optimizer of that name; weights are decayed by all but `adam`.

    Args:
        rate: a number or a schedule.
        clip_norm: to which the gradient of each weight is clipped; 0: not at all.
        weight_average: momentum of the averaged weights; 0: none are kept.
    """
    # Clipped weight by weight: the word clock's gradient has a long tail, and a step in which it is large should not
    # hold up all others.
    shared = {
        "learning_rate": rate,
        "clipnorm": clip_norm or None,
        "use_ema": weight_average > 0,
        "ema_momentum": weight_average,
    }
    decayed = {**shared, "weight_decay": weight_decay}
    if kind == "muon":
        # Muon is for the matrices between layers: what meets the words of the window view is left to its AdamW, and so
        # are, by Keras's own choice, embeddings and kernels of more than two dimensions, such as dense convolutions'.
        return clipping_summed(keras.optimizers.Muon)(
            adam_beta_2=0.98, adam_weight_decay=weight_decay, exclude_layers=["tokens"], **decayed
        )
    optimizer, arguments = {
        "adamw": (_adamw(), {"beta_2": 0.98, **decayed}),
        "adam": (keras.optimizers.Adam, {"beta_2": 0.98, **shared}),
        "sgd": (keras.optimizers.SGD, decayed),
        "momentum": (keras.optimizers.SGD, {"momentum": 0.9, "nesterov": True, **decayed}),
        "lion": (keras.optimizers.Lion, decayed),
    }[kind]
    return clipping_summed(optimizer)(**arguments)


def _adamw() -> type:
    """AdamW in the fewest operations that the backend has for it; each module imports its backend."""
    backend = keras.backend.backend()
    if backend == "torch":
        from keras_stt.train.fused_adamw.on_torch import AdamW

        return AdamW
    if backend == "tensorflow" and not has_strategy():
        from keras_stt.train.fused_adamw.on_tensorflow import AdamW

        return AdamW
    return keras.optimizers.AdamW
