"""A trained model as an artefact that runs without this package, and the proof that it says the same."""

from keras_stt.export.check import check_saved_model, reference_windows
from keras_stt.export.saved_model import ExportError, export_saved_model

__all__ = ["ExportError", "check_saved_model", "export_saved_model", "reference_windows"]
