"""The share of a training's time in which `fit` waits for its next batch.

    python benchmarks/waiting_for_data.py [--steps=40] [FLAGS OF train_main.py]

For example `--flagfile=flags/recognizer.cfg --data_dir=LIBRISPEECH --phone_weight=0`; flags/base.cfg by default. A step
asks for its batch when the one before it ends; it waits until that batch is ready, if it is not yet. Both moments are
noted, on any backend. The first step, which compiles, is left out. Writes benchmarks/results/waiting_for_data.json,
with a row for each set of flags and backend that was measured.
"""

import argparse
import contextlib
import sys
import time
from pathlib import Path

import keras
from absl import flags
from rounds import read_results, write_results

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


class Timed:
    """Batches that note when each of them was ready."""

    def __init__(self, batches):
        self.batches, self.ready = batches, {}
        self.has_one_shape = getattr(batches, "has_one_shape", False)

    def __getitem__(self, step: int):
        batch = self.batches[step]
        self.ready[step] = time.perf_counter()
        return batch


class StepEnds(keras.callbacks.Callback):
    """When each step ended."""

    def __init__(self):
        super().__init__()
        self.times = []

    def on_train_batch_end(self, batch, logs=None):
        self.times.append(time.perf_counter())


def measure(given: list[str], steps: int) -> dict:
    """Trains for so many steps with these flags."""
    import train_main
    from keras_stt.data.pipeline import training_data
    from keras_stt.train.views import view_of

    flags.FLAGS(["waiting_for_data.py", *given], known_only=False)
    options = train_main.options_from_flags()
    view = view_of(options)
    setup = view.prepare(options)
    model, batches, ends = view.compiled_model(setup), Timed(setup.batches), StepEnds()
    data = training_data(batches, 0, steps)
    model.fit(data, steps_per_epoch=steps, epochs=1, callbacks=[ends], shuffle=False, verbose=0)
    waited = sum(max(0.0, batches.ready[step] - ends.times[step - 1]) for step in range(1, steps))
    whole = ends.times[-1] - ends.times[0]
    return {"seconds_a_step": whole / (steps - 1), "waiting_share": waited / whole}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=40)
    arguments, given = parser.parse_known_args()
    given = given or ["--flagfile=flags/base.cfg"]
    shown = " ".join(flag.removeprefix("--flagfile=") for flag in given if "_dir=" not in flag)  # no place of a machine
    row = {"flags": shown, "backend": keras.backend.backend(), "steps": arguments.steps}
    row |= measure(given, arguments.steps)
    print(f"{row['backend']}: {row['seconds_a_step']:.2f} s a step, of which waiting {row['waiting_share']:.2%}")
    rows = []
    with contextlib.suppress(FileNotFoundError):
        rows = read_results("waiting_for_data")["rows"]
    rows = [old for old in rows if (old["flags"], old["backend"]) != (row["flags"], row["backend"])]
    write_results("waiting_for_data", {"rows": [*rows, row]})


if __name__ == "__main__":
    main()
