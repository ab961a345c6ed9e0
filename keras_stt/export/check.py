"""Whether an artefact says what its model says, in its own runtime and a process without this package."""

import json
import math
import time
from pathlib import Path

import keras

from keras_stt.export.artefact import METADATA, REPORT, ExportError
from keras_stt.export.check_utterance import check_utterance
from keras_stt.export.check_window import check_window
from keras_stt.export.references import Recording, made_recordings, reference_windows, require_texts
from keras_stt.formats.lines import write_text
from keras_stt.recognizer import load_model


def check_export(model_path, out_dir, recordings: list[Recording] | None = None) -> dict:
    """Runs model and artefact on the same recordings and compares what they say.

    The model gets the features of `features.log_mel`; the artefact gets waveforms, with noise after the shorter ones
    that it must not hear. So the features, the graph and the padding are all compared.

    Args:
        model_path: what the artefact was made from.
        out_dir: what `export_model` wrote. The report is written into it as `export_report.json`, whatever the
            outcome, with `null` for what is not finite; an artefact that failed stays there with it.
        recordings: to compare on; None takes some that are made here.

    Returns:
        The report, as plain values; see `check_window` and `check_utterance`.

    Raises:
        InputError: the model cannot be loaded, or there are weights of eight bits and no recording has a text.
        ExportError: the artefact cannot be run, or does not say what its model says.
    """
    started, out_dir = time.monotonic(), Path(out_dir)
    try:
        metadata = json.loads((out_dir / METADATA).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExportError(f"{out_dir}: the artefact cannot be run (no whole {METADATA}); export it again") from error
    if len(metadata.get("files", ())) > 1 and recordings:
        require_texts(recordings)
    # On the CPU, as the artefact: accelerators round matrix products to ten bits or so.
    with keras.device("cpu"):
        model = load_model(model_path)
        if metadata["view"] == "window":
            samples = [one.samples for one in recordings or []] or reference_windows(metadata["window_seconds"])
            report, faults = check_window(model, out_dir, samples)
        else:
            report, faults = check_utterance(model, out_dir, metadata, recordings or made_recordings())
    report = {"format": metadata["format"], **report, "seconds": round(time.monotonic() - started, 1)}
    write_text(out_dir / REPORT, json.dumps(_finite(report), indent=1, ensure_ascii=False, allow_nan=False))
    if faults:
        raise ExportError(f"{out_dir}: not the same as its model: {', '.join(faults)}; see {REPORT} in it")
    return report


def _finite(value):
    """The same plain values with None for what is infinite or no number, neither of which JSON knows."""
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
