"""One process on one device, and what any other way offers as well."""

import contextlib

from keras_stt.data.pipeline import training_data


class Alone:
    """Attributes:
    processes, process: how many there are, and which this one is.
    replicas: copies of the model, which share each batch: devices of all processes, or groups of them.
    parts_weight: how often the backend counts a step in the means of the parts of a loss.
    is_shared: whether Keras or TensorFlow lays the model out over devices.
    """

    processes, process, replicas, parts_weight, is_shared = 1, 0, 1, 1, False

    def making(self):
        """Within it the model is made."""
        return contextlib.nullcontext()

    def training(self):
        """Within it the model is trained."""
        return contextlib.nullcontext()

    def aside(self):
        """Within it, while the model is trained, others are used on this process's first device alone."""
        return contextlib.nullcontext()

    def data(self, batches, first_step: int, steps: int):
        """What `fit` takes, with this process's rows of each batch."""
        return training_data(batches, first_step, steps)

    def total(self, number: float) -> float:
        """Of what each process gives; all must ask."""
        return number

    def any(self, flag: bool) -> bool:
        """Whether any process says so; all must ask."""
        return self.total(float(flag)) > 0

    def end(self) -> None:
        """Parts from the others; all that they compute together is done."""
