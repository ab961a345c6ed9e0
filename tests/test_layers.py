"""Every layer keeps the shared contract, and does what it alone is for."""

import inspect

import keras
import numpy as np
import pytest
from keras import ops
from layer_contract import LayerCase, check_layer

from keras_stt import features, layers
from keras_stt.errors import InputError
from keras_stt.layers.attention import MASKED_SCORE
from keras_stt.layers.blocks import AUDIO_MIXERS

pytestmark = pytest.mark.backend

RNG = np.random.default_rng(5)


def values(*shape):
    return RNG.standard_normal(shape, np.float32)


LENGTHS = np.array([12, 7], np.int32)
CASES = {
    "log_mel": LayerCase(layers.LogMel, {"mel_bands": 20}, {"waveform": 0.1 * values(2, 1700)}),
    "feature_normalization": LayerCase(
        layers.FeatureNormalization,
        {"epsilon": 1e-2},
        {"values": values(2, 12, 5), "lengths": LENGTHS},
        timed=("values",),
        padded="values",
        lengths="lengths",
    ),
    "feed_forward": LayerCase(
        layers.FeedForward, {"dim": 8, "expansion": 2, "dropout": 0.0}, {"values": values(2, 12, 8)}, timed=("values",)
    ),
    "multi_head_attention": LayerCase(
        layers.MultiHeadAttention,
        {"dim": 8, "heads": 2, "dropout": 0.0, "activation": "tanh", "position": "relative", "relative_window": 3},
        {"queries": values(2, 3, 8), "memory": values(2, 12, 8)},
        timed=("queries", "memory"),
    ),
    "uniform_attention": LayerCase(
        layers.UniformAttention,
        {"slots": 3, "stride": 5},
        {"frames": values(2, 12, 8), "lengths": LENGTHS},
        timed=("frames",),
        padded="frames",
        lengths="lengths",
    ),
    "word_clock": LayerCase(
        layers.WordClock,
        {"slots": 3, "heads": 2, "words_per_step": 0.2},
        {"audio": values(2, 12, 8), "lengths": LENGTHS},
        timed=("audio",),
        padded="audio",
        lengths="lengths",
    ),
    "cross_domain_block": LayerCase(
        layers.CrossDomainBlock,
        {"dim": 8, "heads": 2, "dropout": 0.0, "residual": True, "normalization": "layer", "steps_per_word": 2.5},
        {"text": values(2, 3, 8), "audio": values(2, 12, 8), "audio_lengths": LENGTHS},
        timed=("text", "audio"),
        padded="audio",
        lengths="audio_lengths",
    ),
} | {
    f"audio_pooling_{method}": LayerCase(
        layers.AudioPooling,
        {"method": method, "stride": 3, "dim": 8},
        {"values": values(2, 14, 5), "lengths": LENGTHS},
        timed=("values",),
        padded="values",
        lengths="lengths",
        zero_padding=True,
    )
    for method in layers.POOLINGS
}
CASES |= {
    f"audio_block_{mixer}": LayerCase(
        layers.AudioBlock,
        {"dim": 8, "heads": 2, "dropout": 0.0, "residual": mixer != "attention", "mixer": mixer, "kernel": 3},
        {"audio": values(2, 12, 8), "audio_lengths": LENGTHS},
        timed=("audio",),
        padded="audio",
        lengths="audio_lengths",
    )
    for mixer in AUDIO_MIXERS
}


@pytest.mark.parametrize("name", CASES)
def test_layer_contract(name, tmp_path):
    check_layer(CASES[name], tmp_path)


def test_every_layer_has_a_case():
    exported = [getattr(layers, name) for name in layers.__all__]
    classes = {one for one in exported if inspect.isclass(one) and issubclass(one, keras.layers.Layer)}
    assert {case.layer_class for case in CASES.values()} == classes


