"""Where a training step on torch goes, and what our optimizer takes beside Keras's own.

    python benchmarks/profile_step.py [--rounds=5] [--steps=4]

The step of benchmarks/training_speed.py, in float32 and bfloat16, on one core: torch's profiler tells what each
operation takes by itself, and operations are summed up in kinds. What the optimizer calls counts as the optimizer, and
what is between two operations as Python, which the profiler makes longer than it is. Seconds of a step are without the
profiler. Both AdamW, ours and `keras.optimizers.AdamW` of the same settings, then apply the same gradients to the same
weights, in turn. Writes benchmarks/results/step_profile.json and prints the table.
"""

import argparse
import os
import re
from collections import Counter

import numpy as np
from rounds import ROUNDS, in_turn, on_one_core, times_as_fast, write_results
from training_speed import PRECISIONS, OurTraining

STEP, OPTIMIZER, PYTHON, REST = "step", "optimizer", "python", "everything_else"
# The first that is found in the name of an operation is its kind.
KINDS = {
    "matrix_products": r"aten::(mm|addmm|bmm|baddbmm|matmul|linear|_mkl_linear|mkldnn_linear)$",
    "convolutions": r"conv",
    "attention": r"attention",
    "ctc": r"ctc",
    "normalisation": r"(layer|batch|group|rms)_norm",
    "relu": r"relu|threshold_backward|clamp_min",
    "copies": r"aten::(copy_|_to_copy|to|contiguous|clone|cat|stack)$",
    "element_by_element": r"aten::(add|sub|mul|div|pow|exp|log|neg|eq|where|sum|mean|sigmoid|tanh)_?$",
}


def kind_of(event) -> str:
    """The kind of an operation that the profiler saw."""
    above = event
    while above is not None:
        if above.name == OPTIMIZER:
            return OPTIMIZER
        above = above.cpu_parent
    if event.name == STEP:
        return PYTHON
    return next((kind for kind, pattern in KINDS.items() if re.search(pattern, event.name)), REST)


def percent_of_step(training: OurTraining, steps: int) -> dict[str, float]:
    """Of each kind, its share of a step in per cent, the largest first."""
    from torch.profiler import ProfilerActivity, profile, record_function

    optimizer, spent = training.model.optimizer, Counter()
    apply = optimizer.apply

    def told(*arguments, **more):
        with record_function(OPTIMIZER):
            return apply(*arguments, **more)

    optimizer.apply = told
    try:
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            for _ in range(steps):
                with record_function(STEP):
                    training.step()
    finally:
        del optimizer.apply
    for event in profiler.events():
        spent[kind_of(event)] += event.self_cpu_time_total
    return {kind: 100 * seconds / spent.total() for kind, seconds in spent.most_common()}


def optimizers_in_turn(training: OurTraining, rounds: int) -> dict[str, list[float]]:
    """Seconds in which our optimizer and Keras's own apply the same gradients."""
    import keras
    import torch

    ours, weights = training.model.optimizer, training.model.trainable_variables
    keras_own = keras.optimizers.AdamW.from_config(ours.get_config())
    keras_own.build(weights)
    gradients = [torch.full(tuple(weight.shape), 1e-4) for weight in weights]

    def apply_by(optimizer):
        with torch.no_grad():
            optimizer.apply(gradients, weights)

    return in_turn({"ours": lambda: apply_by(ours), "keras": lambda: apply_by(keras_own)}, rounds)


def main() -> None:
    os.environ["KERAS_BACKEND"] = "torch"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--steps", type=int, default=4, help="that the profiler sees")
    arguments = parser.parse_args()
    on_one_core()
    found = {"rounds": arguments.rounds, "steps": arguments.steps, "seconds_of_step": {}, "percent_of_step": {}}
    for precision in PRECISIONS:
        training = OurTraining(precision)
        seconds = in_turn({STEP: training.step}, arguments.rounds)[STEP]
        found["seconds_of_step"][precision] = float(np.median(seconds))
        found["percent_of_step"][precision] = percent_of_step(training, arguments.steps)
        print(f"{precision}: {found['seconds_of_step'][precision]:.3f} s a step")
        for kind, share in found["percent_of_step"][precision].items():
            print(f"  {kind.replace('_', ' '):20s}{share:5.1f} %")
    # Weights are float32 in both precisions, so that the optimizer has the same to do.
    seconds = optimizers_in_turn(training, arguments.rounds)
    found["optimizer_seconds"] = float(np.median(seconds["ours"]))
    found["keras_optimizer_seconds"] = float(np.median(seconds["keras"]))
    found["optimizer_times_keras"] = times_as_fast(seconds, "ours", "keras")
    print(f"optimizer {found['optimizer_seconds']:.4f} s, Keras's AdamW {found['keras_optimizer_seconds']:.4f} s")
    write_results("step_profile", found)


if __name__ == "__main__":
    main()
