"""Every kind of positions against its formula in NumPy and float64, and what moving all places does to it."""

import ast
import math
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from layer_contract import LayerCase, check_layer, move_weights

import keras_stt
from keras_stt.errors import InputError
from keras_stt.layers import CrossDomainBlock, MultiHeadAttention, position_layer, positions, score_layer
from keras_stt.layers.positions import POSITIONS
from keras_stt.layers.positions.places import slot_places

RNG = np.random.default_rng(7)
HEADS, WIDTH, WINDOW, KERNEL = 3, 8, 4, 5
SCORE_KINDS = [kind for kind in POSITIONS if POSITIONS[kind].scores is not positions.DotProductScores]
VALUE_KINDS = [kind for kind in POSITIONS if POSITIONS[kind].values is not positions.NoPosition]
BY_PLACE = ["relative", "rotary", "alibi"]  # these look at the places of queries and keys


def values(*shape):
    return RNG.standard_normal(shape, np.float32)


LENGTHS = np.array([12, 7], np.int32)
VALID = np.arange(12) < LENGTHS[:, None]
VALUE_CASES = {
    "none": (positions.NoPosition, {}),
    "learned": (positions.LearnedPosition, {"max_length": 15}),
    "sinusoidal": (positions.SinusoidalPosition, {}),
    "diagonal": (positions.DiagonalPosition, {}),
    "conv": (positions.ConvolutionalPosition, {"kernel": KERNEL}),
}
SCORE_CASES = {
    "none": (positions.DotProductScores, {}),
    "relative": (positions.RelativeScores, {"window": WINDOW}),
    "relative_conv": (positions.RelativeConvScores, {"window": WINDOW}),
    "rotary": (positions.RotaryScores, {}),
    "alibi": (positions.AlibiScores, {}),
}


@pytest.mark.backend
@pytest.mark.parametrize("kind", VALUE_CASES)
def test_contract_of_value_layers(kind, tmp_path):
    inputs = {"values": values(2, 12, WIDTH), "lengths": LENGTHS}
    case = LayerCase(*VALUE_CASES[kind], inputs, timed=("values",), padded="values", lengths="lengths")
    check_layer(case, tmp_path)


@pytest.mark.backend
@pytest.mark.parametrize("kind", SCORE_CASES)
def test_contract_of_score_layers(kind, tmp_path):
    inputs = {"query": values(2, HEADS, 5, WIDTH), "key": values(2, HEADS, 12, WIDTH), "key_valid": VALID}
    case = LayerCase(*SCORE_CASES[kind], inputs, timed=tuple(inputs), time_axis={"query": 2, "key": 2})
    check_layer(case, tmp_path)


def test_every_kind_is_tested_and_every_layer_is_a_kind():
    tested = {case[0] for case in [*VALUE_CASES.values(), *SCORE_CASES.values()]}
    assert tested == {one for kind in POSITIONS.values() for one in (kind.values, kind.scores)}
    assert {*SCORE_KINDS, *VALUE_KINDS, "none"} == set(POSITIONS)
    assert not set(SCORE_KINDS) & set(VALUE_KINDS)


def test_an_unknown_kind_is_named():
    for make in (position_layer, score_layer):
        with pytest.raises(InputError, match="position 'rotatory'.*none, learned.*alibi"):
            make("rotatory", 8)


# Values.


def added(kind, inputs, lengths=None):
    """What a layer of this kind adds to its inputs, and the layer, whose weights are no longer at their beginning."""
    layer = position_layer(kind, inputs.shape[1])
    layer(inputs, lengths)
    move_weights(layer)
    return ops.convert_to_numpy(layer(inputs, lengths)).astype(np.float64) - inputs, layer