def test_attention_weights_sum_to_one_over_time_and_leave_out_padding():
    layer = layers.MultiHeadAttention(8, 2)
    lengths = np.array([5, 2])
    bias = np.where(np.arange(5) < lengths[:, None], 0.0, MASKED_SCORE)[:, None, None, :].astype(np.float32)
    memory = values(2, 5, 8)
    mixed, weights = layer(values(2, 3, 8), memory, bias=bias)
    weights = ops.convert_to_numpy(weights)
    assert weights.shape == (2, 2, 3, 5)
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0, atol=1e-6)
    assert (weights[1, :, :, 2:] == 0).all()
    assert (weights[0] > 0).all()


def test_attention_of_a_block_sums_to_one_over_the_steps_with_a_clock_too():
    audio, lengths = values(2, 12, 8), LENGTHS
    clock = layers.WordClock(3, 2)(audio, lengths)
    for bias in (None, clock):
        _, _, seen = layers.CrossDomainBlock(8, 2)(values(2, 3, 8), audio, lengths, bias)
        seen = ops.convert_to_numpy(seen)
        assert seen.shape == (2, 3, 12)
        np.testing.assert_allclose(seen.sum(axis=-1), 1.0, atol=1e-6)
        assert (seen[1, :, 7:] == 0).all()


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="3 heads do not divide a width of 8"):
        layers.MultiHeadAttention(8, 3)


def test_a_convolving_block_hears_its_neighbours_and_no_further():
    audio, lengths = values(1, 9, 8), np.array([9], np.int32)
    block = layers.AudioBlock(8, 2, mixer="conv", kernel=3)
    changed = audio.copy()
    changed[:, 4, 0] += 2.0
    moved = np.abs(ops.convert_to_numpy(block(changed, lengths) - block(audio, lengths))[0]).max(axis=-1) > 1e-6
    assert moved.tolist() == [False] * 3 + [True] * 3 + [False] * 3


def test_a_block_without_residual_forgets_its_input():
    """The normalised input of a constant row is zero: with a path around the block the constant still shows."""
    text, audio, lengths = np.full((1, 3, 8), 5.0, np.float32), values(1, 4, 8), np.array([4], np.int32)
    kept = layers.CrossDomainBlock(8, 2, residual=True)(text, audio, lengths)[0]
    replaced = layers.CrossDomainBlock(8, 2, residual=False)(text, audio, lengths)[0]
    assert np.mean(ops.convert_to_numpy(kept)) > 3
    assert abs(np.mean(ops.convert_to_numpy(replaced))) < 3


@pytest.mark.parametrize("kind", layers.NORMALIZATIONS)
def test_normalisation_is_that_of_the_last_axis(kind):
    """Scaled and, with `layer`, moved rows come out the same; a block's weights tell that it follows the choice."""
    rows = values(2, 3, 8)
    normed = ops.convert_to_numpy(layers.normalization_layer(kind)(rows))
    centred = rows - rows.mean(axis=-1, keepdims=True) if kind == "layer" else rows
    scale = 1.0 if kind == "none" else np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(normed, centred / scale, atol=1e-5)
    block = layers.AudioBlock(8, 2, normalization=kind)
    block(values(1, 4, 8), np.array([4], np.int32))
    norms = [weight.path for weight in block.weights if "_norm/" in weight.path]
    assert len(norms) == {"none": 0, "layer": 4, "rms": 2}[kind]


def test_an_activation_acts_on_what_attention_found():
    queries, memory = values(2, 3, 8), values(2, 5, 8)
    plain, relu = layers.MultiHeadAttention(8, 2), layers.MultiHeadAttention(8, 2, activation="relu")
    found, weights = plain(queries, memory)
    relu(queries, memory)
    relu.set_weights(plain.get_weights())
    rectified, same = map(ops.convert_to_numpy, relu(queries, memory))
    found, weights = ops.convert_to_numpy(found), ops.convert_to_numpy(weights)
    assert found.min() < 0
    np.testing.assert_allclose(rectified, np.maximum(found, 0), atol=1e-6)
    np.testing.assert_allclose(same, weights, atol=1e-6)


