"""The model: what its file keeps, that padding and neighbours never matter, and what is said of files that are none."""

import os
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from layer_contract import move_weights

import keras_stt
from keras_stt.errors import InputError
from keras_stt.layers import POSITIONS
from keras_stt.losses import AttentionGuide, MaskedTokenCrossentropy
from keras_stt.recognizer import Recognizer, load_model
from keras_stt.text import Vocabulary

TRAINING = {"flags": {"seed": 3, "model_dim": 16}, "versions": {"keras": keras.__version__}, "dev_wer": 0.25}
TINY = {"text_context": 4, "audio_context": 32, "model_dim": 16, "blocks": 1, "attention_heads": 2}
VOCABULARY = Vocabulary(["ONE", "TWO", "THREE"]).to_list()


def inputs(model, lengths=(192, 100, 7), seed=0, padding=0.0):
    """A batch of noise with padding of `padding` after `lengths` frames."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((len(lengths), model.audio_frames, model.mel_bands), np.float32) - 5
    for row, length in enumerate(lengths):
        features[row, length:] = padding
    token_ids = rng.integers(0, len(model.vocabulary), (len(lengths), model.text_context))
    token_ids[:, ::2] = Vocabulary.mask_id
    return {
        "features": features,
        "feature_lengths": np.array(lengths, np.int32),
        "token_ids": token_ids.astype(np.int32),
    }


def predict(model, batch):
    outputs = model(batch, training=False)
    return {name: keras.ops.convert_to_numpy(value) for name, value in outputs.items()}


def assert_equal(actual, expected, tolerance=1e-5):
    for name in ("tokens", "attention"):
        np.testing.assert_allclose(actual[name], expected[name], atol=tolerance, rtol=tolerance)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model, and the file it was saved to."""
    keras.utils.set_random_seed(4)
    model = Recognizer(VOCABULARY, **TINY, audio_blocks=1, audio_mixer="both", training=TRAINING)
    move_weights(model)
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model.save(path)
    return model, path


@pytest.mark.backend
def test_outputs_are_logits_and_attention(tiny_recognizer):
    outputs = predict(tiny_recognizer, inputs(tiny_recognizer))
    assert outputs["tokens"].shape == (3, 4, len(tiny_recognizer.vocabulary))
    assert outputs["attention"].shape == (3, 4, 32)
    np.testing.assert_allclose(outputs["attention"].sum(axis=-1), 1.0, atol=1e-5)
    assert (outputs["attention"][1, :, 17:] == 0).all()  # 100 frames fill 17 steps of 6


@pytest.mark.backend
def test_a_saved_model_is_the_same_model(saved):
    model, path = saved
    loaded = keras.saving.load_model(path)  # no custom_objects, safe mode
    assert type(loaded) is Recognizer
    assert loaded.vocabulary == VOCABULARY
    assert loaded.training_record == TRAINING
    assert loaded.get_config() == model.get_config()
    assert (loaded.audio_frames, loaded.frames_per_step) == (192, 6)
    assert_equal(predict(loaded, inputs(model)), predict(model, inputs(model)), 1e-6)


def test_load_model_takes_the_file_or_its_folder(saved):
    model, path = saved
    for place in (path, str(path), path.parent):
        loaded = load_model(place)
        assert_equal(predict(loaded, inputs(model)), predict(model, inputs(model)), 1e-6)


def test_a_fresh_process_loads_it_with_one_line(saved, tmp_path):
    model, path = saved
    batch, expected = inputs(model), predict(model, inputs(model))
    np.savez(tmp_path / "batch.npz", **batch)
    program = (
        "import sys, numpy as np, keras_stt; model = keras_stt.load_model(sys.argv[1])\n"
        "outputs = model.predict_on_batch(dict(np.load(sys.argv[2])))\n"
        "np.savez(sys.argv[3], **outputs)"
    )
    places = [str(path), str(tmp_path / "batch.npz"), str(tmp_path / "outputs.npz")]
    subprocess.run([sys.executable, "-c", program, *places], check=True, cwd=tmp_path, env=os.environ)
    assert_equal(np.load(tmp_path / "outputs.npz"), expected, 1e-5)


@pytest.mark.backend
def test_what_stands_on_padding_never_matters(saved):
    model, _ = saved
    expected = predict(model, inputs(model))
    assert_equal(predict(model, inputs(model, padding=50.0)), expected)


