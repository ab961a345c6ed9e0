"""Cards of single utterances: to see what was said, heard, hidden and guessed, and to hear each word."""

from keras_stt.report.cards.page import Cards, render

__all__ = ["Cards", "render"]