def gelu(x):
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def expected_addition(kind, inputs, layer):
    size, width = inputs.shape[1:]
    table = np.zeros((size, width))
    if kind == "learned":
        table = layer.get_weights()[0].astype(np.float64)
    elif kind == "sinusoidal":
        for place in range(size):
            for i in range(width):
                angle = place / 10_000 ** (2 * (i // 2) / width)
                table[place, i] = math.cos(angle) if i % 2 else math.sin(angle)
    elif kind == "diagonal":
        for place in range(size):
            table[place, place % width] = 1.0
    elif kind == "conv":
        kernel, bias = (weight.astype(np.float64) for weight in layer.get_weights())
        reach = len(kernel) // 2
        padded = np.pad(inputs.astype(np.float64), [(0, 0), (reach, reach), (0, 0)])
        return gelu(sum(padded[:, k : k + size] * kernel[k, :, 0] for k in range(len(kernel))) + bias)
    return np.broadcast_to(table, inputs.shape)


@pytest.mark.parametrize("width", [8, 7])
@pytest.mark.parametrize("kind", POSITIONS)
def test_values_get_what_the_formula_says(kind, width):
    inputs = values(2, 40, width)
    actual, layer = added(kind, inputs)
    np.testing.assert_allclose(actual, expected_addition(kind, inputs, layer), atol=2e-5)


@pytest.mark.parametrize("kind", VALUE_KINDS)
def test_what_is_added_depends_on_the_place(kind):
    actual, _ = added(kind, np.ones((1, 9, WIDTH), np.float32))
    assert np.abs(np.diff(actual, axis=1)).max(axis=-1).min() > 1e-3


def test_a_convolution_knows_places_by_their_neighbours():
    """Away from the ends the same content gets the same positions, wherever it stands."""
    inputs = np.zeros((2, 80, WIDTH), np.float32)
    inputs[0, 35:40] = inputs[1, 42:47] = values(5, WIDTH)
    actual, _ = added("conv", inputs)
    np.testing.assert_allclose(actual[0, 20:58], actual[1, 27:65], atol=1e-6)


def test_a_convolution_of_even_width_is_refused():
    with pytest.raises(ValueError, match="kernel of 4"):
        positions.ConvolutionalPosition(4)


# Scores.


def score_inputs():
    return values(2, HEADS, 9, WIDTH), values(2, HEADS, 14, WIDTH)


def moved_layer(kind):
    layer = score_layer(kind, WINDOW)
    layer(*score_inputs())
    move_weights(layer)
    return layer


def scores(layer, *inputs, **places):
    return ops.convert_to_numpy(layer(*inputs, **places))


def turned(vectors, places):
    """Pairs `(i, i + d / 2)` as complex numbers, turned by their angle."""
    half = vectors.shape[-1] // 2
    angles = np.asarray(places, np.float64)[:, None] * 10_000.0 ** (-np.arange(half) / half)
    pairs = (vectors[..., :half] + 1j * vectors[..., half:]) * np.exp(1j * angles)
    return np.concatenate([pairs.real, pairs.imag], axis=-1)


def expected_scores(kind, layer, query, key, query_places, key_places):
    query, key = query.astype(np.float64), key.astype(np.float64)
    if kind == "rotary":
        query, key = turned(query, query_places), turned(key, key_places)
    plain = np.einsum("bhud,bhtd->bhut", query, key)
    bias = np.zeros_like(plain)
    weights = [weight.astype(np.float64) for weight in layer.get_weights()]
    for head in range(HEADS):
        for u, query_place in enumerate(query_places):
            for t, key_place in enumerate(key_places):
                distance = key_place - query_place
                if kind == "relative":
                    nearest = min(max(math.floor(distance + 0.501), -WINDOW), WINDOW)
                    bias[:, head, u, t] = weights[0][head, nearest + WINDOW]
                elif kind == "alibi":
                    bias[:, head, u, t] = -(2 ** (-8 * (head + 1) / HEADS)) * abs(distance)
                elif kind == "relative_conv":
                    for k in range(-WINDOW, WINDOW + 1):
                        if 0 <= t + k < len(key_places):
                            bias[:, head, u, t] += weights[0][head, k + WINDOW] * plain[:, head, u, t + k]
    return plain + bias


COUNTED = np.arange(9.0), np.arange(14.0)
WORDS_IN_AUDIO = (np.arange(9) + 0.5) * 20 / 3 - 0.5, 4 * np.arange(14.0)


@pytest.mark.parametrize("places", [COUNTED, WORDS_IN_AUDIO], ids=["counted", "words_in_audio"])
@pytest.mark.parametrize("kind", SCORE_CASES)
def test_scores_are_what_the_formula_says(kind, places):
    layer, (query, key) = moved_layer(kind), score_inputs()
    given = dict(zip(("query_places", "key_places"), places, strict=True))
    expected = expected_scores(kind, layer, query, key, *places)
    np.testing.assert_allclose(scores(layer, query, key, **given), expected, atol=2e-5)
    if places is COUNTED:
        np.testing.assert_allclose(scores(layer, query, key), expected, atol=2e-5)


@pytest.mark.parametrize("kind", SCORE_CASES)
def test_scores_do_not_change_when_all_places_move(kind):
    layer, inputs = moved_layer(kind), score_inputs()
    here, there = (
        scores(layer, *inputs, query_places=COUNTED[0] + by, key_places=COUNTED[1] + by) for by in (0.0, 37.0)
    )
    np.testing.assert_allclose(here, there, atol=2e-5)


@pytest.mark.parametrize("kind", BY_PLACE)
def test_scores_change_when_keys_alone_move(kind):
    layer, inputs = moved_layer(kind), score_inputs()
    here, there = (scores(layer, *inputs, query_places=COUNTED[0], key_places=COUNTED[1] + by) for by in (0.0, 3.0))
    assert np.abs(here - there).max() > 0.1


def test_a_convolution_over_scores_moves_with_its_keys():
    """Away from the edges: where the window sees both before and after the move."""
    layer, (query, _), key = moved_layer("relative_conv"), score_inputs(), values(2, HEADS, 40, WIDTH)
    here, there = scores(layer, query, key), scores(layer, query, np.roll(key, 5, axis=2))
    inside = slice(WINDOW + 5, 40 - WINDOW)
    np.testing.assert_allclose(there[..., inside], here[..., inside.start - 5 : inside.stop - 5], atol=1e-5)


@pytest.mark.parametrize("kind", ["relative", "relative_conv"])
def test_learned_windows_begin_as_plain_attention(kind):
    query, key = score_inputs()
    np.testing.assert_array_equal(
        scores(score_layer(kind, WINDOW), query, key), scores(score_layer("none", 1), query, key)
    )


def test_rotary_positions_want_pairs():
    with pytest.raises(InputError, match="a head has 7"):
        score_layer("rotary", 4)(values(1, 2, 3, 7), values(1, 2, 3, 7))


# In attention.


def attend(kind, rows, valid=None):
    """Self-attention of `rows` by a layer whose weights are the same for every kind, as far as kinds share them."""
    keras.utils.set_random_seed(2)
    values_layer = position_layer(kind, 64)
    attention = MultiHeadAttention(WIDTH, 2, position=kind, relative_window=WINDOW)
    attention(values_layer(rows), values_layer(rows))
    move_weights(values_layer)
    move_weights(attention)
    rows = values_layer(rows)
    return [ops.convert_to_numpy(one) for one in attention(rows, rows, memory_valid=valid)]


@pytest.mark.parametrize("kind", POSITIONS)
def test_absolute_kinds_care_where_a_phrase_stands(kind):
    """A phrase at the beginning, and six places further on: what its first half finds in it.

    The weights within the phrase are compared as shares, since what surrounds the phrase also takes some.
    """
    phrase, filler = values(1, 6, WIDTH), np.zeros((1, 40, WIDTH), np.float32)
    shares = []
    for start in (16, 22):
        rows = np.concatenate([filler[:, :start], phrase, filler[:, start:]], axis=1)
        within = attend(kind, rows)[1][:, :, start : start + 6, start : start + 6]
        shares.append(within / within.sum(axis=-1, keepdims=True))
    difference = np.abs(shares[0] - shares[1]).max()
    if kind in ("learned", "sinusoidal", "diagonal"):
        assert difference > 1e-3
    else:
        assert difference < 1e-5


@pytest.mark.parametrize("kind", POSITIONS)
def test_padding_changes_nothing_in_a_block(kind, monkeypatch):
    """Nor does any softmax go over another axis than the last: weights of each slot sum to one over the steps."""
    axes = []
    softmax = ops.softmax
    monkeypatch.setattr(ops, "softmax", lambda scores, axis=-1: axes.append(axis) or softmax(scores, axis=axis))
    block = CrossDomainBlock(WIDTH, 2, steps_per_word=2.5, position=kind, relative_window=WINDOW)
    text, audio = values(2, 4, WIDTH), values(2, 12, WIDTH)
    block(text, audio, LENGTHS)
    move_weights(block)
    audio[1, 7:] = 1e3
    both, _, seen = map(ops.convert_to_numpy, block(text, audio, LENGTHS))
    alone, _, seen_alone = map(ops.convert_to_numpy, block(text[1:], audio[1:, :7], LENGTHS[1:]))
    np.testing.assert_allclose(both[1:], alone, atol=1e-5)
    np.testing.assert_allclose(seen[1:, :, :7], seen_alone, atol=1e-5)
    np.testing.assert_allclose(seen.sum(axis=-1), 1.0, atol=1e-5)
    assert axes == 12 * [-1]


def test_every_softmax_in_the_package_goes_over_the_last_axis():
    found = 0
    for path in Path(keras_stt.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and "softmax" in node.func.attr:
                axes = [ast.unparse(one.value) for one in node.keywords if one.arg == "axis"]
                assert axes in ([], ["-1"]), f"{path}: {ast.unparse(node)}"
                found += 1
    assert found >= 2


@pytest.mark.parametrize("kind", BY_PLACE)
def test_text_looks_for_words_where_they_would_be(kind):
    """In a window of equally long words, slot u finds word u beside its place among the audio steps."""
    np.testing.assert_allclose(ops.convert_to_numpy(slot_places(3, 5.0)), [2.0, 7.0, 12.0])
    block = CrossDomainBlock(WIDTH, 2, steps_per_word=5.0, position=kind, relative_window=WINDOW)
    text, audio = np.ones((1, 3, WIDTH), np.float32), np.ones((1, 15, WIDTH), np.float32)
    block(text, audio, np.array([15], np.int32))
    if kind == "relative":  # near keys are better, for this head and query
        block.text_cross.scores.table.assign(np.tile(-np.abs(np.arange(-WINDOW, WINDOW + 1.0)), (2, 1)))
    elif (
        kind == "rotary"
    ):  # queries and keys point the same way, and the more they are turned apart the less they match
        for dense in (block.text_cross.query, block.text_cross.key_value):
            dense.set_weights([np.zeros_like(dense.get_weights()[0]), np.ones_like(dense.get_weights()[1])])
    _, _, seen = block(text, audio, np.array([15], np.int32))
    assert ops.convert_to_numpy(seen)[0].argmax(axis=-1).tolist() == [2, 7, 12]
