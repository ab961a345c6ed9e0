"""The utterance model: what comes out, that padding is not heard, and that a file holds all of it."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_stt.layers import MaskedPath
from keras_stt.layers.ctc_head import NEVER
from keras_stt.losses import TokenCTC
from keras_stt.models.utterance import SURE, UtteranceModel
from keras_stt.tokens import CharacterTokens

TOKENS = CharacterTokens("ABCD")
PHONES = ["sil", "AH", "B"]
SIZE = {"model_dim": 16, "audio_blocks": 2, "attention_heads": 2, "refiner_blocks": 1, "mel_bands": 10}
FRAMES, LENGTHS = 37, np.array([37, 22, 9], np.int32)


def build(**changes):
    keras.utils.set_random_seed(1)
    model = UtteranceModel(TOKENS.to_config(), TOKENS.size, **{**SIZE, "phones": PHONES, **changes})
    rng = np.random.default_rng(3)
    for weight in model.trainable_weights:  # biases of zero would hide what padding does
        weight.assign(weight + 0.2 * rng.standard_normal(weight.shape))
    return model


@pytest.fixture(scope="module")
def model():
    return build()


@pytest.fixture(scope="module")
def inputs():
    features = np.random.default_rng(0).standard_normal((3, FRAMES, 10)).astype(np.float32)
    for row, length in enumerate(LENGTHS):
        features[row, length:] = 0
    return {"features": features, "feature_lengths": LENGTHS}


def as_numpy(outputs) -> dict[str, np.ndarray]:
    return {name: ops.convert_to_numpy(value) for name, value in outputs.items()}


def alone(inputs, row):
    length = int(inputs["feature_lengths"][row])
    return {"features": inputs["features"][row : row + 1, :length], "feature_lengths": LENGTHS[row : row + 1]}


def assert_padding_unheard(run, inputs):
    """What `run` says of each row alone and unpadded is what it says of it among the others."""
    together = as_numpy(run(inputs))
    for row in range(len(LENGTHS)):
        for name, value in as_numpy(run(alone(inputs, row))).items():
            among = together[name][row : row + 1]
            if value.ndim > 1:
                among = among[:, : value.shape[1]]
            np.testing.assert_allclose(among, value, atol=1e-5, rtol=1e-5, err_msg=name)


@pytest.mark.backend
def test_it_says_logits_of_every_head_over_steps(model, inputs):
    outputs = as_numpy(model(inputs))
    assert {name: value.shape for name, value in outputs.items()} == {
        "draft": (3, 10, TOKENS.size),
        "refined": (3, 10, TOKENS.size),
        "middle": (3, 10, TOKENS.size),
        "phones": (3, 10, 3),
    }
    assert model.step_seconds == pytest.approx(0.04)
    assert (model.mel_bands, model.frames_per_step) == (10, 4)
    for name in ("draft", "refined", "middle"):
        steps = -(-LENGTHS // 4)
        for row, count in enumerate(steps):
            assert (outputs[name][row, count:, 0] == 0).all()
            assert (outputs[name][row, count:, 1:] == NEVER).all()
            assert (outputs[name][row, :count] > NEVER / 2).all()


@pytest.mark.backend
def test_padding_never_changes_what_the_encoder_hears(model, inputs):
    assert_padding_unheard(model.encoder, inputs)


@pytest.mark.backend
def test_padding_never_changes_what_the_refiner_says(model, inputs):
    heard = model.encoder(inputs)
    path = np.random.default_rng(1).integers(0, TOKENS.size + 1, (3, 10)).astype(np.int32)
    given = {"audio": ops.convert_to_numpy(heard["audio"]), "steps": -(-LENGTHS // 4), "path": path}
    together = ops.convert_to_numpy(model.refiner(given))
    for row, count in enumerate(given["steps"]):
        own = {name: value[row : row + 1] for name, value in given.items()}
        own = {name: value[:, :count] if value.ndim > 1 else value for name, value in own.items()}
        said = ops.convert_to_numpy(model.refiner(own))
        np.testing.assert_allclose(together[row : row + 1, :count], said, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("passes", [0, 1, 2])
def test_padding_never_changes_what_is_decoded(model, inputs, passes):
    assert_padding_unheard(model.decoder(passes), inputs)


@pytest.mark.parametrize("position", ["none", "relative", "alibi"])
def test_padding_is_unheard_with_other_positions_and_steps(position, inputs):
    model = build(position=position, subsampling=6, audio_mixer="attention", normalization="layer", phones=())
    assert_padding_unheard(model.decoder(1), inputs)


@pytest.mark.backend
def test_the_decoder_rereads_what_it_is_sure_of(model, inputs):
    """Each pass reads the last one's text on the same audio, unsure tokens masked."""
    assert set(model.decoder(0)(inputs)) == {"draft"}
    heard = model.encoder(inputs)
    said = heard["draft"]
    for passes in (1, 2):
        path = MaskedPath(SURE)(said)
        said = model.refiner({"audio": heard["audio"], "steps": heard["steps"], "path": path})
        decoded = as_numpy(model.decoder(passes)(inputs))
        np.testing.assert_allclose(decoded["draft"], ops.convert_to_numpy(heard["draft"]), atol=1e-5)
        np.testing.assert_allclose(decoded["refined"], ops.convert_to_numpy(said), atol=1e-4)
    assert model.decoder(2) is model.decoder(2)


