"""A run that was in a folder before another begins there: it is put by whole, so that no folder is of two runs."""

import itertools
import os
from pathlib import Path

from keras_stt.errors import write_error

# Without skipped.csv, which is the new run's by then.
LEFT = (
    *("model.keras", "summary.json", "history.csv", "results.jsonl", "train_words.csv", "utterances", "report.html"),
    *("flags.cfg", "checkpoint", "logs", "export", "not_a_number"),
)
TRAINED = ("model.keras", "summary.json", "checkpoint")  # one of these is there if anything was learned


def put_by(output: Path) -> Path | None:
    """Moves what an earlier run left into the first free of `earlier-1`, `earlier-2`, ... in the same folder.

    Returns:
        That folder; None where nothing had been learned.

    Raises:
        OutputError: it cannot be moved.
    """
    if not any((output / name).exists() for name in TRAINED):
        return None
    numbers = itertools.count(1)
    earlier = next(path for path in (output / f"earlier-{number}" for number in numbers) if not path.exists())
    try:
        earlier.mkdir()
        for name in LEFT:
            if (output / name).exists():
                os.rename(output / name, earlier / name)
    except OSError as error:
        raise write_error(earlier, error) from error
    return earlier
