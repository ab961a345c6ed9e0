"""Functional Keras models, one file each."""
