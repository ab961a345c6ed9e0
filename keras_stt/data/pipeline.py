"""Batches to `model.fit`: a stream that prepares the next steps while the model trains."""

import concurrent.futures

import keras

PREFETCH_STEPS = 4


def training_data(batches, first_step: int, steps: int):
    """What `model.fit` takes, on any backend: `batches[first_step]`, `batches[first_step + 1]`, ... for `steps` steps.

    To be given to `fit` with `steps_per_epoch` and `shuffle=False`: epochs then go on where the one before ended.

    Returns:
        A `tf.data.Dataset` under TensorFlow; elsewhere a `StepDataset`, which imports no TensorFlow.
    """
    if keras.backend.backend() == "tensorflow":
        return tf_dataset(batches, first_step, steps)
    return StepDataset(batches, first_step, steps)


class StepDataset(keras.utils.PyDataset):
    """Item `i` is `batches[first_step + i]`. One thread prepares the next `PREFETCH_STEPS` while the model trains.

    Keras's own workers are not used: it stops them between epochs, after which they begin again at the first item.
    """

    def __init__(self, batches, first_step: int, steps: int):
        super().__init__(workers=1)
        self.batches, self.first_step, self.steps = batches, first_step, steps
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "batches")
        self._coming = {}
        self._next = 0

    @property
    def num_batches(self) -> int:
        return self.steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, item: int):
        """The arrays of a step.

        Raises:
            IndexError: there is no such item.
            ValueError: items are asked for in another order than theirs; from the first they may be asked for again.
        """
        if not 0 <= item < self.steps:
            raise IndexError(f"item {item} of {self.steps} training steps")
        if item not in (0, self._next):
            raise ValueError(f"step {item} was asked for after step {self._next - 1}: give fit shuffle=False")
        self._next = item + 1
        wanted = range(item, min(item + 1 + PREFETCH_STEPS, self.steps))
        for gone in self._coming.keys() - set(wanted):
            self._coming.pop(gone).cancel()
        for i in wanted:
            if i not in self._coming:
                self._coming[i] = self._thread.submit(self.batches.__getitem__, self.first_step + i)
        return self._coming.pop(item).result()


def for_short_epoch(data):
    """The same for a `fit` whose first epoch a callback ends early, which Keras 3.15 takes for a mistake where it wraps
    a `PyDataset` itself.
    """
    if not isinstance(data, StepDataset):
        return data
    from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter  # has no public name

    class Steps(PyDatasetAdapter):
        def on_epoch_begin(self):
            self._within_epoch = False
            super().on_epoch_begin()

    return Steps(data)


def tf_dataset(batches, first_step: int, steps: int):
    """A `tf.data.Dataset` of `batches[first_step]`, `batches[first_step + 1]`, ... for `steps` steps.

    Each element is a pure function of its step, so skipping to any step is free and the order is the same however
    many threads prepare it. Memory holds `PREFETCH_STEPS` batches, whatever the corpus's size.
    """
    import tensorflow as tf  # here alone: array users train without it

    example = batches[first_step]
    flat = tf.nest.flatten(example)
    one_shape = getattr(batches, "has_one_shape", False)

    def read(step):
        arrays = tf.numpy_function(lambda at: tf.nest.flatten(batches[int(at)]), [step], [a.dtype for a in flat])
        for array, like in zip(arrays, flat, strict=True):
            # Batch and time vary from step to step, what follows does not: (B, T, F), (B, U, 2), (B, U), (B,).
            array.set_shape(like.shape if one_shape else [None, None, *like.shape[2:]][: like.ndim])
        return tf.nest.pack_sequence_as(example, arrays)

    dataset = tf.data.Dataset.range(first_step, first_step + steps)
    return dataset.map(read, num_parallel_calls=2, deterministic=True).prefetch(PREFETCH_STEPS)