def test_the_refiner_reads_its_path(model, inputs):
    heard = model.encoder(inputs)
    given = {name: ops.convert_to_numpy(heard[name]) for name in ("audio", "steps")}
    masked, shown = (
        ops.convert_to_numpy(model.refiner({**given, "path": np.full((3, 10), token, np.int32)}))
        for token in (TOKENS.mask_id, 1)
    )
    assert np.abs(masked - shown)[0].max() > 1e-3


def test_parts_can_be_left_out(inputs):
    plain = build(middle_ctc=False, phones=(), refiner_blocks=0, audio_blocks=3)
    assert plain.refiner is None
    assert set(plain(inputs)) == {"draft"}
    assert set(plain.decoder(2)(inputs)) == {"draft"}


def test_the_refiner_looks_as_it_is_told(inputs):
    """With attention, what is shown at the end is seen at the beginning; with convolutions, not so far."""
    for mixer, seen in (("conv", False), ("conv,attention", True)):
        model = build(refiner_mixer=mixer, refiner_blocks=2)
        heard = model.encoder(inputs)
        given = {name: ops.convert_to_numpy(heard[name]) for name in ("audio", "steps")}
        masked = np.full((3, 10), TOKENS.mask_id, np.int32)
        shown = np.where(np.arange(10) == 9, 1, masked)
        one, other = (ops.convert_to_numpy(model.refiner({**given, "path": path})) for path in (masked, shown))
        assert (np.abs(one - other)[0, 0].max() > 1e-4) == seen


@pytest.mark.backend
def test_a_file_holds_all_of_it(model, inputs, tmp_path):
    model.decoder(1)  # what was asked for before is not saved a second time
    model.training_record = {"lead": 0.1, "flags": "--view=utterance"}
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is UtteranceModel
    assert loaded.get_config() == model.get_config()
    assert dict(loaded.training_record) == {"lead": 0.1, "flags": "--view=utterance"}
    assert [weight.path for weight in loaded.weights] == [weight.path for weight in model.weights]
    for passes in (0, 2):
        expected = as_numpy(model.decoder(passes)(inputs))
        for name, value in as_numpy(loaded.decoder(passes)(inputs)).items():
            np.testing.assert_allclose(value, expected[name], atol=1e-6)
    size = sum(weight.numpy().nbytes if hasattr(weight, "numpy") else 0 for weight in model.weights)
    assert (tmp_path / "model.keras").stat().st_size < size + 300_000


def test_names_of_weights_are_unique(model):
    """A warm start and a checkpoint go by them."""
    names = [variable.path for variable in model.variables]
    assert len(set(names)) == len(names)


@pytest.mark.backend
def test_half_precision_says_about_the_same_in_single_precision_logits(model, inputs):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = build()
    finally:
        keras.config.set_dtype_policy(policy)
    half.set_weights(model.get_weights())
    outputs, expected = as_numpy(half(inputs)), as_numpy(model(inputs))
    for name in ("draft", "middle", "phones"):
        assert outputs[name].dtype == np.float32
        np.testing.assert_allclose(outputs[name], expected[name], atol=0.5)
        assert not np.array_equal(outputs[name], expected[name])
    assert np.isfinite(outputs["refined"]).all()


@pytest.mark.backend
def test_one_step_moves_every_weight(inputs):
    model = build(dropout=0.1)
    losses = {name: TokenCTC() for name in ("draft", "middle", "refined")}
    losses["phones"] = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    model.compile(keras.optimizers.SGD(0.1), loss=losses, run_eagerly=keras.backend.backend() == "tensorflow")
    ids = np.array([[1, 2, 3, 0], [4, 1, 0, 0], [1, 0, 0, 0]], np.int32)
    phones = np.where(np.arange(10) < -(-LENGTHS // 4)[:, None], 1, -1).astype(np.int32)
    before = model.get_weights()
    loss = model.train_on_batch(inputs, {"draft": ids, "middle": ids, "refined": ids, "phones": phones})
    assert np.isfinite(loss).all()
    still = [
        weight.path
        for weight, old in zip(model.weights, before, strict=True)
        if np.array_equal(ops.convert_to_numpy(weight), old)
    ]
    assert still == []
