"""Whether an exported artefact says what its model says, on reference windows and in a process without this package."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

from keras_stt.audio import SAMPLE_RATE
from keras_stt.decoding.refine import Decoded, refine
from keras_stt.export import reader
from keras_stt.export.saved_model import ExportError
from keras_stt.features import log_mel
from keras_stt.formats.lines import write_text
from keras_stt.recognizer import Recognizer, load_model
from keras_stt.text import Vocabulary

REPORT = "export_report.json"
LARGEST_DIFFERENCE = 1e-4  # between two logits: float32 in another order of operations, and no more


def reference_windows(window_seconds: float, seed: int = 0) -> list[np.ndarray]:
    """Waveforms to compare on: noise in syllables, a voice-like tone, a short one, silence, and one over-long.

    Returns:
        float32 `(N,)` each, 16 kHz.
    """
    rng = np.random.default_rng(seed)
    seconds = [window_seconds, 0.6 * window_seconds, 0.25, 0.4 * window_seconds, 1.2 * window_seconds]
    times = [np.arange(round(duration * SAMPLE_RATE)) / SAMPLE_RATE for duration in seconds]
    loudness = [np.sin(np.pi * 3 * time) ** 2 for time in times]  # three syllables a second
    noises = [rng.standard_normal(len(time)) for time in times]
    tone = sum(np.sin(2 * np.pi * 140 * k * times[1]) / k for k in range(1, 20))
    windows = [
        0.1 * loudness[0] * noises[0],
        0.2 * loudness[1] * tone,  # digital silence between the syllables
        0.05 * noises[2],
        0.0 * noises[3],
        0.1 * loudness[4] * noises[4],
    ]
    return [window.astype(np.float32) for window in windows]


def check_saved_model(model_path, out_dir, samples: list[np.ndarray]) -> dict:
    """Compares the artefact with its model on waveforms: each alone, all in one batch, and with words given.

    The model gets the features of `features.log_mel` in whole windows; the artefact gets waveforms, with noise after
    the shorter ones that it must not hear. So the features, the graph and the padding are all compared.

    Args:
        model_path: what the artefact was made from.
        out_dir: the artefact. The report is written into it as `export_report.json`, whatever the outcome.
        samples: float32 `(N,)` each, 16 kHz, of any lengths from one frame (160 samples) on.

    Returns:
        The report: `largest_logit_difference`, `largest_attention_difference`, `texts_equal`, `texts`, `windows`,
        `tolerance` and `seconds`.

    Raises:
        InputError: the model cannot be loaded.
        ExportError: the artefact cannot be run, differs by more than 1e-4 in a logit, or says another text.
    """
    started = time.monotonic()
    # On the CPU, as the artefact: accelerators round matrix products to ten bits or so.
    with keras.device("cpu:0"):
        model = load_model(model_path)
        batches = _batches(model, samples)
        expected = [_decode(model, batch) for batch in batches]
    outputs = _run_artefact(out_dir, batches)
    logits, attention = 0.0, 0.0
    for i, (tokens, decoded) in enumerate(expected):
        logits = max(logits, _difference(outputs[f"tokens_{i}"], tokens))
        heard = outputs[f"attention_{i}"]
        attention = max(attention, _difference(heard, decoded.attention[..., : heard.shape[-1]]))
    texts = _texts(model.vocabulary, expected[len(samples)][1].token_ids)
    report = {
        "largest_logit_difference": logits,
        "largest_attention_difference": attention,
        "texts_equal": texts == [" ".join(filter(None, row)) for row in outputs[f"words_{len(samples)}"].tolist()],
        "vocabulary_equal": outputs["vocabulary"].tolist() == model.vocabulary,
        "tolerance": LARGEST_DIFFERENCE,
        "windows": len(samples),
        "texts": texts,
        "seconds": round(time.monotonic() - started, 1),
    }
    write_text(Path(out_dir) / REPORT, json.dumps(report, indent=1, ensure_ascii=False))
    _require_equal(report, out_dir)
    return report


def _batches(model: Recognizer, samples: list[np.ndarray]) -> list[dict]:
    """The artefact's inputs: each waveform alone, all of them, and all of them with every other word given."""
    batches = [_batch(model, [one]) for one in samples] + [_batch(model, samples), _batch(model, samples)]
    given = batches[-1]["token_ids"][:, 1::2]
    given[...] = np.random.default_rng(0).integers(Vocabulary.sil_id, len(model.vocabulary), given.shape)
    return batches


