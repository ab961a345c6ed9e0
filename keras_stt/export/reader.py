"""Runs an artefact as a stranger would: a script that imports its runtime and NumPy, and refuses Keras and keras_stt.

    python reader.py FORMAT ARTEFACT IN.npz OUT.npz

IN.npz has the inputs of every call, `0.serve.waveform`, `0.serve.waveform_lengths` and so on: its number, the signature
and the name. OUT.npz gets what comes back as `0.token_ids` and so on, strings as text; `vocabulary`; `runtime`, its
name and version; and `seconds`, the CPU-seconds that the calls numbered in IN.npz's `timed` take the second time.
"""

import json
import sys
import time
from importlib.metadata import version

import numpy as np

REFUSED = ("keras", "keras_stt", "torch", "jax")


def main(runtime: str, path: str, inputs_path: str, outputs_path: str) -> None:
    """Reads the calls, makes them, and writes what comes out."""
    for name in REFUSED if runtime == "saved_model" else (*REFUSED, "tensorflow"):
        assert name not in sys.modules, f"{name} was imported before the artefact was loaded"
        sys.modules[name] = None  # importing it is an error from here on
    call, vocabulary, package = RUNTIMES[runtime](path)
    arrays = np.load(inputs_path)
    calls: dict[str, dict] = {}
    for key in arrays.files:
        number, _, rest = key.partition(".")
        if rest:
            calls.setdefault(number, {})[rest] = arrays[key]
    outputs = {"vocabulary": np.array(vocabulary, str), "runtime": np.array([package, version(package)])}
    for number, inputs in calls.items():
        outputs |= {f"{number}.{name}": _as_text(value) for name, value in _made(call, inputs).items()}
    started = time.process_time()
    for number in arrays["timed"].tolist():
        _made(call, calls[str(number)])
    outputs["seconds"] = np.array(time.process_time() - started)
    np.savez(outputs_path, **outputs)


def _made(call, inputs: dict) -> dict:
    signature = next(iter(inputs)).partition(".")[0]
    return call(signature, {key.partition(".")[2]: value for key, value in inputs.items()})


def _as_text(values) -> np.ndarray:
    """Bytes of UTF-8 as strings, all else as it is."""
    values = np.asarray(values)
    if values.dtype.kind != "O":
        return values
    texts = [text.decode() if isinstance(text, bytes) else text for text in values.ravel()]
    return np.array(texts, str).reshape(values.shape)


def saved_model(path: str):
    import tensorflow as tf

    signatures = tf.saved_model.load(path).signatures

    def call(signature, inputs):
        # By the name that servers call it, where there is one.
        signature = "serving_default" if signature == "serve" else signature
        outputs = signatures[signature](**{name: tf.constant(value) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}

    (vocabulary,) = signatures["vocabulary"]().values()
    return call, _as_text(vocabulary.numpy()), "tensorflow"


def onnx(path: str):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # more wait for each other by spinning, which counts as CPU-seconds
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    vocabulary = json.loads(session.get_modelmeta().custom_metadata_map["vocabulary"])
    return lambda _, inputs: dict(zip(names, session.run(None, inputs), strict=True)), vocabulary, "onnxruntime"


def litert(path: str):
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter

    with open(path, "rb") as file:
        graph = schema.Model.GetRootAs(file.read())
    entries = [graph.Metadata(i) for i in range(graph.MetadataLength())]
    place = next(entry.Buffer() for entry in entries if entry.Name() == b"vocabulary")
    vocabulary = json.loads(graph.Buffers(place).DataAsNumpy().tobytes())
    run = Interpreter(path).get_signature_runner("serve")
    return lambda _, inputs: run(**inputs), vocabulary, "ai-edge-litert"


def openvino(path: str):
    import openvino as ov

    core = ov.Core()
    model = core.read_model(path)
    vocabulary = json.loads(model.get_rt_info(["keras_stt", "vocabulary"]).value)
    # Without the hint processors that can compute in bfloat16, and logits are off in the second digit.
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})

    def call(_, inputs):
        return {port.get_any_name(): value for port, value in compiled(inputs).items()}

    return call, vocabulary, "openvino"


RUNTIMES = {"saved_model": saved_model, "onnx": onnx, "litert": litert, "openvino": openvino}

if __name__ == "__main__":
    main(*sys.argv[1:])
