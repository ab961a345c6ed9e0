"""Backends agree: on logits, losses, gradients and steps of training, and on what a model says that another saved."""

import importlib.util
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tone_manifest import write_tone_manifest

from keras_stt.audio import SAMPLE_RATE
from keras_stt.data.synthetic_speech.recording import record
from keras_stt.data.synthetic_speech.speakers import speakers

PROGRAM = Path(__file__).parent / "parity_program.py"
BACKENDS = [name for name in ("tensorflow", "jax", "torch") if importlib.util.find_spec(name)]
FIRST, OTHERS = BACKENDS[0], BACKENDS[1:]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not OTHERS, reason="one backend is installed: pip install keras_stt[jax,torch]"),
]


def run(verb: str, folder: Path, backend: str) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), verb, str(folder), backend],
        env={**os.environ, "KERAS_BACKEND": backend},
        cwd=PROGRAM.parent.parent,
        capture_output=True,
        text=True,
        timeout=1800,  # seconds
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where every backend has learned from the same corpus, from the same weights."""
    folder = tmp_path_factory.mktemp("parity")
    write_tone_manifest(folder)
    spoken = record("the king of england was not a man of many words", speakers("test")[0], "parity")
    soundfile.write(folder / "speech.wav", spoken.samples, SAMPLE_RATE)
    for backend in BACKENDS:
        run("learn", folder, backend)
    return folder


@pytest.fixture(scope="module")
def learned(folder) -> dict[str, dict[str, np.ndarray]]:
    return {backend: dict(np.load(folder / f"{backend}.npz")) for backend in BACKENDS}


def names(learned, kind: str) -> list[str]:
    """Of all that is of this kind, in both views."""
    found = [name for name in learned[FIRST] if f": {kind} " in name]
    assert {name.partition(":")[0] for name in found} == {"window", "utterance"}
    return found


def test_a_batch_is_the_same(learned):
    for backend, name in itertools.product(OTHERS, names(learned, "input")):
        np.testing.assert_array_equal(learned[backend][name], learned[FIRST][name], err_msg=f"{name} by {backend}")


def test_logits_agree(learned):
    for backend, name in itertools.product(OTHERS, names(learned, "logits")):
        expected = learned[FIRST][name]
        np.testing.assert_allclose(learned[backend][name], expected, rtol=0, atol=1e-4, err_msg=f"{name} by {backend}")


def test_every_loss_of_training_agrees(learned):
    losses = names(learned, "loss")
    heads = ("draft", "middle", "refined", "phones", "tokens", "attention")
    assert {f"{head}_loss" for head in heads} <= {name.split()[2] for name in losses}
    for backend, name in itertools.product(OTHERS, losses):
        expected = learned[FIRST][name]
        np.testing.assert_allclose(learned[backend][name], expected, rtol=1e-3, err_msg=f"{name} by {backend}")


def test_the_gradient_of_every_weight_agrees(learned):
    for backend, name in itertools.product(OTHERS, names(learned, "gradient")):
        expected, found = learned[FIRST][name], learned[backend][name]
        largest = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3 * largest, err_msg=f"{name} by {backend}")


def test_weights_agree_after_steps_of_training(learned):
    """Where there is a gradient to speak of: Adam makes whole steps of the rounding errors that are elsewhere."""
    for backend, name in itertools.product(OTHERS, names(learned, "gradient")):
        gradient = np.abs(learned[FIRST][name])
        asked = gradient > 1e-3 * gradient.max()
        expected, found = (learned[one][name.replace("gradient", "weight")][asked] for one in (FIRST, backend))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4, err_msg=f"{name} by {backend}")


def test_a_model_that_one_saved_says_the_same_in_the_others(folder):
    for backend in BACKENDS:
        run("hear", folder, backend)
    heard = {backend: json.loads((folder / f"{backend}.json").read_text()) for backend in BACKENDS}
    first = heard[FIRST]
    assert len(first) == len(BACKENDS) * 5  # two views, and three ways of asking the shipped model
    assert all(said["text"] for said in first.values())
    for backend, name in itertools.product(OTHERS, first):
        said = heard[backend][name]
        assert said["text"] == first[name]["text"], f"{name} by {backend}"
        np.testing.assert_allclose(said["confidences"], first[name]["confidences"], atol=1e-3, err_msg=name)
    for backend, way in itertools.product(OTHERS, ("draft", "refined", "searched")):  # shipped, saved anew by each
        assert first[f"{backend}.shipped.keras {way}"] == first[f"{FIRST}.shipped.keras {way}"]
