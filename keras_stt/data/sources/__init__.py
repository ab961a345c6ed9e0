"""The corpora by name. Each is a module with `splits(options)`, imported when it is asked for."""

import difflib
import importlib
from collections.abc import Iterable

from keras_stt.data.records import Record
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.errors import FlagError

SOURCES = {
    "librispeech": "keras_stt.data.sources.librispeech_tfds",
    "librispeech_folder": "keras_stt.data.sources.librispeech_folder",
    "stm": "keras_stt.data.sources.stm",
    "manifest": "keras_stt.data.sources.manifest",
    "synthetic": "keras_stt.data.sources.synthetic",
    "synthetic_tiny": "keras_stt.data.sources.synthetic",
    "synthetic_digits": "keras_stt.data.sources.synthetic",
    "spoken_digit": "keras_stt.data.sources.digits",
    "digits": "keras_stt.data.sources.digits",
}

_OPTIONAL = ("tensorflow", "tensorflow_datasets")  # which users of other backends may do without


def open_corpus(options: CorpusOptions) -> dict[str, Iterable[Record]]:
    """The records of the splits "train", "dev" and "test" of a corpus.

    Raises:
        FlagError: no corpus of that name, its files are not where the options say, or what reads it is not installed.
    """
    name = options.dataset
    if name not in SOURCES:
        close = difflib.get_close_matches(name, SOURCES, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise FlagError("dataset", f"unknown dataset {name!r}; one of {', '.join(SOURCES)}{hint}")
    try:
        return importlib.import_module(SOURCES[name]).splits(options)
    except ModuleNotFoundError as error:
        if error.name not in _OPTIONAL:
            raise
        raise FlagError("dataset", f"{name} needs {error.name}, which is not installed; pip install it") from error