def _batch(model: Recognizer, samples: list[np.ndarray]) -> dict:
    lengths = np.array([len(one) for one in samples], np.int32)
    waveform = np.random.default_rng(1).standard_normal((len(samples), lengths.max())).astype(np.float32)
    for row, one in zip(waveform, samples, strict=True):
        row[: len(one)] = one
    token_ids = np.full((len(samples), model.text_context), Vocabulary.mask_id, np.int32)
    return {"waveform": waveform, "waveform_lengths": lengths, "token_ids": token_ids}


def _decode(model: Recognizer, batch: dict) -> tuple[np.ndarray, Decoded]:
    """The model's own logits of a batch, and what it says."""
    size = len(batch["waveform"])
    inputs = {
        "features": np.zeros((size, model.audio_frames, model.mel_bands), np.float32),
        "feature_lengths": np.zeros(size, np.int32),
        "token_ids": batch["token_ids"],
    }
    for row, (waveform, length) in enumerate(zip(batch["waveform"], batch["waveform_lengths"], strict=True)):
        frames = log_mel(waveform[:length], model.mel_bands)[: model.audio_frames]
        inputs["features"][row, : len(frames)] = frames
        inputs["feature_lengths"][row] = len(frames)
    outputs = model(inputs, training=False)
    outputs = {name: keras.ops.convert_to_numpy(value) for name, value in outputs.items()}
    return outputs["tokens"], refine(lambda _: outputs, inputs, Vocabulary.from_list(model.vocabulary))


def _run_artefact(out_dir, batches: list[dict]) -> dict[str, np.ndarray]:
    """What the artefact gives for the batches, in a fresh process; keys as `export.reader` names them."""
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = os.path.join(folder, "inputs.npz"), os.path.join(folder, "outputs.npz")
        np.savez(inputs, **{f"{name}_{i}": value for i, batch in enumerate(batches) for name, value in batch.items()})
        # -P: the script's own folder is not searched for modules.
        command = [sys.executable, "-P", reader.__file__, os.fspath(out_dir), inputs, outputs]
        child = subprocess.run(command, env=environment, capture_output=True, text=True)
        if child.returncode:
            last_line = (child.stderr.strip().splitlines() or ["no message"])[-1]
            raise ExportError(f"{out_dir}: the artefact cannot be run ({last_line}); export it again")
        with np.load(outputs) as arrays:
            return dict(arrays)


def _difference(actual: np.ndarray, expected: np.ndarray) -> float:
    """The largest; infinite where the shapes differ or a value is no number."""
    if actual.shape != expected.shape:
        return float("inf")
    difference = float(np.abs(actual - expected).max(initial=0.0))
    return difference if np.isfinite(difference) else float("inf")


def _texts(vocabulary: list[str], token_ids: np.ndarray) -> list[str]:
    spoken = ~np.isin(token_ids, Vocabulary.fill_ids)
    return [" ".join(vocabulary[index] for index in row[kept]) for row, kept in zip(token_ids, spoken, strict=True)]


def _require_equal(report: dict, out_dir) -> None:
    faults = []
    if report["largest_logit_difference"] > LARGEST_DIFFERENCE:
        faults.append(f"logits differ by {report['largest_logit_difference']:.1e} (at most {LARGEST_DIFFERENCE:.0e})")
    if not report["texts_equal"]:
        faults.append("texts differ")
    if not report["vocabulary_equal"]:
        faults.append("vocabularies differ")
    if faults:
        raise ExportError(f"{out_dir}: not the same as its model: {', '.join(faults)}; see {REPORT} in it")
