"""Log-mel frames to audio steps: what the model hears between two steps, and how."""

import keras
from keras import ops

from keras_stt.layers.lengths import length_mask, pooled_lengths

POOLINGS = ("stack", "conv", "mean", "pick")
CONV_KERNELS = (5, 7)  # frames, and places after the first stride


def split_stride(stride: int) -> tuple[int, int]:
    """The strides of two convolutions in a row that make `stride` together: its smallest factor, then the rest."""
    first = next((factor for factor in range(2, stride + 1) if stride % factor == 0), 1)
    return first, stride // first


@keras.saving.register_keras_serializable("keras_stt")
class AudioPooling(keras.layers.Layer):
    """Every `stride` frames of 10 ms become one audio step of `dim` values.

    Args:
        method: `stack` lays the frames side by side, so that nothing is lost; `conv` hears them through two strided
            convolutions, which do not care where within a step a sound begins; `mean` averages them; `pick` takes the
            first and drops the rest, as the diary did.
        stride: frames in a step (6 for 60 ms).
        dim: width of a step.

    Call: values `(B, T, F)`, zero where padded, and lengths `(B,)` in frames, to
        `(B, ceil(T / stride), dim)` and lengths `(B,)` in steps.
    """

    def __init__(self, method: str, stride: int, dim: int, **kwargs):
        super().__init__(**kwargs)
        if method not in POOLINGS:
            raise ValueError(f"audio pooling {method!r}: expected one of {', '.join(POOLINGS)}")
        self.method, self.stride, self.dim = method, stride, dim
        if method == "conv":
            self.hidden = self._convolution(0, max(1, dim // 2), "hidden")
            self.project = self._convolution(1, dim, "project")
        else:
            self.hidden = None
            self.project = keras.layers.Dense(dim, name="project", dtype=self.dtype_policy)

    def _convolution(self, number, filters, name):
        stride = split_stride(self.stride)[number]
        kernel = max(CONV_KERNELS[number], stride)
        return keras.layers.Conv1D(
            filters, kernel, stride, padding="valid", activation="relu", name=name, dtype=self.dtype_policy
        )

    def build(self, values_shape, lengths_shape=None):
        batch, _, bands = values_shape
        width = bands * self.stride if self.method == "stack" else bands
        if self.hidden is not None:
            self.hidden.build((batch, None, width))
            width = self.hidden.filters
        self.project.build((batch, None, width))

    def call(self, values, lengths):
        batch, frames, bands = ops.shape(values)
        steps = (frames + self.stride - 1) // self.stride
        step_lengths = pooled_lengths(lengths, self.stride)
        values = ops.pad(values, [[0, 0], [0, steps * self.stride - frames], [0, 0]])
        values = ops.reshape(values, (batch, steps * self.stride, bands))  # exporters forget `bands` in a dynamic pad
        if self.method == "conv":
            first, rest = split_stride(self.stride)
            hidden = self._convolve(self.hidden, values)
            # The next convolution sees neighbours: a padded one must look like the zeros beyond the edge.
            valid = length_mask(pooled_lengths(lengths, first), steps * rest)
            hidden = hidden * ops.expand_dims(ops.cast(valid, hidden.dtype), -1)
            return self._convolve(self.project, hidden), step_lengths
        grouped = ops.reshape(values, (batch, steps, self.stride, bands))
        if self.method == "mean":
            return self.project(ops.mean(grouped, axis=2)), step_lengths
        if self.method == "pick":
            return self.project(grouped[:, :, 0]), step_lengths
        return self.project(ops.reshape(grouped, (batch, steps, self.stride * bands))), step_lengths

    def _convolve(self, convolution, values):
        """With as many zeros around as keep one output for each stride, whatever the length."""
        around = convolution.kernel_size[0] - convolution.strides[0]
        return convolution(ops.pad(values, [[0, 0], [around // 2, around - around // 2], [0, 0]]))

    def compute_output_spec(self, values, lengths):
        batch, frames, _ = values.shape
        steps = None if frames is None else -(-frames // self.stride)
        return (
            keras.KerasTensor((batch, steps, self.dim), dtype=self.compute_dtype),
            keras.KerasTensor((batch,), dtype="int32"),
        )

    def get_config(self):
        return {**super().get_config(), "method": self.method, "stride": self.stride, "dim": self.dim}
