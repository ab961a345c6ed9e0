"""Whether the artefact of an utterance model says what the model says: logits, texts, errors and speed."""

import math
import time
from pathlib import Path

import keras
import numpy as np

from keras_stt.audio import SAMPLE_RATE
from keras_stt.decoding.ctc import greedy
from keras_stt.export.artefact import size_in_bytes
from keras_stt.export.expected import Said, expected, greedy_token_ids
from keras_stt.export.references import Recording, batches
from keras_stt.export.run import LARGEST_DIFFERENCE, differences, largest_difference, padded_batch, run_artefact
from keras_stt.layers.ctc_head import BLANK_ID
from keras_stt.tokens import WORD_START
from keras_stt.wer import wer

LARGEST_INT8_COST = 0.05  # of word error rate, where texts are known


def check_utterance(model, out_dir: Path, metadata: dict, recordings: list[Recording]) -> tuple[dict, list[str]]:
    """Compares recordings in batches: see `references.batches`.

    The reference is what the model drafts and refines, decoded greedily as the artefact does. `model.transcribe` says
    more: of draft, refinement and their mean what both find likeliest; its word error rate is told too.

    Weights of eight bits hear the same batches. Their logits and texts may differ; shapes, the blanks behind a row and
    the vocabulary may not, nor may they cost more than `LARGEST_INT8_COST`.

    Returns:
        A report: figures of the float32 artefact, of `model`, and of `int8` where there is one; and what is wrong.
    """
    asked = batches([one.samples for one in recordings])
    passes = metadata["passes"]
    rows = [[expected(model, samples, passes) for samples in batch] for batch in asked]
    format, alone = metadata["format"], slice(len(recordings))
    whole, *small = (out_dir / name for name in metadata["files"])
    figures = _figures(model, format, whole, asked, rows, recordings)
    report = {
        "tolerance": LARGEST_DIFFERENCE,
        "recordings": len(recordings),
        "audio_seconds": round(sum(len(one.samples) for one in recordings) / SAMPLE_RATE, 1),
        "longest_seconds": round(max(len(row) for batch in asked for row in batch) / SAMPLE_RATE, 1),
        **figures,
        "model": _of_model(model, passes, [row[0] for row in rows[alone]], recordings),
    }
    faults = differences(report)
    for file in small:
        figures = report["int8"] = _figures(model, format, file, asked, rows, recordings)
        if "wer" in figures:
            figures["wer_cost"] = round(figures["wer"] - report["wer"], 4)
        faults += _int8_faults(figures)
    return report, faults


def _int8_faults(figures: dict) -> list[str]:
    faults = []
    if not math.isfinite(figures["largest_logit_difference"]):
        faults.append("int8 has other steps, no blank behind a row or a logit that is no number")
    if not figures["vocabulary_equal"]:
        faults.append("int8 has another vocabulary")
    if figures.get("wer_cost", 0) > LARGEST_INT8_COST:
        faults.append(f"int8 costs {figures['wer_cost']:.1%} of words (at most {LARGEST_INT8_COST:.0%})")
    return faults


def _figures(model, format: str, file: Path, asked, rows: list[list[Said]], recordings: list[Recording]) -> dict:
    calls = [("serve", padded_batch(batch)) for batch in asked]
    outputs = run_artefact(format, file, calls, timed=list(range(len(recordings))))
    difference, equal, ties = 0.0, outputs["vocabulary"].tolist() == ["", *model.token_set.pieces], 0
    texts_equal = True
    for i, batch in enumerate(rows):
        for row, said in enumerate(batch):
            heard = {name.partition(".")[2]: v[row] for name, v in outputs.items() if name.startswith(f"{i}.")}
            difference = max(difference, _difference(heard, said))
            for name in said.logits:
                token_ids = _token_ids(model, heard, name, "refined" in said.logits)
                same = token_ids == said.token_ids(name)
                tie = token_ids is not None and not same and said.has_tie(name)
                ties += tie
                texts_equal &= same or tie
    texts = [model.token_set.decode(outputs[f"{i}.token_ids"][0]) for i in range(len(recordings))]
    seconds = sum(len(one.samples) for one in recordings) / SAMPLE_RATE
    return {
        "runtime": " ".join(outputs["runtime"]),
        "largest_logit_difference": difference,
        "texts_equal": texts_equal,
        "texts_with_ties": ties,
        "vocabulary_equal": equal,
        "bytes": size_in_bytes(file),
        "audio_seconds_per_cpu_second": round(seconds / max(float(outputs["seconds"]), 1e-9), 1),
        **_error_rates(texts, recordings),
        "texts": texts,
    }


def _difference(heard: dict, said: Said) -> float:
    """The largest between logits, infinite where there are more steps, or one past the last is no sure blank."""
    steps, largest = len(said.decided), 0.0
    if int(heard["steps"]) != steps:
        return float("inf")
    for name, logits in said.logits.items():
        actual, compared = heard[f"{name}_logits"], said.decided if name != "draft" else slice(None)
        if (actual[steps:].argmax(axis=-1) != BLANK_ID).any():
            return float("inf")
        largest = max(largest, largest_difference(actual[:steps][compared], logits[compared]))
    return largest


def _token_ids(model, heard: dict, name: str, refines: bool) -> list[int] | None:
    """The tokens that the artefact says, None where its own logits say others, or its strings, where it has some."""
    if not 0 <= int(heard["steps"]) <= len(heard[f"{name}_logits"]):
        return None
    prefix = "draft_" if name == "draft" and refines else ""
    written = heard[f"{prefix}token_ids"].tolist()
    token_ids = greedy(heard[f"{name}_logits"][None], heard["steps"][None])[0].token_ids.tolist()
    texts = {_joined(heard[key]) for key in (f"{prefix}text", f"{prefix}pieces") if key in heard}
    padded = token_ids + [0] * (len(written) - len(token_ids))
    return token_ids if written == padded and texts <= {model.token_set.decode(token_ids)} else None


def _joined(text: np.ndarray) -> str:
    """A text, or the text of pieces."""
    return " ".join("".join(text.ravel().tolist()).replace(WORD_START, " ").split())


def _error_rates(texts: list[str], recordings: list[Recording]) -> dict:
    """`wer`, where any text is known."""
    known = [(one.text, text) for one, text in zip(recordings, texts, strict=True) if one.text is not None]
    return {"wer": round(wer(*zip(*known, strict=True)), 4)} if known else {}


def _of_model(model, passes: int, said: list[Said], recordings: list[Recording]) -> dict:
    """Figures of the model itself, from waveform to tokens as for the artefact, and of its own transcripts."""
    name = "refined" if passes else "draft"
    figures = _error_rates([model.token_set.decode(one.token_ids(name)) for one in said], recordings)
    started = time.process_time()
    for one in recordings:
        greedy_token_ids(model, one.samples, passes)
    seconds = max(time.process_time() - started, 1e-9)
    if figures:
        transcripts = [model.transcribe(one.samples, SAMPLE_RATE, passes=passes).text for one in recordings]
        figures["wer_of_transcribe"] = _error_rates(transcripts, recordings)["wer"]
    audio = sum(len(one.samples) for one in recordings) / SAMPLE_RATE
    return {"backend": keras.backend.backend(), **figures, "audio_seconds_per_cpu_second": round(audio / seconds, 1)}
