"""Language models by name or path."""

import functools
import os

from keras_stt.decoding.language_model import WordNgrams
from keras_stt.errors import InputError
from keras_stt.pretrained import language_model_names, language_model_path


def load_language_model(path) -> WordNgrams:
    """Loads word n-grams that come with the package, or that `keras-stt ngrams` wrote.

    Args:
        path: a name of `keras_stt.pretrained`, such as `librispeech-words`, or an `.npz` file.

    Raises:
        InputError: there are none, or the file is damaged.
    """
    found = language_model_path(os.fspath(path))
    if found is None and not os.path.exists(path):
        names = ", ".join(language_model_names())
        raise InputError(
            f"{path}: no such language model; give an .npz that `keras-stt ngrams` wrote, or a name: {names}"
        )
    return _loaded(os.fspath(found or path), os.stat(found or path).st_mtime_ns)


@functools.lru_cache(2)
def _loaded(path: str, changed: int) -> WordNgrams:
    """A recording after the other asks for the same."""
    return WordNgrams.load(path)
