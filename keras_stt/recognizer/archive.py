"""What a `.keras` file of ours holds, read without Keras and without running anything of it.

Keras's own loader builds whatever classes the file names, and its `safe_mode` has been got round several times
(CVE-2025-1550, 8747, 9905, 9906, 12058, 2026-1462). So the file chooses nothing here: it says which of our two classes
it is of, and gives plain values for the arguments of its constructor.
"""

import dataclasses
import io
import os
import stat

from keras_stt.archives import open_archive, read_member
from keras_stt.recognizer.model_config import ModelConfig, read_config
from keras_stt.recognizer.weights_file import check_weights

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_MOST_BYTES = {METADATA: 1 << 16, CONFIG: 8 << 20}  # 200,000 words take 3 MB


class WeightsInMemory(io.BytesIO):
    """A weights file that `load_weights` reads from memory: Keras looks how the name ends, then reads the bytes."""

    def __str__(self):
        return WEIGHTS


@dataclasses.dataclass(frozen=True)
class ModelArchive:
    """Of which class a model is, the arguments of its constructor, and its weights: all from one opened file."""

    config: ModelConfig
    weights: WeightsInMemory


def read_model_archive(path) -> ModelArchive:
    """Reads and checks a `.keras` file that Keras saved, of either of our recognisers.

    The members are `metadata.json` (not read), `config.json` and `model.weights.h5`. What a file says of compilation is
    not read. The weights are checked to be plain arrays within the file, and enough of them for the sizes that the
    config asks for.

    Raises:
        NotOurModel: it is of another class.
        ValueError, OSError, zipfile.BadZipFile: it is damaged, or no such file; the message names no file.
    """
    with open(path, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("no regular file")
        with open_archive(file, (METADATA, CONFIG, WEIGHTS)) as archive:
            for name, most in _MOST_BYTES.items():
                if (size := archive.getinfo(name).file_size) > most:
                    raise ValueError(f"{name} of {size:,} bytes; at most {most:,}")
            config = read_config(read_member(archive, CONFIG))
            weights = WeightsInMemory(read_member(archive, WEIGHTS))
    config.require(check_weights(weights))
    weights.seek(0)
    return ModelArchive(config, weights)
