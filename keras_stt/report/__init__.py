"""The report of a run: one HTML file that needs nothing beside it."""

from keras_stt.report.html import write_report
from keras_stt.report.results import UtteranceResult
from keras_stt.report.run import write_run_report

__all__ = ["UtteranceResult", "write_report", "write_run_report"]
