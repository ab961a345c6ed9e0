"""Batches to `model.fit`: a tf.data stream that prepares the next steps while the model trains."""

PREFETCH_STEPS = 4


def tf_dataset(batches, first_step: int, steps: int):
    """A `tf.data.Dataset` of `batches[first_step]`, `batches[first_step + 1]`, ... for `steps` steps.

    Each element is a pure function of its step, so skipping to any step is free and the order is the same however
    many threads prepare it. Memory holds `PREFETCH_STEPS` batches, whatever the corpus's size.
    """
    import tensorflow as tf  # here alone: array users train without it

    example = batches[first_step]
    flat = tf.nest.flatten(example)

    def read(step):
        arrays = tf.numpy_function(lambda at: tf.nest.flatten(batches[int(at)]), [step], [a.dtype for a in flat])
        for array, like in zip(arrays, flat, strict=True):
            # Batch and time vary from step to step, what follows does not: (B, T, F), (B, U, 2), (B, U), (B,).
            array.set_shape([None, None, *like.shape[2:]][: like.ndim])
        return tf.nest.pack_sequence_as(example, arrays)

    dataset = tf.data.Dataset.range(first_step, first_step + steps)
    return dataset.map(read, num_parallel_calls=2, deterministic=True).prefetch(PREFETCH_STEPS)
