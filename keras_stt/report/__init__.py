"""The report of a run: one HTML file that needs nothing beside it."""

from keras_stt.report.html import UtteranceResult, write_report

__all__ = ["UtteranceResult", "write_report"]
