"""How much audio is trained on in an hour: our recogniser on each backend, the peer, and the machine's bare products.

    python benchmarks/training_speed.py [--rounds=5] [--backends=torch,tensorflow,jax]

A batch of 16 utterances of 8 seconds is trained on again and again, by the model of flags/recognizer.cfg with all its
losses and by transformers' ParakeetForCTC, in float32 and bfloat16. Each has a program of its own, since Keras has one
backend a program; these wait for each other, and take one step in turn. The floating-point operations of our step are
counted by torch; what they would take as bare matrix products of 1,024 x 1,024 is the limit. Writes
benchmarks/results/training_speed.json and prints the table. Needs `pip install -e ".[benchmark]"`.
"""

import argparse
import importlib.util
import time

import numpy as np
from rounds import ROUNDS, in_turn, on_one_core, times_as_fast, write_results
from worker import BACKENDS, Worker, clock_of, work

ROWS, SECONDS = 16, 8
FRAMES = 100 * SECONDS
LABELS = 40  # subwords in each utterance: five a second
PRECISIONS = ("float32", "bfloat16")
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
PRODUCT = 1024  # rows and columns of a bare matrix product
PRODUCTS = 20  # in a turn


class OurTraining:
    """Steps of our model under the backend of this program."""

    def __init__(self, precision: str):
        import keras

        import keras_stt
        from keras_stt.losses import TokenCTC
        from keras_stt.recognizer import UtteranceRecognizer
        from keras_stt.train.fit import build_training
        from keras_stt.train.optimizers import make_optimizer

        config = keras_stt.load_model("librispeech-small").get_config()
        keras.utils.set_random_seed(0)
        keras.config.set_dtype_policy(POLICIES[precision])
        self.model = UtteranceRecognizer.from_config(config)
        heads = [name for name in self.model.output if name != "phones"]
        phones = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
        losses = {name: TokenCTC() for name in heads} | ({"phones": phones} if "phones" in self.model.output else {})
        self.model.compile(make_optimizer("adamw", 1e-4, 1e-3, 1.0, 0.999), loss=losses)
        features, labels = batch()
        steps = -(-FRAMES // self.model.frames_per_step)
        self.inputs = {"features": features, "feature_lengths": np.full(ROWS, FRAMES, np.int32)}
        self.targets = dict.fromkeys(heads, labels + 1)  # 0 is the blank
        if "phones" in self.model.output:
            self.targets["phones"] = np.full((ROWS, steps), -1, np.int32)
        few = ({name: value[:2] for name, value in part.items()} for part in (self.inputs, self.targets))
        build_training(self.model, *few)
        self.parameters = self.model.count_params()

    def step(self) -> float:
        return float(self.model.train_on_batch(self.inputs, self.targets, return_dict=True)["loss"])

    def operations(self) -> int:
        """Floating-point operations of a step, as torch counts them."""
        from torch.utils.flop_counter import FlopCounterMode

        counter = FlopCounterMode(display=False)
        with counter:
            self.step()
        return counter.get_total_flops()


class Products:
    """Matrix products and nothing else."""

    parameters = 0

    def __init__(self, precision: str):
        import torch

        rng = torch.Generator().manual_seed(0)
        dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
        self.left, self.right = (torch.randn((PRODUCT, PRODUCT), generator=rng).to(dtype) for _ in range(2))

    def step(self) -> float:
        for _ in range(PRODUCTS):
            product = self.left @ self.right
        return float(product[0, 0])

    def operations(self) -> int:
        return PRODUCTS * 2 * PRODUCT**3


def batch() -> tuple[np.ndarray, np.ndarray]:
    """Features `(B, T, mel_bands)` and subwords `(B, U)` from 0, no two alike in a row."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((ROWS, FRAMES, 80)).astype(np.float32)
    return features, (np.cumsum(rng.integers(1, 200, (ROWS, LABELS)), axis=1) % 200).astype(np.int32)


def train_when_told(kind: str, precision: str) -> None:
    """A program that trains a step whenever it is told to."""
    began = time.perf_counter()
    if kind == "peer":
        from peer_parakeet import Training

        training = Training(*batch(), precision)
    else:
        training = Products(precision) if kind == "products" else OurTraining(precision)
    training.step()
    said = {"parameters": training.parameters, "first_step_seconds": time.perf_counter() - began}
    if kind in ("torch", "products"):
        said["operations"] = training.operations()
    work(said, lambda _: training.step())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--backends", default=",".join(BACKENDS))
    parser.add_argument("--precisions", default=",".join(PRECISIONS))
    parser.add_argument("--output", default="training_speed")
    parser.add_argument("--work", nargs=2, metavar=("KIND", "PRECISION"), help="only steps, when told, in this program")
    arguments = parser.parse_args()
    on_one_core()
    if arguments.work:
        train_when_told(*arguments.work)
        return
    kinds = [name for name in arguments.backends.split(",") if importlib.util.find_spec(name)]
    rows = [row for precision in arguments.precisions.split(",") for row in compare(kinds, precision, arguments.rounds)]
    write_results(arguments.output, {"rounds": arguments.rounds, "rows": rows}, ("transformers",))
    for row in rows:
        print(
            f"{row['precision']:10s}{row['name']:12s}{row['audio_hours_per_hour']:6.0f} hours an hour  "
            f"{row['times_peer']:.2f} x the peer  {row['share_of_products'] or 0:.0%} of bare products"
        )


def compare(backends: list[str], precision: str, rounds: int, with_peer: bool = True) -> list[dict]:
    """A row for each backend, of which torch must be one, and the peer."""
    workers = {kind: Worker(__file__, kind, precision, backend=kind) for kind in backends}
    workers |= {kind: Worker(__file__, kind, precision) for kind in (*(["peer"] if with_peer else []), "products")}
    seconds = in_turn(dict(workers), rounds, clock_of(workers))
    for worker in workers.values():
        worker.end()
    return [row_of(kind, precision, workers, seconds) for kind in workers if kind != "products"]


def row_of(kind: str, precision: str, workers: dict[str, Worker], seconds: dict[str, list[float]]) -> dict:
    """What one of them reached. Of the peer the operations are not counted."""
    said, products = workers[kind].said, workers["products"].said["operations"]
    # The products that our step has, at the rate of the same round.
    share = workers["torch"].said["operations"] / products / times_as_fast(seconds, "products", kind)
    return {
        "name": kind,
        "precision": precision,
        "parameters": said["parameters"],
        "seconds_per_step": float(np.median(seconds[kind])),
        "audio_hours_per_hour": ROWS * SECONDS / float(np.median(seconds[kind])),
        "times_peer": times_as_fast(seconds, kind, "peer") if "peer" in seconds else None,
        "share_of_products": share if kind != "peer" else None,
        "products_per_second": products / float(np.median(seconds["products"])),
        "operations": workers["torch"].said["operations"],
        "first_step_seconds": said["first_step_seconds"],
        "losses": [workers[kind].gave[0], workers[kind].gave[-1]],
    }


if __name__ == "__main__":
    main()
