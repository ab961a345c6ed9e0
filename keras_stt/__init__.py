"""Speech-to-text in Keras 3 on a masked-token objective."""

__version__ = "0.1.0"
