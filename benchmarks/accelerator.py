"""How much audio an accelerator trains on: steps of our recogniser, small and large, in bfloat16.

    KERAS_BACKEND=torch python benchmarks/accelerator.py [--seconds=480,1920]

The same batch of utterances of 15 s again and again, features at hand, with all losses, clipping and averaged weights;
the median step of twenty after ten to warm up. Adds to `benchmarks/results/accelerator.json`.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
UTTERANCE_SECONDS = 15
LABELS = 75  # subwords of an utterance: five a second
SIZES = {
    "recognizer": {},
    "recognizer_large": {"model_dim": 432, "audio_blocks": 10, "audio_mixer": "conv,both", "attention_heads": 6},
}  # what flags/recognizer_large.cfg has in place of the other
WARM, MEASURED = 10, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", default="480,1920", help="audio in a batch, comma-separated")
    parser.add_argument("--sizes", default=",".join(SIZES), help="comma-separated")
    parser.add_argument("--result", type=Path, default=ROOT / "benchmarks/results/accelerator.json")
    args = parser.parse_args()
    import keras

    found = json.loads(args.result.read_text()) if args.result.exists() else {}
    for size in args.sizes.split(","):
        for seconds in map(int, args.seconds.split(",")):
            measured = {"device": device_name(), **measure(size, seconds)}
            found[f"{keras.backend.backend()}, {size}, {seconds} s"] = measured
            args.result.write_text(json.dumps(found, indent=1) + "\n")
            print(keras.backend.backend(), size, measured, flush=True)


def device_name() -> str:
    import keras

    if keras.backend.backend() == "torch":
        import torch

        return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    if keras.backend.backend() == "jax":
        import jax

        return jax.devices()[0].device_kind
    return "as TensorFlow has it"


def compiled(size: str, seconds: int) -> tuple:
    """A model in bfloat16 with all its losses, and a batch of so many seconds: inputs and targets."""
    import keras

    import keras_stt
    from keras_stt.losses import TokenCTC
    from keras_stt.recognizer import UtteranceRecognizer
    from keras_stt.train.fit import build_training
    from keras_stt.train.optimizers import make_optimizer

    config = {**keras_stt.load_model("librispeech-small").get_config(), **SIZES[size], "phones": ()}
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = UtteranceRecognizer.from_config(config)
    keras.config.set_dtype_policy("float32")
    heads = list(model.output)
    model.compile(make_optimizer("adamw", 1e-4, 1e-3, 1.0, 0.999), loss={head: TokenCTC() for head in heads})
    rows, frames = seconds // UTTERANCE_SECONDS, 100 * UTTERANCE_SECONDS
    rng = np.random.default_rng(0)
    inputs = {
        "features": rng.standard_normal((rows, frames, 80)).astype(np.float32),
        "feature_lengths": np.full(rows, frames, np.int32),
    }
    targets = dict.fromkeys(heads, rng.integers(1, model.token_set.size, (rows, LABELS)).astype(np.int32))
    build_training(model, inputs, targets)
    return model, inputs, targets


def measure(size: str, seconds: int) -> dict:
    """The median step of a model on a batch of so many seconds."""
    model, inputs, targets = compiled(size, seconds)
    times = []
    for _ in range(WARM + MEASURED):
        began = time.perf_counter()
        loss = float(model.train_on_batch(inputs, targets, return_dict=True)["loss"])  # waits for the device
        times.append(time.perf_counter() - began)
    assert np.isfinite(loss)
    step = statistics.median(times[WARM:])
    return {
        "parameters": model.count_params(),
        "step_seconds": round(step, 4),
        "audio_seconds_per_second": round(seconds / step),
        "first_step_seconds": round(times[0], 1),
    }


if __name__ == "__main__":
    main()
