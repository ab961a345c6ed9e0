"""Training on several devices and in several processes by `keras.distribution`, on JAX."""

import contextlib

import keras
import numpy as np

from keras_stt.data.pipeline import training_data
from keras_stt.data.share import Share
from keras_stt.errors import FlagError
from keras_stt.train.distribution.alone import Alone
from keras_stt.train.distribution.job import Job

BATCH, MODEL = "batch", "model"  # the axes of the devices


class OnJax(Alone):
    """`DataParallel`: every device has the model; `ModelParallel`: some devices share each copy of it.

    Args:
        job: the processes.
        model_shards: devices that share a copy of the model; 1: none do.
        layout: pairs of a pattern and an axis: variables whose path has the pattern are cut along the axis.
        cpu_devices: virtual devices of the CPU in each process; 0: as JAX has it.

    Raises:
        FlagError: the devices cannot be divided so.
    """

    is_shared = True

    def __init__(self, job: Job, model_shards: int, layout: list[tuple[str, int]], cpu_devices: int):
        import jax

        if cpu_devices:
            jax.config.update("jax_num_cpu_devices", cpu_devices)
        if job.processes > 1:
            keras.distribution.initialize(job.addresses, job.processes, job.process)
        self.processes, self.process = job.processes, job.process
        devices = keras.distribution.list_devices()
        if jax.local_device_count() % model_shards:  # a copy that spans processes would need the same rows in each
            raise FlagError(
                "model_shards",
                f"a process has {jax.local_device_count()} devices, which {model_shards} for each copy do not divide",
            )
        self.replicas = len(devices) // model_shards
        if model_shards == 1:
            self._distribution = keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False)
        else:
            mesh = keras.distribution.DeviceMesh((self.replicas, model_shards), (BATCH, MODEL), devices)
            layouts = keras.distribution.LayoutMap(mesh)
            for pattern, axis in layout:
                layouts[pattern] = (*[None] * axis, MODEL)
            self._distribution = keras.distribution.ModelParallel(
                layout_map=layouts, batch_dim_name=BATCH, auto_shard_dataset=False
            )

    @contextlib.contextmanager
    def making(self):
        try:
            with self._distribution.scope():
                yield
        except ValueError as error:
            if "evenly divide" not in str(error):
                raise
            raise FlagError("layout", f"{' '.join(str(error).split())}; cut along another axis") from error

    def training(self):
        return self._distribution.scope()

    @contextlib.contextmanager
    def aside(self):
        before = keras.distribution.distribution()
        keras.distribution.set_distribution(None)
        try:
            yield
        finally:
            keras.distribution.set_distribution(before)

    def data(self, batches, first_step, steps):
        return training_data(batches.shared(Share(self.process, self.processes)), first_step, steps)

    def total(self, number):
        if self.processes == 1:
            return number
        from jax.experimental import multihost_utils

        return float(np.sum(multihost_utils.process_allgather(np.array(number, np.float32)), dtype=np.float64))

    def end(self):
        if self.processes > 1:
            import jax

            jax.distributed.shutdown()
