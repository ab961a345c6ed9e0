"""What a run leaves in its folder."""

import csv
import io
import json
import math
import os
import re
import tempfile
from pathlib import Path

from keras_stt.errors import FlagError, OutputError, write_error
from keras_stt.formats.lines import write_text
from keras_stt.report.results import write_results
from keras_stt.report.run import HISTORY, RESULTS, SUMMARY, TRAIN_WORDS, write_word_counts


def output_folder(name: str) -> Path:
    """The folder, made where it is missing.

    Raises:
        FlagError: there can be no such folder.
        OutputError: nothing can be written there.
    """
    output = Path(name)
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=output) as probe:
            probe.write(b"0")
            probe.flush()
    except OSError as error:
        if isinstance(write_error(output, error), OutputError):
            raise write_error(output, error) from error
        raise FlagError("output_dir", f"{output} cannot be written ({error.strerror}); name another folder") from error
    return output


def with_steps_per_epoch(flags: str, steps: int) -> str:
    """The flagfile with the steps that a budget allowed in place of the budget, so that it gives the run again."""
    kept = re.sub(r"^--(steps_per_epoch|budget_cpu_s)=.*\n", "", flags, flags=re.MULTILINE)
    return f"{kept}--steps_per_epoch={steps}\n"


def write_json(path: Path, values: dict) -> None:
    """Plain values, whole or not at all; `null` for what is no number, which JSON does not know."""
    write_text(path, json.dumps(_known(values), indent=1, allow_nan=False) + "\n")


def _known(value):
    if isinstance(value, dict):
        return {name: _known(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_known(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


_REACHED = ("dev_wer", "test_wer", "test_wer_interval", "lead")  # what the model's file tells of the run


def write_outputs(
    output: Path, flags: str, model, summary: dict, history: list[dict], results: list, train_words: dict[str, int]
) -> None:
    """The model with what it reached in it, and all that the report is made of.

    Args:
        flags: a flagfile that gives the run again.
        results: of the test utterances.
        train_words: how often each word is said in train.
    """
    reached = {name: summary[name] for name in _REACHED if name in summary}
    kept = _untrained_twin(model)
    kept.training_record = {"flags": flags, "versions": summary["versions"], **reached}
    temporary = output / ".model.keras"
    kept.save(temporary)
    os.replace(temporary, output / "model.keras")
    write_text(output / HISTORY, _as_csv(history))
    write_results(output / RESULTS, results)
    write_word_counts(output / TRAIN_WORDS, train_words)
    write_json(output / SUMMARY, summary)


def _untrained_twin(model):
    """The same model without optimizer and losses: a third of the size, and any backend reads it by Keras alone."""
    twin = type(model).from_config(model.get_config())
    twin.set_weights(model.get_weights())
    return twin


def _as_csv(history: list[dict]) -> str:
    text = io.StringIO()
    columns = dict.fromkeys(name for row in history for name in row)  # a resumed run may measure more than before
    writer = csv.DictWriter(text, list(columns), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue()
