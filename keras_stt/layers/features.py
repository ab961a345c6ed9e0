"""Log-mel features and their normalisation, as layers: waveform in, frames out, in one exportable graph."""

import keras
import numpy as np
from keras import ops

from keras_stt import features
from keras_stt.layers.lengths import length_mask


def fourier_waves() -> np.ndarray:
    """`(WINDOW_LENGTH, 1, 2 * bins)` float32: windowed cosines, then sines, of every frequency of the transform.

    Phases are counted in whole samples and in float64. Those of Keras's STFTSpectrogram are float32 angles of up to a
    thousand radians; the leakage that makes from a loud tone moves the logarithm of faint bands by 5e-3.
    """
    samples, bins = np.arange(features.WINDOW_LENGTH), np.arange(features.FFT_LENGTH // 2 + 1)
    angles = 2 * np.pi / features.FFT_LENGTH * (np.outer(samples, bins) % features.FFT_LENGTH)
    waves = np.concatenate([np.cos(angles), np.sin(angles)], axis=1) * features.hann_window()[:, None]
    return waves[:, None].astype(np.float32)


@keras.saving.register_keras_serializable("keras_stt")
class LogMel(keras.layers.Layer):
    """Waveform `(B, N)` at 16 kHz to log-mel frames `(B, N // 160, mel_bands)`.

    The twin of `keras_stt.features.log_mel` on `keras.ops`: a short-time Fourier transform by convolution, which
    SavedModel, ONNX and LiteRT can all hold.
    """

    def __init__(self, mel_bands: int = features.MEL_BANDS, **kwargs):
        # In float32 under any policy: a waveform in bfloat16 has eight bits left.
        super().__init__(**{**kwargs, "trainable": False, "dtype": "float32"})
        self.mel_bands = mel_bands

    def build(self, input_shape):
        self.waves = self._constant("waves", fourier_waves())
        self.filterbank = self._constant("filterbank", features.mel_filterbank(self.mel_bands))

    def _constant(self, name: str, values: np.ndarray):
        def initializer(shape, dtype):
            return ops.convert_to_tensor(values, dtype)

        return self.add_weight(name=name, shape=values.shape, initializer=initializer, trainable=False)

    def call(self, waveform):
        padded = ops.pad(waveform, [[0, 0], [features.EDGE, features.EDGE]])
        spectrum = ops.conv(
            ops.expand_dims(padded, -1), self.waves, strides=features.HOP_LENGTH, data_format="channels_last"
        )
        real, imaginary = ops.split(spectrum, 2, axis=-1)
        energies = ops.matmul(ops.square(real) + ops.square(imaginary), self.filterbank)
        return ops.log(energies + features.LOG_FLOOR)

    def compute_output_shape(self, input_shape):
        samples = input_shape[1]
        return (input_shape[0], None if samples is None else features.frame_count(samples), self.mel_bands)

    def get_config(self):
        return {**super().get_config(), "mel_bands": self.mel_bands}


@keras.saving.register_keras_serializable("keras_stt")
class FeatureNormalization(keras.layers.Layer):
    """Takes the mean over time out of every band and scales by one deviation per sample, over valid frames only.

    Loudness, microphone and room are constant over a window and vanish; the relief between bands stays, since all
    bands share one deviation. Padding comes out as zeros. Values `(B, T, F)`, lengths `(B,)` in frames.
    """

    def __init__(self, epsilon: float = 1e-3, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, values, lengths):
        mask = ops.expand_dims(ops.cast(length_mask(lengths, ops.shape(values)[1]), values.dtype), -1)
        count = ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0)
        # Digital silence then is zero, and so is its mean. That of many equal values is off in the last digits, by
        # another bit on every backend, and a deviation of zero would blow that up.
        values = values - values[:, :1]
        centred = self._centred(values, mask, count)
        # Once more: where the first frame is unlike the others, as silence before speech, thousands sum to much,
        # and runtimes that add one after the other lose the mean's last digits. What is left sums to little.
        centred = self._centred(centred, mask, count)
        variance = ops.sum(ops.mean(ops.square(centred), axis=2, keepdims=True), axis=1, keepdims=True) / count
        return centred * ops.rsqrt(variance + self.epsilon)

    def _centred(self, values, mask, count):
        return (values - ops.sum(values * mask, axis=1, keepdims=True) / count) * mask

    def compute_output_shape(self, values_shape, lengths_shape=None):
        return values_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