def test_uniform_attention_is_even_over_valid_steps():
    seen = ops.convert_to_numpy(layers.UniformAttention(3, 5)(values(2, 12, 8), np.array([12, 7], np.int32)))
    expected = np.tile(np.array([[1, 1, 1], [1.5, 1.5, 0]])[:, None] / 3, (1, 3, 1))
    np.testing.assert_allclose(seen, expected, atol=1e-6)


def projected(layer, inputs):
    """What the last dense layer makes of `inputs`."""
    return ops.convert_to_numpy(layer.project(inputs))


def test_stacked_frames_can_all_be_recovered():
    frames = values(2, 12, 4)
    layer = layers.AudioPooling("stack", 6, 6 * 4 + 3)
    steps, lengths = layer(frames, np.array([12, 12]))
    kernel, bias = map(ops.convert_to_numpy, (layer.project.kernel, layer.project.bias))
    recovered = (ops.convert_to_numpy(steps) - bias) @ np.linalg.pinv(kernel)
    np.testing.assert_allclose(recovered.reshape(frames.shape), frames, atol=1e-4)
    assert ops.convert_to_numpy(lengths).tolist() == [2, 2]


def test_picked_frames_are_every_sixth_and_mean_frames_their_mean():
    frames, lengths = values(2, 18, 4), np.array([18, 18])
    pick, mean = layers.AudioPooling("pick", 6, 8), layers.AudioPooling("mean", 6, 8)
    steps = ops.convert_to_numpy(pick(frames, lengths)[0])
    np.testing.assert_allclose(steps, projected(pick, frames[:, ::6]), atol=1e-6)
    steps = ops.convert_to_numpy(mean(frames, lengths)[0])
    np.testing.assert_allclose(steps, projected(mean, frames.reshape(2, 3, 6, 4).mean(axis=2)), atol=1e-6)


def test_convolved_steps_see_the_neighbouring_steps_and_no_further():
    frames = values(1, 30, 4)
    layer = layers.AudioPooling("conv", 6, 8)
    changed = frames.copy()
    changed[:, :6] += 1.0
    difference = layer(changed, np.array([30]))[0] - layer(frames, np.array([30]))[0]
    moved = np.abs(ops.convert_to_numpy(difference)[0]).max(axis=-1) > 1e-6
    assert moved.tolist() == [True, True, False, False, False]


def test_a_last_partly_filled_step_counts():
    steps, lengths = layers.AudioPooling("mean", 6, 8)(values(3, 13, 4), np.array([12, 13, 0]))
    assert steps.shape[1] == 3
    assert ops.convert_to_numpy(lengths).tolist() == [2, 3, 0]


def test_unknown_kinds_are_named():
    with pytest.raises(ValueError, match="audio pooling 'max'.*stack, conv, mean, pick"):
        layers.AudioPooling("max", 6, 8)
    with pytest.raises(ValueError, match="audio mixer 'lstm'.*attention, conv, both"):
        layers.AudioBlock(8, 2, mixer="lstm")
    with pytest.raises(InputError, match="normalization 'batch'.*none, layer, rms"):
        layers.normalization_layer("batch")
    with pytest.raises(InputError, match="attention activation 'rely'.*relu"):
        layers.MultiHeadAttention(8, 2, activation="rely")


def sound(seconds=0.5, noise=0.1):
    time = np.arange(round(seconds * 16_000)) / 16_000
    chirp = 0.3 * np.sin(2 * np.pi * (300 + 2000 * time) * time)
    return (chirp + noise * np.random.default_rng(0).standard_normal(len(time))).astype(np.float32)


def test_log_mel_layer_equals_the_features_that_training_reads():
    samples = sound(noise=0.01)[:-37]  # no whole number of frames; 30 dB between a tone and what is around it
    layer = layers.LogMel()
    frames = ops.convert_to_numpy(layer(samples[None]))[0]
    expected = features.log_mel(samples)
    assert frames.shape == expected.shape == (49, 80)
    np.testing.assert_allclose(frames, expected, atol=1e-4)


