"""OpenVINO's intermediate representation, for Intel's processors: an .xml file and the weights beside it."""

import json
import tempfile
from pathlib import Path

import openvino
from openvino import opset13

from keras_stt.export.int8 import FEATURES, LEAST_VALUES, quantized
from keras_stt.export.saved_model import write_for_converter
from keras_stt.export.utterance_graph import utterance_function


def write(model, passes: int, path: Path) -> None:
    """Writes the graph; the JSON list `vocabulary`, by id, is in its runtime information under `keras_stt`."""
    with tempfile.TemporaryDirectory() as folder:
        write_for_converter(utterance_function(model, passes), Path(folder))
        graph = openvino.convert_model(folder)
    graph.set_rt_info(json.dumps(["", *model.token_set.pieces]), ["keras_stt", "vocabulary"])
    graph.set_rt_info(str(passes), ["keras_stt", "passes"])
    openvino.save_model(graph, path, compress_to_fp16=False)


def write_int8(model, passes: int, whole: Path, path: Path) -> None:
    """Keeps the weights of matrix products, convolutions and embeddings in eight bits; the arithmetic is float32."""
    graph = openvino.Core().read_model(whole)
    for node in graph.get_ordered_ops():
        kind = node.get_type_name()
        if kind in ("MatMul", "Convolution", "Gather") and FEATURES not in node.get_friendly_name():
            number = 0 if kind == "Gather" else 1
            weights = node.input_value(number).get_node()
            if weights.get_type_name() == "Constant" and weights.get_element_type() == openvino.Type.f32:
                _shrink(node.input(number), weights.data, _output_axis(node, kind))
    openvino.save_model(graph, path, compress_to_fp16=False)


def signatures(path: Path) -> dict[str, dict[str, list[str]]]:
    graph = openvino.Core().read_model(path)
    inputs, outputs = ([port.get_any_name() for port in ports] for ports in (graph.inputs, graph.outputs))
    return {"serve": {"inputs": inputs, "outputs": outputs}}


def _output_axis(node, kind: str) -> int:
    transposed = kind == "MatMul" and not node.get_attributes()["transpose_b"]
    return -1 if transposed else 0


def _shrink(place, values, axis: int) -> None:
    if values.size < LEAST_VALUES or values.ndim < 2:
        return
    bits, scale = quantized(values, axis)
    # Of these three OpenVINO knows that they are weights, and does not fold them into floats again.
    floats = opset13.convert(opset13.constant(bits), "f32")
    place.replace_source_output(opset13.multiply(floats, opset13.constant(scale)).output(0))
