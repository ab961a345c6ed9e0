"""The way of distribution that the flags ask for."""

import keras

from keras_stt.errors import FlagError
from keras_stt.train.distribution.alone import Alone
from keras_stt.train.distribution.job import job_of
from keras_stt.train.options import TrainOptions


def open_distribution(options: TrainOptions) -> Alone:
    """Joins the other processes, if any; before anything is computed.

    Raises:
        FlagError: the backend cannot do it, or the flags make no sense together.
    """
    if options.distribution == "none":
        return Alone()
    job, backend = job_of(options.num_processes, options.process_id, options.job_addresses), keras.backend.backend()
    if backend == "torch":
        raise FlagError("distribution", "Keras has none on torch; set KERAS_BACKEND=jax or tensorflow")
    sharded = options.distribution == "model"
    if backend == "jax":
        from keras_stt.train.distribution.on_jax import OnJax

        shards = options.model_shards if sharded else 1
        return OnJax(job, shards, _layout(options.layout), options.cpu_devices)
    if sharded:
        raise FlagError("distribution", "model: TensorFlow has the whole model on each device; set KERAS_BACKEND=jax")
    from keras_stt.train.distribution.on_tensorflow import OnTensorFlow

    return OnTensorFlow(job, options.cpu_devices)


def _layout(parts: list[str]) -> list[tuple[str, int]]:
    """Pairs of a pattern and an axis, of texts `PATTERN=AXIS`."""
    pairs = []
    for part in parts:
        pattern, _, axis = part.rpartition("=")
        if not pattern or not axis.isdigit():
            raise FlagError("layout", f"{part!r} is not of the form PATTERN=AXIS, such as .*dense.*kernel=1")
        pairs.append((pattern, int(axis)))
    return pairs


def require_equal_shares(batch_multiple: int, distribution: Alone) -> None:
    """Raises FlagError where batches may have sizes that the devices cannot share equally."""
    if batch_multiple % distribution.replicas:
        raise FlagError(
            "batch_multiple",
            f"{distribution.replicas} replicas share a batch, whose size is a multiple of {batch_multiple}; give a "
            f"multiple of {distribution.replicas}, and keep to it when the run goes on with more or fewer",
        )
