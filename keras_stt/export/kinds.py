"""The formats by name: what each writes, and what must be installed for it."""

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Protocol

from keras_stt.errors import InputError

FORMATS = ("saved_model", "onnx", "litert", "openvino")
PACKAGES = {  # that write the artefact, and its own runtime
    "saved_model": ("tensorflow",),
    "onnx": ("tensorflow", "tf2onnx", "onnx", "onnxruntime"),
    "litert": ("tensorflow", "ai_edge_litert"),
    "openvino": ("tensorflow", "openvino"),
}
FILES = {  # in the folder of the artefact: the whole one, and the one with weights of eight bits
    "saved_model": (".", "int8"),
    "onnx": ("model.onnx", "model.int8.onnx"),
    "litert": ("model.tflite", "model.int8.tflite"),
    "openvino": ("model.xml", "model.int8.xml"),
}


class Format(Protocol):
    """The functions of the module that bears a format's name."""

    def write(self, model, passes: int, path: Path) -> None:
        """Writes an utterance model in float32, its vocabulary inside."""

    def write_int8(self, model, passes: int, whole: Path, path: Path) -> None:
        """Writes it again with weights of eight bits; `whole` is what `write` wrote."""

    def signatures(self, path: Path) -> dict[str, dict[str, list[str]]]:
        """Names of the `inputs` and `outputs` of each signature of a written artefact; a nameless one is `serve`."""


def format_of(name: str) -> ModuleType:
    """The module of a format, imported when it is asked for."""
    return importlib.import_module(f"keras_stt.export.{name}")


def require_format(name: str) -> None:
    """Raises InputError where there is no such format, or what it needs is not installed."""
    if name not in FORMATS:
        raise InputError(f"format {name!r}: give one of {', '.join(FORMATS)}")
    missing = [package for package in PACKAGES[name] if importlib.util.find_spec(package) is None]
    if missing:
        raise InputError(f"format {name}: {', '.join(missing)} not installed; pip install 'keras_stt[export]'")