@pytest.mark.backend
def test_unpadded_audio_says_the_same(saved):
    model, _ = saved
    batch = inputs(model, lengths=(100, 100, 100))
    short = {**batch, "features": batch["features"][:, :100]}
    expected, actual = predict(model, batch), predict(model, short)
    np.testing.assert_allclose(actual["tokens"], expected["tokens"], atol=1e-5)
    np.testing.assert_allclose(actual["attention"], expected["attention"][..., :17], atol=1e-5)


def test_a_sample_does_not_hear_its_neighbours(saved):
    model, _ = saved
    batch = inputs(model)
    together = predict(model, batch)
    for row in range(3):
        alone = predict(model, {name: value[row : row + 1] for name, value in batch.items()})
        assert_equal(alone, {name: value[row : row + 1] for name, value in together.items()})
    turned = predict(model, {name: value[::-1] for name, value in batch.items()})
    assert_equal(turned, {name: value[::-1] for name, value in together.items()})


@pytest.mark.backend
def test_audio_and_visible_words_both_count(saved):
    model, _ = saved
    batch = inputs(model)
    expected = predict(model, batch)["tokens"]
    other_words = np.where(batch["token_ids"] == Vocabulary.mask_id, batch["token_ids"], 5)
    assert np.abs(predict(model, {**batch, "token_ids": other_words})["tokens"] - expected).max() > 1e-4
    other_audio = inputs(model, seed=1)["features"]
    assert np.abs(predict(model, {**batch, "features": other_audio})["tokens"] - expected).max() > 1e-4


@pytest.mark.parametrize(
    "options",
    [
        {"residual": False},
        {"word_clock": False},
        {"audio_pooling": "pick", "audio_mixer": "both", "audio_blocks": 1},
        {"audio_blocks": 0},
        {"audio_stride_ms": 20, "blocks": 2},
        {"audio_stride_ms": 600, "audio_context": 4},
        {"normalization": "none", "attention_activation": "relu"},
        {"normalization": "layer", "residual": False},
    ],
)
def test_variants_build_and_remember_their_options(options):
    model = Recognizer(VOCABULARY, **{**TINY, **options})
    assert {name: model.get_config()[name] for name in options} == options
    assert np.isfinite(predict(model, inputs(model, (model.audio_frames, 5)))["tokens"]).all()
    assert ("word_clock" in {layer.name for layer in model.layers}) == options.get("word_clock", True)


@pytest.mark.parametrize("kind", POSITIONS)
def test_a_model_of_each_kind_of_positions(kind, tmp_path):
    """Saved and loaded it is the same, and padding never matters."""
    options = {"position": kind, "relative_window": 3, "audio_blocks": 1, "audio_mixer": "attention"}
    model = Recognizer(VOCABULARY, **TINY, **options)
    move_weights(model)
    assert {name: model.get_config()[name] for name in options} == options
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert [weight.path for weight in loaded.weights] == [weight.path for weight in model.weights]
    expected = predict(model, inputs(model))
    assert_equal(predict(loaded, inputs(model)), expected, 1e-6)
    assert_equal(predict(model, inputs(model, padding=50.0)), expected)
    batch = inputs(model)
    short = {name: value[1:] for name, value in batch.items()} | {"features": batch["features"][1:, :100]}
    short = predict(model, short)
    np.testing.assert_allclose(short["tokens"], expected["tokens"][1:], atol=1e-5)
    np.testing.assert_allclose(short["attention"], expected["attention"][1:, :, :17], atol=1e-5)


@pytest.mark.parametrize("kind", POSITIONS)
def test_what_tells_masked_words_apart(kind):
    """Without positions nothing does (the diary's D09). Nor does a convolution over scores: its queries are alike."""
    model = Recognizer(VOCABULARY, **TINY, audio_blocks=1, position=kind, word_clock=False)
    move_weights(model)
    batch = inputs(model)
    batch["token_ids"] = np.full_like(batch["token_ids"], Vocabulary.mask_id)
    logits = predict(model, batch)["tokens"]
    apart = np.abs(logits[:, 1:] - logits[:, :-1]).max(axis=(0, 2))
    if kind in ("none", "relative_conv"):
        assert apart.max() < 1e-5
    else:
        assert apart.min() > 1e-3


def test_a_model_without_blocks_is_deaf():
    model = Recognizer(VOCABULARY, **{**TINY, "blocks": 0}, audio_blocks=2)
    move_weights(model)
    assert [weight.path.split("/")[-2] for weight in model.weights] == [
        "token_embedding",
        "text_position",
        "output_norm",
        "tokens",
        "tokens",
    ]
    outputs = predict(model, inputs(model))
    assert_equal(outputs, predict(model, inputs(model) | {"features": inputs(model, seed=1)["features"]}))
    np.testing.assert_allclose(outputs["attention"].sum(axis=-1), 1.0, atol=1e-5)
    np.testing.assert_allclose(outputs["attention"][1, :, :17], 1 / 17, atol=1e-6)
    loaded = Recognizer.from_config(model.get_config())
    loaded.set_weights(model.get_weights())
    assert_equal(predict(loaded, inputs(model)), outputs)


