"""Recordings to words: with a window model, and with an utterance model."""

from keras_stt.transcribe.transcript import Transcript

__all__ = ["Transcript"]
