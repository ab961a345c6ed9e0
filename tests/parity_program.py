"""What one backend computes, for tests/test_parity.py: python parity_program.py learn|hear FOLDER BACKEND.

`learn` trains both views for three steps on a batch of the corpus in FOLDER, from weights that all backends share, and
leaves logits, losses, gradients and weights in `BACKEND.npz` and its models as `BACKEND.*.keras`. `hear` transcribes
with the models of all backends, into `BACKEND.json`.
"""

import copy
import json
import sys
from pathlib import Path

import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

import train_main
from keras_stt.recognizer import load_model
from keras_stt.train.callbacks.gradients import _gradient_function
from keras_stt.train.options import TrainOptions
from keras_stt.train.views import view_of

SMALL = ["--attention_heads=2", "--mel_bands=20", "--epochs=1", "--steps_per_epoch=4", "--warmup_steps=1"]
VIEWS = {
    "window": [
        "flags/base.cfg",
        "--text_context=3",
        "--audio_context=16",
        "--model_dim=16",
        "--audio_blocks=1",
        "--batch_size=4",
        *SMALL,
    ],
    "utterance": [
        *("flags/recognizer.cfg", "--tokens=characters", "--subsampling=4", "--model_dim=16", "--audio_blocks=2"),
        *("--audio_mixer=both", "--consistency=0.2", "--known_phones_steps=0", "--batch_seconds=10"),
        *("--precision=float32", *SMALL),
    ],
}
STEPS = 3  # the first of them at a rate of 0, where the warm-up begins
# How the shipped recogniser is asked; the others say what they hear, refined.
WAYS = {
    "draft": {"passes": 0},
    "refined": {"passes": 2},
    "searched": {"candidates": 3, "language_model": "librispeech-words"},
}


def options_of(folder: Path, flagfile: str, *flags: str) -> TrainOptions:
    corpus = ["--dataset=manifest", f"--data_dir={folder}/all.jsonl", f"--alignment_dir={folder}"]
    values = copy.deepcopy(train_main.flags.FLAGS)
    values(["train_main.py", f"--flagfile={flagfile}", *flags, *corpus, f"--cache_dir={folder}/cache"])
    return TrainOptions(**{flag.name: flag.value for flag in values.get_flags_for_module("train_main")})


def learn(folder: Path, backend: str) -> None:
    found = {}
    for view, flags in VIEWS.items():
        options = options_of(folder, *flags)
        setup = view_of(options).prepare(options)
        model = view_of(options).compiled_model(setup)
        if view == "utterance":
            model.get_layer("masked_path").all_masked = 1.0  # else each backend draws what is shown
        share_weights(model, folder / f"{view}.weights.h5")
        for name, value in measure(model, *setup.batches[0]).items():
            found[f"{view}: {name}"] = value
        model.save(folder / f"{backend}.{view}.keras")
    np.savez(folder / f"{backend}.npz", **found)
    load_model("librispeech-small").save(folder / f"{backend}.shipped.keras")


def share_weights(model, path: Path) -> None:
    """Those that the first backend has drawn; moved a little, for what begins at zero hides what is done with it."""
    if not path.exists():
        rng = np.random.default_rng(1)
        for weight in model.trainable_weights:
            weight.assign(weight + 0.1 * rng.standard_normal(weight.shape))
        model.save_weights(path)
    model.load_weights(path)


def measure(model, inputs: dict, targets: dict) -> dict[str, np.ndarray]:
    """Logits, the gradient of every weight, the losses of three steps of training, and the weights after them."""
    found = {f"input {name}": value for name, value in inputs.items()}
    found |= {f"logits {name}": value for name, value in model.predict_on_batch(inputs).items()}
    model._symbolic_build(data_batch=(inputs, targets, None))  # as `fit` does
    tensors = [keras.tree.map_structure(keras.ops.convert_to_tensor, part) for part in (inputs, targets)]
    gradients = _gradient_function(model)(*tensors, None)
    for weight, gradient in zip(model.trainable_variables, gradients, strict=True):
        found[f"gradient {weight.path}"] = keras.ops.convert_to_numpy(gradient)
    for step in range(STEPS):
        losses = model.train_on_batch(inputs, targets, return_dict=True)
        found |= {f"loss {name} of step {step}": np.array(value) for name, value in losses.items()}
    return found | {f"weight {weight.path}": weight.numpy() for weight in model.weights}


def hear(folder: Path, backend: str) -> None:
    heard = {}
    for path in sorted(folder.glob("*.keras")):
        model = load_model(path)
        if "shipped" in path.name:
            heard |= {f"{path.name} {way}": said(model, folder / "speech.wav", asked) for way, asked in WAYS.items()}
        else:
            heard[path.name] = said(model, folder / "0.wav", {})
    (folder / f"{backend}.json").write_text(json.dumps(heard))


def said(model, recording: Path, asked: dict) -> dict:
    transcript = model.transcribe(recording, **asked)
    confidences = [float(word.confidence) for word in transcript.words]
    return {"text": transcript.text, "confidences": confidences}


if __name__ == "__main__":
    {"learn": learn, "hear": hear}[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])
