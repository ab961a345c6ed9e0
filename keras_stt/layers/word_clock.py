"""A clock that counts words along the audio, so that text slot `u` knows where the word number `u` is heard."""

import math

import keras
from keras import ops

from keras_stt.layers.lengths import length_mask


@keras.saving.register_keras_serializable("keras_stt")
class WordClock(keras.layers.Layer):
    """Attention bias that grows with the distance between a slot's number and the words counted so far.

    Each audio step says how much of a word passes in it; the running sum is the time in words. Slot `u` prefers the
    steps at which that clock shows `u + 1/2`. Attention alone has to learn to count over the whole window; a sum
    counts by itself. The integration is that of CIF (Dong and Xu, 2020), used as a bias in place of pooling.

    Args:
        slots: text slots, U.
        heads: attention heads; each learns how strictly it follows the clock.
        words_per_step: what an untrained clock shows for every step.

    Call: audio `(B, T, F)` and lengths `(B,)` in steps to a bias `(B, heads, U, T)`, float32.
    """

    def __init__(self, slots: int, heads: int, words_per_step: float = 0.15, **kwargs):
        super().__init__(**kwargs)
        self.slots, self.heads, self.words_per_step = slots, heads, words_per_step
        offset = math.log(words_per_step / (1 - words_per_step))
        self.rate = keras.layers.Dense(
            1,
            activation="sigmoid",
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
            bias_initializer=keras.initializers.Constant(offset),
            name="rate",
            dtype="float32",
        )

    def build(self, audio_shape, lengths_shape=None):
        self.rate.build(audio_shape)
        self.strictness = self.add_weight(
            name="strictness",
            shape=(self.heads,),
            initializer=keras.initializers.Constant(1.0),
            dtype="float32",
            autocast=False,  # the clock is in float32 under mixed precision too
        )

    def call(self, audio, lengths):
        valid = ops.cast(length_mask(lengths, ops.shape(audio)[1]), "float32")
        rate = self.rate(audio)[..., 0] * valid
        clock = ops.cumsum(rate, axis=1) - 0.5 * rate
        slots = ops.cumsum(ops.ones((self.slots,), dtype="float32")) - 0.5
        distance = ops.square(clock[:, None, None, :] - slots[None, None, :, None])
        # Beyond three or four words all places are equally far: a lost slot still gets a gradient.
        return -ops.softplus(self.strictness)[None, :, None, None] * 4.0 * ops.minimum(distance, 12.0)

    def compute_output_spec(self, audio, lengths):
        return keras.KerasTensor((audio.shape[0], self.heads, self.slots, audio.shape[1]), dtype="float32")

    def get_config(self):
        config = {"slots": self.slots, "heads": self.heads, "words_per_step": self.words_per_step}
        return {**super().get_config(), **config}
