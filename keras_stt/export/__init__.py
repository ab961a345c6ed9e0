"""A trained model as an artefact that runs without this package, and the proof that it says the same."""

from keras_stt.export.artefact import ExportError
from keras_stt.export.check import check_export
from keras_stt.export.kinds import FORMATS
from keras_stt.export.references import Recording, read_recordings, reference_windows, require_texts
from keras_stt.export.write import export_model

__all__ = [
    "FORMATS",
    "ExportError",
    "Recording",
    "check_export",
    "export_model",
    "read_recordings",
    "reference_windows",
    "require_texts",
]
