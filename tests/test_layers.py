"""Every layer keeps the shared contract, and does what it alone is for."""

import inspect
import itertools

import keras
import numpy as np
import pytest
from keras import ops
from layer_contract import LayerCase, check_layer

from keras_stt import features, layers
from keras_stt.errors import InputError
from keras_stt.layers.attention import MASKED_SCORE, padding_bias
from keras_stt.layers.blocks import AUDIO_MIXERS
from keras_stt.layers.ctc_head import NEVER

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
    "ctc_head": LayerCase(
        layers.CTCHead,
        {"size": 5},
        {"audio": values(2, 12, 8), "lengths": LENGTHS},
        timed=("audio",),
        padded="audio",
        lengths="lengths",
    ),
    "masked_path": LayerCase(
        layers.MaskedPath,
        {"threshold": 0.3, "all_masked": 0.2, "seed": 7},
        {"logits": values(2, 12, 5)},
        timed=("logits",),
    ),
    "embedding": LayerCase(
        layers.Embedding,
        {"input_dim": 5, "output_dim": 4},
        {"inputs": RNG.integers(0, 5, (2, 12), np.int32)},
        timed=("inputs",),
    ),
    "no_audio": LayerCase(
        layers.NoAudio, {"dim": 4}, {"token_ids": RNG.integers(0, 5, (2, 12), np.int32)}, timed=("token_ids",)
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


@pytest.mark.parametrize("kind", layers.POSITIONS)
@pytest.mark.parametrize("training", [False, True])
def test_what_is_mixed_is_what_attention_finds(kind, training):
    """Fused or not: for all positions, given or counted, with dropout too where nothing is trained."""
    layer = layers.MultiHeadAttention(8, 2, 0.0 if training else 0.3, "tanh", kind, 3)
    queries, memory = values(2, 3, 8), values(2, 5, 8)
    layer(queries, memory)
    rng = np.random.default_rng(0)
    for weight in layer.trainable_weights:
        weight.assign(weight + 0.3 * rng.standard_normal(weight.shape))
    valid = np.arange(5) < np.array([[5], [2]])
    padded = np.where(valid[..., None], memory, 50.0).astype(np.float32)
    padding = ops.convert_to_numpy(padding_bias(valid, "float32"))
    places = {"query_places": np.array([0.5, 2.0, 7.5], "f"), "memory_places": np.arange(5, dtype="f")}
    cases = [{}, {"bias": padding, "memory_valid": valid}]
    cases += [{"bias": padding + values(2, 2, 3, 5), "memory_valid": valid, **places}, places]
    for case in cases:
        found = layer(queries, padded, training=training, **case)[0]
        mixed = layer.mix(queries, padded, training=training, **case)
        np.testing.assert_allclose(ops.convert_to_numpy(mixed), ops.convert_to_numpy(found), atol=1e-5)


def test_mixing_drops_weights_in_training():
    layer = layers.MultiHeadAttention(8, 2, 0.5)
    queries, memory = values(2, 3, 8), values(2, 5, 8)
    layer(queries, memory)
    once, again = (ops.convert_to_numpy(layer.mix(queries, memory, training=True)) for _ in range(2))
    assert np.abs(once - again).max() > 1e-3


def test_padded_steps_are_sure_blanks():
    logits = ops.convert_to_numpy(layers.CTCHead(5)(values(2, 12, 8), LENGTHS))
    assert (logits[1, 7:, 0] == 0).all()
    assert (logits[1, 7:, 1:] == NEVER).all()
    assert (logits[0] > NEVER / 2).all()
    assert (ops.convert_to_numpy(ops.softmax(logits))[1, 7:] == [1, 0, 0, 0, 0]).all()


B, T = 400, 24
MASK = 5


def tokens_of_paths(seed=0):
    """Logits whose best paths have blanks, repeats and neighbours, and the paths `(B, T)`."""
    rng = np.random.default_rng(seed)
    path = np.repeat(rng.integers(0, MASK, (B, T // 2)), 2, axis=1)
    return 4 * np.eye(MASK, dtype=np.float32)[path] + rng.uniform(0, 1, (B, T, MASK)).astype(np.float32), path


def runs(path):
    """First step and the one after the last of every token of a path that is no blank."""
    edges = [0, *(np.flatnonzero(np.diff(path)) + 1), len(path)]
    return [(a, b) for a, b in itertools.pairwise(edges) if path[a] != 0]


def test_a_token_is_masked_as_a_whole_and_nothing_else_is_shown():
    logits, path = tokens_of_paths()
    shown = ops.convert_to_numpy(layers.MaskedPath(seed=1)(logits, training=True))
    assert (shown[path == 0] == MASK).all()
    assert ((shown == path) | (shown == MASK)).all()
    for row, said in zip(shown, path, strict=True):
        for first, end in runs(said):
            assert len(set(row[first:end].tolist())) == 1


def test_the_number_of_shown_tokens_is_uniform():
    """Of ten tokens 0 to 10 are shown, all as often; and half of the drafts more are all masked where it is asked."""
    path = np.tile(np.repeat(np.arange(10) % 4 + 1, 2), (4000, 1))
    logits = 4 * np.eye(MASK, dtype=np.float32)[path]
    counts = {}
    for share in (0.0, 0.5):
        layer = layers.MaskedPath(all_masked=share, seed=3)
        shown = ops.convert_to_numpy(layer(logits, training=True))
        counts[share] = np.bincount((shown[:, ::2] != MASK).sum(axis=1), minlength=11) / len(path)
    np.testing.assert_allclose(counts[0.0], 1 / 11, atol=0.02)
    assert counts[0.5][0] == pytest.approx(0.5 + 0.5 / 11, abs=0.03)
    np.testing.assert_allclose(counts[0.5][1:], 0.5 / 11, atol=0.02)
    again = ops.convert_to_numpy(layer(logits, training=True))
    assert (again != shown).any(), "every batch must be masked anew"


def test_without_training_tokens_less_sure_than_the_threshold_are_masked():
    probabilities = np.array([[0.05, 0.95, 0, 0, 0], [0.2, 0, 0.8, 0, 0], [0.9, 0.1, 0, 0, 0], [0.09, 0.91, 0, 0, 0]])
    logits = np.log(probabilities + 1e-9).astype(np.float32)[None]
    assert ops.convert_to_numpy(layers.MaskedPath(0.9)(logits)).tolist() == [[1, MASK, MASK, 1]]
    assert ops.convert_to_numpy(layers.MaskedPath()(logits)).tolist() == [[1, 2, MASK, 1]]


def test_half_precision_does_not_change_the_path():
    """Logits that bfloat16 cannot tell apart: the path must be that of greedy decoding."""
    logits = np.array([[[4.0, 4.001, 4.002, 0, 0]]], np.float32)
    assert ops.convert_to_numpy(layers.MaskedPath(dtype="mixed_bfloat16")(logits)).tolist() == [[2]]


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_no_gradient_passes_a_masked_path():
    inputs = keras.Input((6, 4))
    logits = keras.layers.Dense(MASK, name="before")(inputs)
    shown = layers.MaskedPath(name="path")(logits)
    model = keras.Model(inputs, keras.layers.Embedding(MASK + 1, 3, name="behind")(shown))
    model.compile(keras.optimizers.SGD(1.0), loss="mse")
    before = [[weight.copy() for weight in model.get_layer(name).get_weights()] for name in ("before", "behind")]
    model.train_on_batch(values(2, 6, 4), values(2, 6, 3))
    after = [model.get_layer(name).get_weights() for name in ("before", "behind")]
    assert all(np.array_equal(one, other) for one, other in zip(before[0], after[0], strict=True))
    assert not np.array_equal(before[1][0], after[1][0])


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


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, 1), (0, 50), (1, 2), (7, 50), (48, 50)])
def test_log_mel_of_a_part_is_that_part_of_the_whole(start, stop):
    samples = sound(1.0)[: 50 * 160 + 70]
    part = features.log_mel_between(samples, start, stop)
    np.testing.assert_allclose(part, features.log_mel(samples)[start:stop], atol=1e-5)


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
