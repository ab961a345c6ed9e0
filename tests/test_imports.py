"""Imports go one way, TensorFlow stays where it is needed, and the package is light to import."""

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import keras_stt

PACKAGE = Path(keras_stt.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
# What runs on any backend, by its beginning.
WITHOUT_TENSORFLOW = (
    "keras_stt.layers",
    "keras_stt.models",
    "keras_stt.losses",
    "keras_stt.unigram",
    "keras_stt.objective_check",
    "keras_stt.diagnosis",
    "keras_stt.masking",
    "keras_stt.decoding",
    "keras_stt.tokens",
    "keras_stt.transcribe",
    "keras_stt.live",
    "keras_stt.recognizer",
    "keras_stt.features",
    "keras_stt.evidence",
)


def module_name(path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path) -> set[str]:
    """All that a file imports, within functions too: `a.b` and `a.b.c` for `from a.b import c`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


IMPORTS = {module_name(path): imports(path) for path in FILES}


def below(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def assert_never(importers, *packages):
    wrong = {
        module: sorted(name for name in names if below(name, *packages))
        for module, names in IMPORTS.items()
        if below(module, *importers) and any(below(name, *packages) for name in names)
    }
    assert not wrong


def test_layers_to_recognizer_import_no_tensorflow():
    assert_never(WITHOUT_TENSORFLOW, "tensorflow", "tensorflow_datasets", "tensorflow_io", "jax", "torch")


def test_layers_know_no_models_data_or_training():
    others = ("models", "data", "train", "decoding", "recognizer", "transcribe", "report", "export")
    assert_never(["keras_stt.layers"], *(f"keras_stt.{name}" for name in others))


def test_models_are_made_of_layers_alone():
    allowed = ("keras_stt.layers", "keras_stt.features", "keras_stt.text", "keras_stt.errors", "keras_stt.models")
    for module, names in IMPORTS.items():
        if below(module, "keras_stt.models"):
            ours = {name for name in names if below(name, "keras_stt") and name != "keras_stt"}
            assert {name for name in ours if not below(name, *allowed)} == set(), module


def test_data_knows_no_model_and_no_training():
    others = ("train", "models", "layers", "recognizer", "transcribe", "decoding", "report", "export")
    assert_never(["keras_stt.data"], *(f"keras_stt.{name}" for name in others))


def test_command_lines_and_training_are_imported_by_nobody_else():
    for module, names in IMPORTS.items():
        if not below(module, "keras_stt.cli"):
            assert not {name for name in names if below(name, "keras_stt.cli", "train_main")}, module
        if not below(module, "keras_stt.cli", "keras_stt.train"):
            assert not {name for name in names if below(name, "keras_stt.train")}, module


def test_what_compares_runs_knows_them_from_outside():
    assert_never(["keras_stt.compare"], "keras_stt.train", "keras_stt.models", "keras_stt.layers", "keras_stt.data")
    assert_never(["keras_stt.report"], "keras_stt.train", "keras_stt.models", "keras_stt.data", "keras_stt.compare")


def test_scoring_knows_transcripts_alone():
    others = ("models", "layers", "data", "train", "recognizer", "transcribe", "report", "export", "decoding")
    assert_never(["keras_stt.scoring"], *(f"keras_stt.{name}" for name in others), "keras", "tensorflow")


def test_what_a_report_shows_is_read_without_a_model():
    files = ("example", "folder", "choose")
    models = ("keras", "keras_stt.models", "keras_stt.layers", "keras_stt.transcribe")
    assert_never([f"keras_stt.evidence.{name}" for name in files], *models)
    assert_never(["keras_stt.evidence"], "keras_stt.train", "keras_stt.data", "keras_stt.report", "keras_stt.export")


def test_live_hears_with_any_model_and_shows_nothing():
    others = ("models", "layers", "data", "train", "recognizer", "report", "export", "cli")
    assert_never(["keras_stt.live"], *(f"keras_stt.{name}" for name in others), "keras", "sounddevice")


def test_decoding_knows_no_models_and_no_recordings():
    others = ("models", "layers", "data", "train", "recognizer", "transcribe", "report", "export", "cli")
    assert_never(["keras_stt.decoding", "keras_stt.tokens"], *(f"keras_stt.{name}" for name in others), "keras")


def test_the_doctor_asks_as_users_do():
    others = ("train", "models", "layers", "decoding", "transcribe", "export", "report", "compare", "bulk")
    assert_never(["keras_stt.doctor"], *(f"keras_stt.{name}" for name in others))


def test_what_serves_a_model_knows_it_from_outside():
    others = ("train", "models", "layers", "data", "report", "export", "compare", "bulk")
    assert_never(["keras_stt.serve"], *(f"keras_stt.{name}" for name in others), "keras", "tensorflow", "jax", "torch")


def test_no_file_is_a_drawer_for_everything():
    assert not [path for path in FILES if path.stem in ("utils", "util", "helpers", "misc", "common")]


def loaded_modules(program, **environment) -> set[str]:
    result = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return set(result.stdout.split())


def test_the_package_is_light_to_import():
    program = "import keras_stt, keras_stt.text, keras_stt.wer, keras_stt.formats.ctm, keras_stt.scoring.significance"
    heavy = {"keras", "tensorflow", "jax", "torch", "librosa", "tensorflow_datasets"}
    assert not loaded_modules(program) & heavy


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_transcription_without_tensorflow(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: pip install keras_stt[{backend}]")
    program = (
        "import keras_stt.recognizer, keras_stt.losses, keras_stt.masking, keras_stt.layers, keras_stt.data.batches\n"
        "import numpy as np; from keras_stt.text import Vocabulary\n"
        "size = dict(text_context=4, audio_context=32, model_dim=16, blocks=1, attention_heads=2)\n"
        "model = keras_stt.Recognizer(Vocabulary(['A', 'B']).to_list(), **size)\n"
        "model.transcribe(np.zeros(16_000, np.float32), 16_000)\n"
        "from keras_stt.recognizer import UtteranceRecognizer; from keras_stt.tokens import CharacterTokens\n"
        "tokens, size = CharacterTokens('AB'), dict(model_dim=16, audio_blocks=2, attention_heads=2)\n"
        "model = UtteranceRecognizer(tokens.to_config(), tokens.size, **size)\n"
        "model.transcribe(np.zeros(16_000, np.float32), 16_000)"
    )
    loaded = loaded_modules(program, KERAS_BACKEND=backend)
    assert backend in loaded
    assert "tensorflow" not in loaded
