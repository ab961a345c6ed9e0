"""Two refiners raced on the drafts of one encoder, which stands still: the same data, the same CPU-seconds.

    python benchmarks/refiner_race.py MODEL --data_dir=LIBRISPEECH_FOLDER [--budget_cpu_s=600]

*Length-free* is the package's: tokens of the draft, some masked, on the steps of the audio, and CTC over the steps
(Chi et al., "Align-Refine", 2021). *Fixed-length* fills the slots of the draft: cross-domain blocks over its tokens,
some masked, and the audio say the token of every slot (Higuchi et al., "Mask CTC", 2020). It can neither add nor drop
one. Both are trained with drafts of the encoder, mistakes included. Writes benchmarks/results/refiner_race.json.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
from rapidfuzz.distance import Levenshtein

import keras_stt
from keras_stt.data.augment import Augmentation
from keras_stt.data.feature_store import open_features
from keras_stt.data.sources import open_corpus
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.data.utterance_plan import UtterancePlan
from keras_stt.data.utterances import UtteranceBatches
from keras_stt.decoding.ctc import greedy
from keras_stt.decoding.spoken_tokens import SpokenTokens
from keras_stt.formats.lines import write_text
from keras_stt.layers import CrossDomainBlock, MaskedPath
from keras_stt.losses import TokenCTC
from keras_stt.models.utterance import SURE
from keras_stt.train.optimizers import make_optimizer
from keras_stt.wer import wer

ROOT = Path(__file__).resolve().parent.parent
AUGMENTATION = Augmentation(
    speed=0.1, time_masks=10, time_mask_ratio=0.05, frequency_masks=2, frequency_mask_bands=27
)  # as in flags/recognizer.cfg
BATCH_SECONDS, RATE, WARMUP_STEPS = 120.0, 1e-3, 100
SLOT_MULTIPLE = 16
IGNORED = -1


class Encoder:
    """Batches of utterances as a trained encoder hears them."""

    def __init__(self, model):
        self.model = model

    def __call__(self, batches: UtteranceBatches, step: int):
        """Audio `(B, S, dim)`, steps `(B,)`, draft logits, drafts, and the token ids of what was said."""
        inputs, targets = batches[step]
        heard = self.model.encoder.predict_on_batch(inputs)
        steps = np.asarray(heard["steps"])
        audio, draft = (np.asarray(keras.ops.cast(heard[name], "float32")) for name in ("audio", "draft"))
        return audio, steps, draft, greedy(draft, steps), [ids[ids > 0] for ids in targets["ctc"]]


class LengthFree:
    """The refiner of the package."""

    name = "length-free"

    def __init__(self, model, blocks: int):
        size = {**model.config, "refiner_blocks": blocks, "training": None}
        self.tokens = model.token_set
        refiner = type(model)(**size).refiner
        audio, steps = refiner.input["audio"], refiner.input["steps"]
        draft = keras.Input((None, self.tokens.size), name="draft")
        path = MaskedPath(SURE, name="masked_path")(draft)
        said = refiner({"audio": audio, "steps": steps, "path": path})
        self.trained = keras.Model({"audio": audio, "steps": steps, "draft": draft}, said)
        self.loss = TokenCTC()

    def sample(self, audio, steps, draft, drafts, texts, rng):
        return {"audio": audio, "steps": steps, "draft": draft}, _padded(texts, 0)

    def refine(self, audio, steps, draft, drafts) -> list[np.ndarray]:
        logits = self.trained.predict_on_batch({"audio": audio, "steps": steps, "draft": draft})
        return [said.token_ids for said in greedy(np.asarray(logits), steps)]


class FixedLength:
    """Mask CTC's decoder, of cross-domain blocks."""

    name = "fixed-length"

    def __init__(self, model, blocks: int):
        self.tokens = model.token_set
        dim, heads = model.config["model_dim"], model.config["attention_heads"]
        audio = keras.Input((None, dim), name="audio")
        steps = keras.Input((), dtype="int32", name="steps")
        slots = keras.Input((None,), dtype="int32", name="slots")
        text, memory = keras.layers.Embedding(self.tokens.size + 1, dim, name="slot_embedding")(slots), audio
        options = {"position": "rotary", "normalization": model.config["normalization"], "steps_per_word": 3.0}
        for number in range(blocks):
            text, memory, _ = CrossDomainBlock(dim, heads, name=f"block_{number}", **options)(text, memory, steps)
        text = keras.layers.LayerNormalization(name="text_norm")(text)
        logits = keras.layers.Dense(self.tokens.size, dtype="float32", name="tokens")(text)
        self.trained = keras.Model({"audio": audio, "steps": steps, "slots": slots}, logits)
        self.loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=IGNORED)

    def sample(self, audio, steps, draft, drafts, texts, rng):
        """What was said, as the draft has it: tokens it lacks are masked, and of the others a drawn number.

        So a visible token may be wrong, and all slots are asked for.
        """
        slots = []
        for said, text in zip(drafts, texts, strict=True):
            seen = _as_drafted(text, said.token_ids, self.tokens.mask_id)
            hidden = rng.permutation(len(seen))[: rng.integers(1, len(seen) + 1)]
            seen[hidden] = self.tokens.mask_id
            slots.append(seen)
        return {"audio": audio, "steps": steps, "slots": _padded(slots, 0)}, _padded(texts, IGNORED)

    def refine(self, audio, steps, draft, drafts: list[SpokenTokens]) -> list[np.ndarray]:
        seen = [np.where(said.confidences < SURE, self.tokens.mask_id, said.token_ids) for said in drafts]
        inputs = {"audio": audio, "steps": steps, "slots": _padded(seen, 0)}
        best = np.asarray(self.trained.predict_on_batch(inputs))[..., 1:].argmax(axis=-1) + 1
        return [row[: len(said.token_ids)] for row, said in zip(best, drafts, strict=True)]


