"""Runs a SavedModel as a stranger would: a script that imports TensorFlow and NumPy and refuses Keras and keras_stt.

    python reader.py SAVED_MODEL IN.npz OUT.npz

IN.npz has `waveform_0`, `waveform_lengths_0`, `token_ids_0`, `waveform_1` and so on. OUT.npz gets the outputs of
`serving_default` as `tokens_0`, `token_ids_0`, `confidences_0`, `attention_0`, the words of `transcribe_window` as
`words_0`, and `vocabulary`.
"""

import sys

import numpy as np


def main(folder: str, inputs_path: str, outputs_path: str) -> None:
    """Reads the batches, runs them, and writes what comes out."""
    for name in ("keras", "keras_stt"):
        assert name not in sys.modules, f"{name} was imported before the artefact was loaded"
        sys.modules[name] = None  # importing it is an error from here on
    import tensorflow as tf

    signatures = tf.saved_model.load(folder).signatures
    batches = np.load(inputs_path)
    outputs = {"vocabulary": _as_text(signatures["vocabulary"]()["words"])}
    for i in range(sum(name.startswith("token_ids_") for name in batches)):
        names = ("waveform", "waveform_lengths", "token_ids")
        batch = {name: tf.constant(batches[f"{name}_{i}"]) for name in names}
        for name, value in signatures["serving_default"](**batch).items():
            outputs[f"{name}_{i}"] = value.numpy()
        del batch["token_ids"]
        outputs[f"words_{i}"] = _as_text(signatures["transcribe_window"](**batch)["words"])
    np.savez(outputs_path, **outputs)


def _as_text(strings) -> np.ndarray:
    return np.array([text.decode() for text in strings.numpy().ravel()], str).reshape(strings.shape)


if __name__ == "__main__":
    main(*sys.argv[1:])
