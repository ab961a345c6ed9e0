"""What the operations of the API share: the model that is served, those who work with it, and the limits."""

import dataclasses

from keras_stt.serve.errors import ApiError
from keras_stt.serve.limits import Limits
from keras_stt.serve.served import Served
from keras_stt.serve.work import Workers


@dataclasses.dataclass(frozen=True)
class Service:
    """A model with all that is needed to answer for it."""

    served: Served
    workers: Workers
    limits: Limits

    def require_model(self, name: str | None) -> None:
        """Raises ApiError for a name other than that of the model; no name means it."""
        if name and name != self.served.name:
            message = f"model {name!r}: not served here; name {self.served.name}, or none"
            raise ApiError(404, message, "model_not_found", "model")
