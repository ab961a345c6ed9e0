"""An artefact in its own runtime, in a fresh process that has neither Keras nor this package."""

import os
import subprocess
import sys
import tempfile

import numpy as np

from keras_stt.export import reader
from keras_stt.export.artefact import ExportError

LARGEST_DIFFERENCE = 1e-4  # between two logits: float32 in another order of operations, and no more


def run_artefact(format: str, path, calls: list[tuple[str, dict]], timed: list[int] = ()) -> dict[str, np.ndarray]:
    """What the artefact gives.

    Args:
        path: the artefact itself.
        calls: a signature and its inputs each.
        timed: numbers of the calls that are made once more, under the clock.

    Returns:
        By number and name, `0.token_ids`; also `vocabulary`, `runtime` and `seconds`, as `export.reader` writes them.

    Raises:
        ExportError: it cannot be run.
    """
    arrays = {f"{i}.{signature}.{name}": v for i, (signature, inputs) in enumerate(calls) for name, v in inputs.items()}
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = os.path.join(folder, "inputs.npz"), os.path.join(folder, "outputs.npz")
        np.savez(inputs, timed=np.array(timed, int), **arrays)
        # -P: the script's own folder is not searched for modules.
        command = [sys.executable, "-P", reader.__file__, format, os.fspath(path), inputs, outputs]
        child = subprocess.run(command, env=environment, capture_output=True, text=True)
        if child.returncode:
            last_line = (child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
            raise ExportError(f"{path}: the artefact cannot be run ({last_line}); export it again")
        with np.load(outputs) as arrays:
            return dict(arrays)


def padded_batch(samples: list[np.ndarray], seed: int = 1) -> dict[str, np.ndarray]:
    """`waveform` and `waveform_lengths` of recordings, with noise after the shorter ones that must not be heard."""
    lengths = np.array([len(one) for one in samples], np.int32)
    waveform = np.random.default_rng(seed).standard_normal((len(samples), max(1, *lengths))).astype(np.float32)
    for row, one in zip(waveform, samples, strict=True):
        row[: len(one)] = one
    return {"waveform": waveform, "waveform_lengths": lengths}


def largest_difference(actual: np.ndarray, expected: np.ndarray) -> float:
    """Infinite where the shapes differ or a value is no number."""
    if actual.shape != expected.shape:
        return float("inf")
    difference = float(np.abs(actual - expected).max(initial=0.0))
    return difference if np.isfinite(difference) else float("inf")


def differences(report: dict) -> list[str]:
    """What is wrong with an artefact, in words; nothing where it says what its model says."""
    faults = []
    if report["largest_logit_difference"] > LARGEST_DIFFERENCE:
        faults.append(f"logits differ by {report['largest_logit_difference']:.1e} (at most {LARGEST_DIFFERENCE:.0e})")
    if not report["texts_equal"]:
        faults.append("texts differ")
    if not report["vocabulary_equal"]:
        faults.append("vocabularies differ")
    return faults
