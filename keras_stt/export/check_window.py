"""Whether the SavedModel of a window model says what the model says."""

import time
from pathlib import Path

import keras
import numpy as np

from keras_stt.audio import SAMPLE_RATE
from keras_stt.decoding.refine import Decoded, refine
from keras_stt.export.artefact import size_in_bytes
from keras_stt.export.references import batches
from keras_stt.export.run import LARGEST_DIFFERENCE, differences, largest_difference, padded_batch, run_artefact
from keras_stt.features import HOP_LENGTH, log_mel
from keras_stt.recognizer import Recognizer
from keras_stt.text import Vocabulary


def check_window(model: Recognizer, out_dir, samples: list[np.ndarray]) -> tuple[dict, list[str]]:
    """Compares waveforms in batches (see `references.batches`), and those of one batch with every other word given.

    Of ten minutes both hear the first window. No word error rate is told: the text of a recording is that of all of
    it, and what of it falls into the first window nobody knows.

    Args:
        samples: float32 `(N,)` each, 16 kHz, of any lengths.

    Returns:
        A report with `largest_logit_difference`, `largest_attention_difference`, `texts_equal`, `texts`, `windows`,
        `longest_seconds`, `tolerance`, `runtime`, `bytes` and `audio_seconds_per_cpu_second` of the waveforms one
        by one, no more than a window of each; that and its backend of `model`; and what is wrong.
    """
    alone = len(samples)
    asked = [_batch(model, batch) for batch in batches(samples)]
    given = _with_words(model, asked[alone])
    expected = [_decode(model, batch) for batch in [*asked, given]]
    heard = [{name: value for name, value in batch.items() if name != "token_ids"} for batch in asked]
    calls = [("serve", batch) for batch in [*asked, given]] + [("transcribe_window", batch) for batch in heard]
    outputs = run_artefact("saved_model", out_dir, calls, timed=list(range(alone)))
    logits, attention = 0.0, 0.0
    for i, (tokens, decoded) in enumerate(expected):
        logits = max(logits, largest_difference(outputs[f"{i}.tokens"], tokens))
        seen = outputs[f"{i}.attention"]
        attention = max(attention, largest_difference(seen, decoded.attention[..., : seen.shape[-1]]))
    texts = [_texts(model, batch, decoded) for batch, (_, decoded) in zip(asked, expected, strict=False)]
    words = [outputs[f"{i}.words"] for i in range(len(expected), len(calls))]
    seconds = sum(min(len(one), model.audio_frames * HOP_LENGTH) for one in samples) / SAMPLE_RATE
    report = {
        "runtime": " ".join(outputs["runtime"]),
        "largest_logit_difference": logits,
        "largest_attention_difference": attention,
        "texts_equal": texts == [[" ".join(filter(None, row)) for row in rows.tolist()] for rows in words],
        "vocabulary_equal": outputs["vocabulary"].tolist() == model.vocabulary,
        "tolerance": LARGEST_DIFFERENCE,
        "windows": alone,
        "longest_seconds": max(batch["waveform"].shape[1] for batch in asked) / SAMPLE_RATE,
        "bytes": size_in_bytes(Path(out_dir)),
        "audio_seconds_per_cpu_second": round(seconds / max(float(outputs["seconds"]), 1e-9), 1),
        "model": _of_model(model, asked[:alone], seconds),
        "texts": [text for batch in texts[:alone] for text in batch],
    }
    return report, differences(report)


def _batch(model: Recognizer, samples: list[np.ndarray]) -> dict:
    token_ids = np.full((len(samples), model.text_context), Vocabulary.mask_id, np.int32)
    return {**padded_batch(samples), "token_ids": token_ids}


def _with_words(model: Recognizer, batch: dict) -> dict:
    """The same batch with every other word given."""
    token_ids = batch["token_ids"].copy()
    given = token_ids[:, 1::2]
    given[...] = np.random.default_rng(0).integers(Vocabulary.sil_id, len(model.vocabulary), given.shape)
    return {**batch, "token_ids": token_ids}


def _decode(model: Recognizer, batch: dict) -> tuple[np.ndarray, Decoded]:
    """The model's own logits of a batch, and what it says."""
    size = len(batch["waveform"])
    inputs = {
        "features": np.zeros((size, model.audio_frames, model.mel_bands), np.float32),
        "feature_lengths": np.zeros(size, np.int32),
        "token_ids": batch["token_ids"],
    }
    for row, (waveform, length) in enumerate(zip(batch["waveform"], batch["waveform_lengths"], strict=True)):
        # The graph hears a frame at least, of silence where there is less, since there is no attention over none.
        waveform = np.pad(waveform[:length], (0, max(0, HOP_LENGTH - length)))
        frames = log_mel(waveform, model.mel_bands)[: model.audio_frames]
        inputs["features"][row, : len(frames)] = frames
        inputs["feature_lengths"][row] = len(frames)
    outputs = model(inputs, training=False)
    outputs = {name: keras.ops.convert_to_numpy(value) for name, value in outputs.items()}
    return outputs["tokens"], refine(lambda _: outputs, inputs, Vocabulary.from_list(model.vocabulary))


def _of_model(model: Recognizer, asked: list[dict], audio_seconds: float) -> dict:
    """The backend and the speed of the model itself, from waveform to words as for the artefact."""
    started = time.process_time()
    for batch in asked:
        _decode(model, batch)
    seconds = max(time.process_time() - started, 1e-9)
    return {
        "backend": keras.backend.backend(),
        "audio_seconds_per_cpu_second": round(audio_seconds / seconds, 1),
    }


def _texts(model: Recognizer, batch: dict, decoded: Decoded) -> list[str]:
    """What is said in each row: nothing in less than a frame."""
    spoken = ~np.isin(decoded.token_ids, Vocabulary.fill_ids) & (batch["waveform_lengths"] >= HOP_LENGTH)[:, None]
    return [
        " ".join(model.vocabulary[index] for index in row[kept])
        for row, kept in zip(decoded.token_ids, spoken, strict=True)
    ]
