"""Experiments side by side: the same budget and seeds for each, and one table of what they reached."""

from keras_stt.compare.experiments import Experiment, read_experiments
from keras_stt.compare.results import collect
from keras_stt.compare.schedule import Plan, prepare, run_all

__all__ = ["Experiment", "Plan", "collect", "prepare", "read_experiments", "run_all"]
