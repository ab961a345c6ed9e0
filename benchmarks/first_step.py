"""How long one waits for the first training step, from a cold start: our two recipes and a plain Keras model.

    python benchmarks/first_step.py [--rounds=5] [--backends=torch,tensorflow,jax]

A program is started, imports what it needs, opens a corpus whose index and log-mel frames are there already, builds
the model, and takes one step. flags/base.cfg and flags/recognizer.cfg are timed so, on the small synthetic corpus but
with all the sizes of the flagfile, and beside them a functional model of Keras's own layers, convolutions and dense
ones, of as many parameters as the recogniser. JAX compiles anew each time: what it keeps on disk is neither read nor
written. Writes benchmarks/results/first_step.json and prints the table.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from rounds import ROUNDS, write_results
from worker import BACKENDS, NOTHING_COMPILED

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
SMALL = ["--dataset=synthetic_tiny"]
# On so small a corpus there are no TextGrids, and few subwords.
RECIPES = {
    "base.cfg": SMALL,
    "recognizer.cfg": [*SMALL, "--phone_weight=0", "--known_phones_steps=0", "--token_count=60", "--data_dir="],
}
PLAIN = "plain Keras"


def take_step(recipe: str, work: str) -> None:
    """In this program, one step of training by a flagfile."""
    from absl import flags

    import train_main
    from keras_stt.data.pipeline import training_data
    from keras_stt.train.views import view_of

    folders = [f"--cache_dir={work}/cache", f"--output_dir={work}/run"]
    flags.FLAGS(["first_step.py", f"--flagfile={ROOT / 'flags' / recipe}", *RECIPES[recipe], *folders])
    options = train_main.options_from_flags()
    view = view_of(options)
    setup = view.prepare(options)
    model = view.compiled_model(setup)
    model.fit(training_data(setup.batches, 0, 1), epochs=1, steps_per_epoch=1, shuffle=False, verbose=0)
    print(f"{model.count_params():,} parameters", flush=True)


def take_plain_step() -> None:
    """In this program, one step of six million parameters in Keras's own layers."""
    import keras
    import numpy as np

    frames = keras.Input((800, 80))
    audio = frames
    for i, stride in enumerate((2, 2, 2)):
        audio = keras.layers.Conv1D(224, 3, stride, "same", activation="relu", name=f"subsampling_{i}")(audio)
    for i in range(9):
        local = keras.layers.Conv1D(224, 5, padding="same", activation="relu", name=f"convolution_{i}")(audio)
        audio = keras.layers.LayerNormalization(name=f"norm_{i}")(audio + local)
        wide = keras.layers.Dense(896, "relu", name=f"widen_{i}")(audio)
        audio = audio + keras.layers.Dense(224, name=f"narrow_{i}")(wide)
    model = keras.Model(frames, keras.layers.Dense(240, name="tokens")(audio))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(1e-4), loss)
    model.fit(np.zeros((16, 800, 80), np.float32), np.zeros((16, 100), np.int32), batch_size=16, verbose=0)
    print(f"{model.count_params():,} parameters", flush=True)


def seconds_of(program: list[str], backend: str) -> float:
    """From the start of a program to the end of its step."""
    environment = {**os.environ, **NOTHING_COMPILED, "KERAS_BACKEND": backend}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, __file__, *program], env=environment, check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--backends", default=",".join(BACKENDS))
    parser.add_argument("--take", nargs=2, metavar=("RECIPE", "FOLDER"), help="only a step, in this program")
    arguments = parser.parse_args()
    if arguments.take:
        recipe, work = arguments.take
        take_plain_step() if recipe == PLAIN else take_step(recipe, work)
        return
    backends = [name for name in arguments.backends.split(",") if importlib.util.find_spec(name)]
    ways = [(backend, recipe) for backend in backends for recipe in (*RECIPES, PLAIN)]
    with tempfile.TemporaryDirectory() as work:
        for recipe in RECIPES:  # the corpus is prepared once
            seconds_of(["--take", recipe, work], backends[0])
        found = {way: [] for way in ways}
        for _ in range(arguments.rounds):
            for backend, recipe in ways:
                found[backend, recipe].append(seconds_of(["--take", recipe, work], backend))
    rows = [
        {
            "backend": backend,
            "recipe": recipe,
            "seconds": median(seconds),
            "times_plain": median(
                own / plain for own, plain in zip(seconds, found[backend, PLAIN], strict=True)
            ),
        }
        for (backend, recipe), seconds in found.items()
    ]  # fmt: skip
    for row in rows:
        print(f"{row['backend']:12s}{row['recipe']:16s}{row['seconds']:6.1f} s  {row['times_plain']:.2f} x plain Keras")
    write_results("first_step", {"rounds": arguments.rounds, "rows": rows})


if __name__ == "__main__":
    main()
