"""Speech-to-text in Keras 3 on a masked-token objective."""

__version__ = "0.1.0"
__all__ = ["InputError", "Recognizer", "Transcript", "load_language_model", "load_model"]

_HOMES = {
    "InputError": "keras_stt.errors",
    "Recognizer": "keras_stt.recognizer",
    "Transcript": "keras_stt.transcribe",
    "load_language_model": "keras_stt.recognizer",
    "load_model": "keras_stt.recognizer",
}


def __getattr__(name):
    # Keras takes seconds to import: `keras-stt --help` and the file formats do without it.
    if name not in _HOMES:
        raise AttributeError(f"module 'keras_stt' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
