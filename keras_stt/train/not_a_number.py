"""A loss that is no number: noticed at once, with the batch that showed it."""

import io
import math
from pathlib import Path

import keras
import numpy as np

from keras_stt.formats.lines import write_bytes
from keras_stt.train.checkpoints.progress import Progress


class NotANumber(Exception):
    """Training has come to a loss or weights that are no numbers.

    Attributes:
        step: counted from 0, the one whose batch was trained on last.
    """

    def __init__(self, step: int, reason: str):
        super().__init__(f"step {step}: {reason}")
        self.step = step


class LossIsANumber(keras.callbacks.Callback):
    """Raises NotANumber at the end of the first step after which the loss is none; comes before checkpoints."""

    def __init__(self, progress: Progress, steps_per_epoch: int):
        super().__init__()
        self.progress, self.steps_per_epoch = progress, steps_per_epoch

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss", 0.0)  # the mean of the epoch, which one such step spoils for good
        if not math.isfinite(loss):
            raise NotANumber(self.progress.at(self.steps_per_epoch), f"the loss is {loss}")


def keep_batch(batches, step: int, folder) -> Path:
    """Writes what was trained on at `step` to a file in `folder` for study, and returns its path.

    An `.npz` with the arrays `inputs/NAME` and `targets/NAME`, and `utterances`, the ids of what is in it.
    """
    inputs, targets = batches[step]
    arrays = {f"inputs/{name}": value for name, value in inputs.items()}
    arrays |= {f"targets/{name}": value for name, value in targets.items()}
    path = Path(folder) / f"step-{step:09d}.npz"
    content = io.BytesIO()
    np.savez_compressed(content, utterances=np.array(batches.utterance_ids(step)), **arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, content.getvalue())
    return path