def test_a_deaf_model_is_trained_with_the_same_losses():
    model = Recognizer(VOCABULARY, **{**TINY, "blocks": 0})
    assert_one_step_moves_every_weight(model)


def test_a_file_from_before_these_options_loads_with_what_was_then(saved):
    model, _ = saved
    config = model.get_config()
    for name in ("normalization", "attention_activation", "relative_window"):
        del config[name]
    assert Recognizer.from_config(config).get_config() == model.get_config()


@pytest.mark.parametrize(("stride_ms", "expected"), [(60, 0.15), (20, 0.05), (600, 0.9)])
def test_the_clock_begins_at_the_pace_of_speech_whatever_the_stride(stride_ms, expected):
    model = Recognizer(VOCABULARY, **TINY, audio_stride_ms=stride_ms)
    assert model.get_layer("word_clock").words_per_step == pytest.approx(expected)


def test_all_names_are_given_and_the_same_in_every_build():
    """Weights, optimiser state and checkpoints are found again by their path."""
    first, second = (Recognizer(VOCABULARY, **TINY, audio_blocks=1) for _ in range(2))
    assert [layer.name for layer in first.layers] == [layer.name for layer in second.layers]
    assert [weight.path for weight in first.weights] == [weight.path for weight in second.weights]
    assert len({weight.path for weight in first.weights}) == len(first.weights)
    numbered = [layer.name for layer in first.layers if re.search(r"_\d+$", layer.name)]
    assert numbered == ["audio_block_0", "block_0"]


@pytest.mark.backend
def test_one_step_of_training_moves_every_weight():
    keras.utils.set_random_seed(0)
    assert_one_step_moves_every_weight(Recognizer(VOCABULARY, **TINY, dropout=0.0))


def assert_one_step_moves_every_weight(model):
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in model.trainable_weights]
    batch = inputs(model)
    targets = np.where(batch["token_ids"] == Vocabulary.mask_id, 4, -1).astype(np.int32)
    spans = np.tile(np.array([[0, 1]], np.float32), (3, 4, 1))
    loss = {"tokens": MaskedTokenCrossentropy(), "attention": AttentionGuide()}
    model.compile("sgd", loss=loss, jit_compile=keras.config.backend() == "jax")
    model.fit(batch, {"tokens": targets, "attention": spans}, batch_size=3, verbose=0)
    still = [
        weight.path
        for weight, old in zip(model.trainable_weights, before, strict=True)
        if np.array_equal(keras.ops.convert_to_numpy(weight), old)
    ]
    assert not still


def test_a_missing_model(tmp_path):
    assert_one_line(tmp_path / "none.keras", "no such model; give the folder of a training run")
    assert_one_line(tmp_path, "model.keras: no such model")


def test_a_file_that_is_no_model(tmp_path):
    path = tmp_path / "model.keras"
    path.write_text("These are only words.\n" * 3)
    assert_one_line(path, "cannot be loaded as a Keras model")
    path.write_bytes(b"")
    assert_one_line(path, "cannot be loaded as a Keras model")


def test_a_damaged_model(saved, tmp_path):
    path, content = tmp_path / "model.keras", saved[1].read_bytes()
    path.write_bytes(content[:-2000])
    assert_one_line(path, "cannot be loaded as a Keras model")
    middle = len(content) // 2
    path.write_bytes(content[:middle] + b"damaged!" + content[middle + 8 :])
    assert_one_line(path, "cannot be loaded as a Keras model")


def test_another_keras_model(tmp_path):
    path = tmp_path / "other.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="only")], name="other").save(path)
    assert_one_line(path, "a Sequential, not a keras_stt model")


def assert_one_line(path, message):
    with pytest.raises(InputError) as error:
        load_model(path)
    text = str(error.value)
    assert text.startswith(str(path))
    assert message in text
    assert "\n" not in text
    assert len(text) < 400
    assert "\x1b" not in text


def test_public_names():
    assert keras_stt.load_model is load_model
    assert keras_stt.Recognizer is Recognizer
    with pytest.raises(AttributeError, match="no attribute 'load_modle'"):
        _ = keras_stt.load_modle
