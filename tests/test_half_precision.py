"""A model file in half precision: smaller, loaded as any other, and nearly the same."""

import keras
import numpy as np
import pytest

from keras_stt.errors import InputError
from keras_stt.export.half_precision import write_half_precision
from keras_stt.recognizer import UtteranceRecognizer, load_model
from keras_stt.tokens import CharacterTokens


@pytest.fixture
def trained(tmp_path):
    """As a training run leaves it, with the state of its optimizer."""
    keras.utils.set_random_seed(0)
    tokens = CharacterTokens("ABC")
    model = UtteranceRecognizer(tokens.to_config(), tokens.size, model_dim=32, audio_blocks=2, attention_heads=2)
    model.training_record = {"test_wer": 0.5}
    model.compile("adam", loss=dict.fromkeys(model.output, "mse"))
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    return model, tmp_path / "model.keras"


def test_half_as_large_and_nearly_the_same(trained, tmp_path):
    model, path = trained
    found = write_half_precision(path, tmp_path / "half.keras")
    assert found["bytes"] < 2.5 * model.count_params() + 60_000
    half = load_model(tmp_path / "half.keras")
    assert half.training_record == model.training_record
    frames = np.random.default_rng(0).normal(size=(1, 64, 80)).astype(np.float32)
    inputs = {"features": frames, "feature_lengths": np.array([64], np.int32)}
    whole, halved = (keras.ops.convert_to_numpy(one(inputs)["draft"]) for one in (model, half))
    assert 0 < np.abs(whole - halved).max() < 0.02
    changes = [
        np.abs(keras.ops.convert_to_numpy(a) - keras.ops.convert_to_numpy(b)).max()
        for a, b in zip(model.weights, half.weights, strict=True)
    ]
    assert max(changes) == pytest.approx(found["largest_change"])


def test_weights_too_large_are_not_written(trained, tmp_path):
    model, path = trained
    model.trainable_variables[0].assign(model.trainable_variables[0] * 0 + 1e6)
    model.save(path)
    with pytest.raises(InputError, match="too large for half precision"):
        write_half_precision(path, tmp_path / "half.keras")
    assert sorted(tmp_path.iterdir()) == [path]


def test_no_model_is_one_clear_line(tmp_path):
    with pytest.raises(InputError, match="no such model"):
        write_half_precision(tmp_path / "none.keras", tmp_path / "half.keras")
