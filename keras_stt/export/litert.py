"""LiteRT (TensorFlow Lite), for phones and small computers."""

import json
import tempfile
from pathlib import Path

import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from keras_stt.export.int8 import FEATURES
from keras_stt.export.saved_model import write_for_converter
from keras_stt.export.utterance_graph import utterance_function, with_pieces
from keras_stt.formats.lines import write_bytes


def write(model, passes: int, path: Path) -> None:
    """Writes the graph with the strings of the tokens; `vocabulary` among its metadata is a JSON list by id."""
    _save(flatbuffer_utils.convert_bytearray_to_object(_converted(model, passes, [])), model, path)


def write_int8(model, passes: int, whole: Path, path: Path) -> None:
    """By LiteRT's dynamic range quantisation, the features kept in float32."""
    small = flatbuffer_utils.convert_bytearray_to_object(_converted(model, passes, [tf.lite.Optimize.DEFAULT]))
    _restore_features(small, flatbuffer_utils.read_model(str(whole)))
    _save(small, model, path)


def signatures(path: Path) -> dict[str, dict[str, list[str]]]:
    return {
        one.signatureKey.decode(): {
            "inputs": [tensor.name.decode() for tensor in one.inputs],
            "outputs": [tensor.name.decode() for tensor in one.outputs],
        }
        for one in flatbuffer_utils.read_model(str(path)).signatureDefs
    }


def _converted(model, passes: int, optimizations: list) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        recognize = with_pieces(utterance_function(model, passes), ["", *model.token_set.pieces])
        write_for_converter(recognize, Path(folder))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serve"])
        converter.optimizations = optimizations
        return converter.convert()


def _save(graph, model, path: Path) -> None:
    vocabulary, entry = schema.BufferT(), schema.MetadataT()
    vocabulary.data = json.dumps(["", *model.token_set.pieces]).encode()
    entry.name, entry.buffer = b"vocabulary", len(graph.buffers)
    graph.buffers.append(vocabulary)
    graph.metadata = [*(graph.metadata or []), entry]
    write_bytes(path, bytes(flatbuffer_utils.convert_object_to_bytearray(graph)))


def _restore_features(small, whole) -> None:
    """Puts the float32 weights of the features back, which the converter cannot be told to leave alone."""
    floats = {tuple(tensor.shape): tensor for tensor in _features(whole, schema.TensorType.FLOAT32)}
    for tensor in _features(small, schema.TensorType.INT8):
        # The converter names tensors anew each time; their shapes tell them apart.
        tensor.type, tensor.quantization = schema.TensorType.FLOAT32, None
        small.buffers[tensor.buffer].data = whole.buffers[floats[tuple(tensor.shape)].buffer].data


def _features(graph, kind: int) -> list:
    """The weights of the features, of one type."""
    tensors = [tensor for tensor in graph.subgraphs[0].tensors if FEATURES.encode() in tensor.name]
    return [tensor for tensor in tensors if tensor.type == kind and graph.buffers[tensor.buffer].data is not None]
