"""Log-mel features and their normalisation, as layers: waveform in, frames out, in one exportable graph."""

import keras
from keras import ops

from keras_stt import features
from keras_stt.layers.lengths import length_mask


@keras.saving.register_keras_serializable("keras_stt")
class LogMel(keras.layers.Layer):
    """Waveform `(B, N)` at 16 kHz to log-mel frames `(B, N // 160, mel_bands)`.

    The twin of `keras_stt.features.log_mel` on `keras.ops`: a short-time Fourier transform by convolution, which
    SavedModel, ONNX and LiteRT can all hold.
    """

    def __init__(self, mel_bands: int = features.MEL_BANDS, **kwargs):
        super().__init__(trainable=False, **kwargs)
        self.mel_bands = mel_bands
        self.stft = keras.layers.STFTSpectrogram(
            mode="stft",
            frame_length=features.WINDOW_LENGTH,
            frame_step=features.HOP_LENGTH,
            fft_length=features.FFT_LENGTH,
            window="hann",
            periodic=True,
            scaling=None,
            trainable=False,
            name="stft",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape):
        self.stft.build((*input_shape, 1))
        self.filterbank = self.add_weight(
            name="filterbank",
            shape=(features.FFT_LENGTH // 2 + 1, self.mel_bands),
            initializer=lambda shape, dtype: ops.convert_to_tensor(features.mel_filterbank(shape[1]), dtype),
            trainable=False,
        )

    def call(self, waveform):
        padded = ops.pad(waveform, [[0, 0], [features.EDGE, features.EDGE]])
        spectrum = self.stft(padded[..., None])
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
        mask = ops.cast(length_mask(lengths, ops.shape(values)[1]), values.dtype)[..., None]
        count = ops.maximum(ops.sum(mask, axis=1, keepdims=True), 1.0)
        mean = ops.sum(values * mask, axis=1, keepdims=True) / count
        centred = (values - mean) * mask
        variance = ops.sum(ops.mean(ops.square(centred), axis=2, keepdims=True), axis=1, keepdims=True) / count
        return centred * ops.rsqrt(variance + self.epsilon)

    def compute_output_shape(self, values_shape, lengths_shape=None):
        return values_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
