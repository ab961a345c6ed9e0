"""ONNX, for onnxruntime and all that reads its format, by tf2onnx."""

import json
import logging
from pathlib import Path

import onnx
import tensorflow as tf
import tf2onnx
from onnx import helper, numpy_helper

from keras_stt.export.int8 import FEATURES, LEAST_VALUES, quantized
from keras_stt.export.utterance_graph import INPUTS, utterance_function, with_pieces

OPSET = 18


def write(model, passes: int, path: Path) -> None:
    """Writes the graph with the strings of the tokens; `vocabulary` among its metadata is a JSON list by id."""
    vocabulary = ["", *model.token_set.pieces]
    signature = list(INPUTS.values())
    recognize = tf.function(with_pieces(utterance_function(model, passes), vocabulary), input_signature=signature)
    graph, _ = tf2onnx.convert.from_function(recognize, input_signature=signature, opset=OPSET)
    helper.set_model_props(graph, {"vocabulary": json.dumps(vocabulary), "passes": str(passes)})
    onnx.checker.check_model(graph)
    onnx.save_model(graph, path)


def write_int8(model, passes: int, whole: Path, path: Path) -> None:
    """Matrix products in eight bits, by onnxruntime's dynamic quantisation, which also makes them faster.

    Convolutions in eight bits are slower there than in float32: of them the weights alone are small.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    graph = onnx.load_model(whole)
    keep = [node.name for node in graph.graph.node if FEATURES in node.name]
    logging.disable(logging.WARNING)  # it advises shape inference, which Conv and MatMul of known weights do not need
    try:
        quantize_dynamic(
            whole,
            path,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=keep,
        )
    finally:
        logging.disable(logging.NOTSET)
    graph = onnx.load_model(path)
    _shrink_convolutions(graph.graph)
    onnx.checker.check_model(graph)
    onnx.save_model(graph, path)


def signatures(path: Path) -> dict[str, dict[str, list[str]]]:
    graph = onnx.load_model(path).graph
    inputs, outputs = ([value.name for value in values] for values in (graph.input, graph.output))
    return {"serve": {"inputs": inputs, "outputs": outputs}}


def _shrink_convolutions(graph) -> None:
    """Keeps the weights of convolutions in eight bits, and makes them float32 when the graph is run."""
    # Passes of the refiner share theirs.
    names = {node.input[1] for node in graph.node if node.op_type == "Conv" and FEATURES not in node.name}
    for tensor in [tensor for tensor in graph.initializer if tensor.name in names]:
        values, name = numpy_helper.to_array(tensor), tensor.name
        if values.size < LEAST_VALUES:
            continue
        bits, scale = quantized(values, axis=0)
        for part, array in (("bits", bits), ("scale", scale.ravel())):
            graph.initializer.append(numpy_helper.from_array(array, f"{name}_{part}"))
        graph.node.insert(0, helper.make_node("DequantizeLinear", [f"{name}_bits", f"{name}_scale"], [name], axis=0))
        graph.initializer.remove(tensor)
