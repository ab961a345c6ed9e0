"""SavedModel: TensorFlow's own format, of window models and utterance models."""

import math
from pathlib import Path

import keras
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from keras_stt.export.int8 import LEAST_VALUES, quantized
from keras_stt.export.utterance_graph import INPUTS, utterance_function, with_text
from keras_stt.export.window_graph import add_endpoints


def write_window(model, path: Path) -> None:
    """Writes a window model; see `window_graph` for its signatures."""
    archive = keras.export.ExportArchive()
    add_endpoints(archive, model)
    archive.write_out(str(path), verbose=False)


def write(model, passes: int, path: Path) -> None:
    """Writes an utterance model, with texts; the signature `vocabulary` gives the tokens in the order of their ids."""
    _write(utterance_function(model, passes), model, path)


def write_int8(model, passes: int, whole: Path, path: Path) -> None:
    """The same, its matrices kept in eight bits and made float32 where they are used."""
    _write(_with_small_weights(utterance_function(model, passes), model), model, path)


def signatures(path: Path) -> dict[str, dict[str, list[str]]]:
    graph = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes()).meta_graphs[0]
    return {
        name: {"inputs": sorted(one.inputs), "outputs": sorted(one.outputs)}
        for name, one in graph.signature_def.items()
        if not name.startswith("__")  # what TensorFlow runs when it loads the model
    }


def write_for_converter(recognize, path: Path) -> None:
    """A function of `waveform` and `waveform_lengths` as the one signature `serve`."""
    archive = keras.export.ExportArchive()
    archive.add_endpoint("serve", recognize, list(INPUTS.values()))
    archive.write_out(str(path), verbose=False)


def _write(recognize, model, path: Path) -> None:
    vocabulary = ["", *model.token_set.pieces]
    archive = keras.export.ExportArchive()
    archive.add_endpoint("serve", with_text(recognize, vocabulary), list(INPUTS.values()))
    archive.add_endpoint("vocabulary", lambda: {"tokens": tf.constant(vocabulary)}, [])
    archive.write_out(str(path), verbose=False)


def _with_small_weights(recognize, model):
    """The function with every large weight of the model replaced by its eight bits times their scale."""
    large = [v for v in model.trainable_variables if len(v.shape) > 1 and math.prod(v.shape) >= LEAST_VALUES]
    small = []
    for variable in large:
        # Embeddings are looked up by their first axis, all else makes its outputs along the last.
        axis = 0 if "embedding" in variable.path else -1
        bits, scale = quantized(keras.ops.convert_to_numpy(variable), axis)
        small.append((tf.constant(bits), tf.constant(scale)))

    def recognize_small(waveform, waveform_lengths):
        mapping = [(v, tf.cast(bits, tf.float32) * scale) for v, (bits, scale) in zip(large, small, strict=True)]
        with keras.StatelessScope(state_mapping=mapping):
            return recognize(waveform, waveform_lengths)

    return recognize_small
