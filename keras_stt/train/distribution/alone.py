"""One process on one device, and what any other way offers as well."""

import contextlib

from keras_stt.data.pipeline import training_data


class Alone:
    """Attributes:
    processes, process: how many there are, and which this one is.
    devices: that share a batch, of all processes.
    """

    processes, process, devices = 1, 0, 1

    @property
    def is_shared(self) -> bool:
        """Whether the model lies on several devices, or on some of several processes."""
        return self.devices > 1 or self.processes > 1

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

    def any(self, flag: bool) -> bool:
        """Whether any process says so; all must ask."""
        return flag

    def end(self) -> None:
        """Parts from the others; all that they compute together is done."""
