"""A model over HTTP: the API that OpenAI's clients speak, and a page to try it by hand.

`create_app` makes an ASGI application of a model; `keras-stt serve` runs it.
"""

from keras_stt.serve.app import create_app
from keras_stt.serve.limits import Limits
from keras_stt.serve.served import Served

__all__ = ["Limits", "Served", "create_app"]
