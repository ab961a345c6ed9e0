"""Training on several devices and in several processes by `tf.distribute`."""

import json
import os

from keras_stt.data.pipeline import tf_dataset
from keras_stt.data.share import Share
from keras_stt.errors import FlagError
from keras_stt.train.distribution.alone import Alone
from keras_stt.train.distribution.job import Job


class OnTensorFlow(Alone):
    """`MirroredStrategy` in one process, `MultiWorkerMirroredStrategy` in several: every device has the model.

    Args:
        job: the processes; all their addresses are needed.
        cpu_devices: virtual devices of the CPU in each process; 0: one.

    Raises:
        FlagError: an address is missing.
    """

    is_shared = True

    def __init__(self, job: Job, cpu_devices: int):
        import tensorflow as tf

        if cpu_devices > 1:
            cpu = tf.config.list_physical_devices("CPU")[0]
            logical = [tf.config.LogicalDeviceConfiguration() for _ in range(cpu_devices)]
            tf.config.set_logical_device_configuration(cpu, logical)
        self.processes, self.process = job.processes, job.process
        if job.processes > 1:
            addresses = job.addresses.split(",")
            if len(addresses) != job.processes:
                raise FlagError("job_addresses", f"{len(addresses)} for {job.processes} processes; give one each")
            task = {"type": "worker", "index": job.process}
            os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
            self._strategy = _workers()
        else:
            devices = [f"CPU:{i}" for i in range(cpu_devices)] if cpu_devices > 1 else None
            self._strategy = tf.distribute.MirroredStrategy(devices)
        self.replicas = self.parts_weight = self._strategy.num_replicas_in_sync

    def making(self):
        return self._strategy.scope()  # which the model remembers

    def data(self, batches, first_step, steps):
        local = self.replicas // self.processes
        shares = [Share(self.process * local + i, self.replicas) for i in range(local)]
        in_turn = _InTurn([batches.shared(share) for share in shares])
        dataset = tf_dataset(in_turn, first_step * local, steps * local)
        return self._strategy.distribute_datasets_from_function(lambda context: dataset)

    def total(self, number):
        import tensorflow as tf

        if self.processes == 1:
            return number
        said = self._strategy.run(lambda: tf.constant(float(number)))
        replicas = self.replicas // self.processes  # each says the same
        return float(self._strategy.reduce(tf.distribute.ReduceOp.SUM, said, axis=None)) / replicas


def _workers():
    """A `MultiWorkerMirroredStrategy` with which Keras 3.15 can train: it has the strategy reduce dicts of arrays, and
    take means of scalars along their first axis.
    """
    import tensorflow as tf

    class Workers(tf.distribute.MultiWorkerMirroredStrategy):
        def reduce(self, reduce_op, value, axis=None):
            def reduced(part):
                scalar = isinstance(part, tf.Tensor) and part.shape.rank == 0
                return super(Workers, self).reduce(reduce_op, part, axis=None if scalar else axis)

            return tf.nest.map_structure(reduced, value)

    return Workers()


class _InTurn:
    """The batches of several devices one after the other: those of a step, then those of the next.

    Every device takes the losses of its own samples, and `tf.distribute` the mean of those: a third part has weights.
    """

    def __init__(self, parts: list):
        self.parts = parts

    @property
    def has_one_shape(self) -> bool:
        return getattr(self.parts[0], "has_one_shape", False)

    def __getitem__(self, item: int):
        step, part = divmod(item, len(self.parts))
        batch, weights = self.parts[part][step], self.parts[part].share_weights(step)
        return batch if weights is None else (*batch, weights)