def _as_drafted(text: np.ndarray, draft: np.ndarray, mask_id: int) -> np.ndarray:
    """For every token of the text that the draft has in its place, `mask_id` where it has none."""
    seen = np.full(len(text), mask_id, np.int32)
    for block in Levenshtein.opcodes(text.tolist(), draft.tolist()):
        if block.tag in ("equal", "replace"):
            seen[block.src_start : block.src_end] = draft[block.dest_start : block.dest_end]
    return seen


def _padded(rows: list[np.ndarray], filler: int) -> np.ndarray:
    longest = -(-max(1, max(len(row) for row in rows)) // SLOT_MULTIPLE) * SLOT_MULTIPLE
    padded = np.full((len(rows), longest), filler, np.int32)
    for place, row in zip(padded, rows, strict=True):
        place[: len(row)] = row
    return padded


def race(refiner, encoder: Encoder, train: UtteranceBatches, dev: UtteranceBatches, budget_cpu_s: float) -> dict:
    """Trains the refiner for the budget, what the encoder takes left out, and has it refine dev."""
    trained = refiner.trained
    rng = np.random.default_rng(1)
    optimizer = make_optimizer("adamw", RATE, 0.01, 1.0, 0.0)
    trained.compile(optimizer, loss=refiner.loss)
    spent, step, points = 0.0, 0, []
    while spent < budget_cpu_s:
        inputs, targets = refiner.sample(*encoder(train, step), rng)
        rate = RATE * min(1.0, (step + 1) / WARMUP_STEPS) * 0.5 * (1 + np.cos(np.pi * spent / budget_cpu_s))
        optimizer.learning_rate = rate
        started = time.process_time()
        loss = float(trained.train_on_batch(inputs, targets))
        spent += time.process_time() - started
        trained.reset_metrics()
        step += 1
        if spent > budget_cpu_s * (len(points) + 1) / 6:
            points.append({"cpu_seconds": spent, "loss": loss, **measure(refiner, encoder, dev)})
            print(refiner.name, step, points[-1], flush=True)
    return {"name": refiner.name, "parameters": trained.count_params(), "steps": step, "history": points, **points[-1]}


def measure(refiner, encoder: Encoder, batches: UtteranceBatches) -> dict:
    """WER of drafts and of what is made of them in one pass."""
    tokens, spoken, drafted, refined = encoder.model.token_set, [], [], []
    for step in range(len(batches)):
        audio, steps, draft, drafts, texts = encoder(batches, step)
        found = refiner.refine(audio, steps, draft, drafts)
        count = len(batches.plan.rows(step))
        spoken += [tokens.decode(ids) for ids in texts[:count]]
        drafted += [tokens.decode(said.token_ids) for said in drafts[:count]]
        refined += [tokens.decode(ids) for ids in found[:count]]
    return {"draft_wer": wer(spoken, drafted), "wer": wer(spoken, refined)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--budget_cpu_s", type=float, default=600.0)
    parser.add_argument("--blocks", type=int, default=2)
    parser.add_argument("--precision", default="mixed_bfloat16")
    arguments = parser.parse_args()
    model = keras_stt.load_model(arguments.model)
    corpus = open_corpus(CorpusOptions(dataset="librispeech_folder", data_dir=arguments.data_dir))

    def batches(folder: str, split: str, seed, augmentation=None) -> UtteranceBatches:
        index = list(corpus[split])
        features = open_features(index, Path(folder) / split, "race", split, model.mel_bands)
        speeds = augmentation.speeds if augmentation else (1.0,)
        plan = UtterancePlan([record.duration for record in index], BATCH_SECONDS, seed, speeds=speeds)
        return UtteranceBatches(index, features, model.token_set, plan, augmentation)

    keras.config.set_dtype_policy(arguments.precision)
    with tempfile.TemporaryDirectory() as folder:
        train, dev = batches(folder, "train", 1, AUGMENTATION), batches(folder, "dev", None)
        results = []
        for kind in (LengthFree, FixedLength):
            keras.utils.set_random_seed(1)
            results.append(race(kind(model, arguments.blocks), Encoder(model), train, dev, arguments.budget_cpu_s))
    write_text(ROOT / "benchmarks/results/refiner_race.json", json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