def test_log_mel_equals_librosa():
    import librosa

    samples = sound()
    edge = features.EDGE + (features.FFT_LENGTH - features.WINDOW_LENGTH) // 2
    energies = librosa.feature.melspectrogram(
        y=np.pad(samples, edge),
        sr=16_000,
        n_fft=512,
        win_length=400,
        hop_length=160,
        center=False,
        power=2.0,
        n_mels=80,
    )
    expected = np.log(energies.T + features.LOG_FLOOR)
    np.testing.assert_allclose(features.log_mel(samples), expected, atol=1e-4)


def test_log_mel_of_next_to_nothing():
    assert features.log_mel(np.zeros(159, np.float32)).shape == (0, 80)
    np.testing.assert_allclose(features.log_mel(np.zeros(160, np.float32)), np.log(features.LOG_FLOOR), atol=1e-5)


def test_normalised_features_do_not_know_the_gain():
    frames, lengths = features.log_mel(sound())[None], np.array([50])
    normalization = layers.FeatureNormalization()
    expected = ops.convert_to_numpy(normalization(frames, lengths))
    louder = ops.convert_to_numpy(normalization(features.log_mel(2 * sound())[None], lengths))
    through_a_microphone = ops.convert_to_numpy(normalization(frames + np.linspace(-2, 2, 80, dtype="f"), lengths))
    np.testing.assert_allclose(louder, expected, atol=1e-2)  # the floor of the logarithm stays where it is
    np.testing.assert_allclose(through_a_microphone, expected, atol=1e-4)
    np.testing.assert_allclose(expected.mean(axis=1), 0.0, atol=1e-5)
    assert expected.std() == pytest.approx(1.0, abs=1e-3)


def test_normalised_padding_is_zero_and_silence_finite():
    normalization = layers.FeatureNormalization()
    out = ops.convert_to_numpy(normalization(values(2, 6, 4), np.array([4, 0])))
    assert (out[0, 4:] == 0).all()
    assert (out[1] == 0).all()
    silence = ops.convert_to_numpy(normalization(np.full((1, 6, 4), -13.8, np.float32), np.array([6])))
    np.testing.assert_allclose(silence, 0.0, atol=1e-3)


def clock_of_rates(rates, slots):
    """The bias `(heads, slots, T)` of a clock that moves by `rates` words at each step, and what the clock shows."""
    layer = layers.WordClock(slots, 2)
    audio = np.log(rates / (1 - rates))[None, :, None].astype(np.float32)
    layer.build(audio.shape)
    layer.rate.set_weights([np.ones((1, 1)), np.zeros(1)])
    bias = ops.convert_to_numpy(layer(audio, np.array([len(rates)])))[0]
    return bias, np.cumsum(rates) - rates / 2


def test_the_clock_points_every_slot_to_its_word():
    rates = np.random.default_rng(3).uniform(0.05, 0.4, 40)
    bias, clock = clock_of_rates(rates, slots=6)
    for slot in range(6):
        nearest = np.abs(clock - (slot + 0.5)).argmin()
        assert (bias[:, slot].argmax(axis=-1) == nearest).all()
    assert (np.diff(bias.argmax(axis=-1), axis=-1) > 0).all()
    assert (bias <= 0).all()


def test_the_clock_falls_off_on_either_side_and_no_further_than_its_limit():
    bias, clock = clock_of_rates(np.full(40, 0.2), slots=4)
    for slot in range(4):
        best = bias[0, slot].argmax()
        assert (np.diff(bias[0, slot, : best + 1]) >= 0).all()
        assert (np.diff(bias[0, slot, best:]) <= 0).all()
    far = np.abs(clock - 0.5) > 4
    assert far.any()
    assert np.ptp(bias[0, 0, far]) == 0


def test_an_untrained_clock_counts_words_at_its_usual_pace():
    layer = layers.WordClock(4, 1, words_per_step=0.16)
    bias = ops.convert_to_numpy(layer(np.zeros((1, 32, 8), np.float32), np.array([32])))[0, 0]
    assert bias.argmax(axis=-1).tolist() == [3, 9, 15, 21]  # (slot + 1/2) / 0.16 is within these steps
