"""Files that mean harm are refused in one line: nothing in them is run, nothing else is read, no memory is filled."""

import importlib
import re
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_stt
from keras_stt.errors import InputError
from keras_stt.recognizer import Recognizer, UtteranceRecognizer, load_model
from keras_stt.recognizer.model_size import least_utterance_values, least_window_values
from keras_stt.text import Vocabulary
from keras_stt.tokens import CharacterTokens

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
MOST_SECONDS, MOST_MEGABYTES = 10, 100
VOCABULARY = Vocabulary(["ONE", "TWO", "THREE"]).to_list()
TINY = {"text_context": 4, "audio_context": 32, "model_dim": 16, "blocks": 1, "attention_heads": 2}
TOKENS = CharacterTokens("ABC")


@pytest.fixture(scope="module")
def benchmark():
    """Imports a program of benchmarks/ as it is imported there."""
    sys.path.insert(0, str(BENCHMARKS))
    yield importlib.import_module
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def tried(benchmark, tmp_path_factory):
    """What came of each malicious file, by its name."""
    return {row["name"]: row for row in benchmark("malicious_models").tried(tmp_path_factory.mktemp("bad"))}


def test_none_is_loaded_and_none_runs(tried):
    assert len(tried) > 80
    assert [name for name, row in tried.items() if row["said"] is None] == []
    assert not any(row["canary"] for row in tried.values())


def test_each_refusal_is_one_line_that_a_terminal_can_show(tried):
    for row in tried.values():
        assert row["said"].startswith("bad.keras: ")
        assert row["said"].isprintable()
        assert row["said"].isascii()
        assert len(row["said"]) < 300


def test_refusing_takes_neither_long_nor_memory(tried):
    assert [row for row in tried.values() if row["seconds"] > MOST_SECONDS] == []
    assert [row for row in tried.values() if row["megabytes"] > MOST_MEGABYTES] == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lambda model", "a Sequential, not a keras_stt model; give one that train_main.py wrote"),
        ("lambda within our class", "its config has 'input_layers', which no Recognizer takes"),
        ("os.system as our class", "its config calls Recognizer 'os' 'system'"),
        ("guard switched off", "its config has training .*, of a type or size that no model has"),
        ("vocabulary that is a path", "its config has vocabulary .*, of a type or size"),
        ("model of terabytes", r"its config makes a model of [\d,]{15,} weights or more, and it holds 17,105"),
        ("terminal codes in a name", r"its config has '\\x1b\]0;evil\\x07\\n'"),
        ("config of 100 MB", r"config.json of 100,000,000 bytes; at most 8,388,608"),
        ("a pickle", "no zip archive, or not a whole one"),
        ("a pickle before the archive", "no zip archive, or not a whole one"),
        ("a pickle within", "it holds 'model.pkl', which does not belong in it"),
        ("zip slip upwards", "it holds '../../canary', which does not belong in it"),
        ("weights that are a link", "'model.weights.h5' is a link"),
        ("config twice", "a member is in it twice"),
        ("config in full-width letters", r"it holds '\\uff43onfig.json'"),
        ("no weights", "model.weights.h5 is missing"),
        ("zip bomb of weights", r"[\d,]+ bytes that claim to unpack to 100,000,\d{3}"),
        ("a hundred thousand members", r"a directory of [\d,]+ bytes"),
        ("link to another file", r"is a link \(ExternalLink\) to somewhere else"),
        ("bytes of another file", "lies in another file"),
        ("virtual array of another file", "lies in another file"),
        ("shape bomb", "is stored in chunks, which Keras never does"),
        ("terabytes never written", "claims 4,398,046,511,104 bytes and stores 0"),
        ("a loop", "is there twice"),
        ("wrong shape", r"weights of another model: .*\(16, 64\).*63"),
        ("a layer missing", "weights of another model: Layer 'convolution' expected 2 variables, but received 0"),
    ],
)
def test_what_is_said(tried, name, message):
    assert re.search(message, tried[name]["said"]), tried[name]["said"]


def test_the_lambda_would_run_where_keras_is_told_to_trust_it(benchmark, tmp_path):
    """Else the test of refusals would say nothing."""
    files = benchmark("malicious_files")
    target = files.Target(tmp_path / "canary", tmp_path / "secret.h5")
    keras.saving.deserialize_keras_object(files.lambda_model(target), safe_mode=False)(np.zeros((1, 2), np.float32))
    assert target.canary.exists()


def test_what_a_file_says_of_compilation_is_not_read(benchmark, tmp_path):
    files = benchmark("malicious_files")
    parts, target = benchmark("malicious_models").prepared(tmp_path)
    evil = {**parts.config, "compile_config": {"optimizer": files.lambda_model(target)}}
    (tmp_path / "bad.keras").write_bytes(parts.with_config(evil))
    assert not load_model(tmp_path / "bad.keras").compiled
    assert not target.canary.exists()


def test_what_was_checked_is_what_is_loaded(tmp_path):
    """A file is opened once, so that no other can take its place in between; and nothing else is opened for it."""
    path = tmp_path / "model.keras"
    Recognizer(VOCABULARY, **TINY).save(path)
    load_model(path)  # whatever is imported late, is now
    opened, watching = [], [True]

    def hook(event, arguments):
        if watching and event == "open" and isinstance(arguments[0], str | bytes):
            opened.append(arguments[0])

    sys.addaudithook(hook)  # for as long as this program runs
    load_model(path)
    watching.clear()
    assert opened == [str(path)]


@pytest.mark.parametrize("position", ["learned", "relative", "rotary"])
def test_window_models_load_whole(position, tmp_path):
    model = Recognizer(VOCABULARY, **TINY, position=position, training={"lead": 0.1, "interval": [0.1, 0.2]})
    model.save(tmp_path / "model.keras")
    assert_same(load_model(tmp_path / "model.keras"), model)


@pytest.mark.backend
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16"])
def test_models_of_any_precision_load_whole(policy, tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = UtteranceRecognizer(TOKENS.to_config(), TOKENS.size, model_dim=16, audio_blocks=2, attention_heads=2)
        model.save(tmp_path / "model.keras")
        assert_same(load_model(tmp_path / "model.keras"), model)
    finally:
        keras.config.set_dtype_policy(before)


def test_a_compiled_model_loads_without_its_optimizer(tmp_path):
    model = UtteranceRecognizer(TOKENS.to_config(), TOKENS.size, model_dim=16, audio_blocks=2, attention_heads=2)
    model.compile("adam", loss=dict.fromkeys(model.output, "mse"), metrics={"draft": ["mae"]}, run_eagerly=True)
    frames = np.zeros((1, 16, 80), np.float32)
    targets = {name: np.zeros((1, 4, TOKENS.size), np.float32) for name in model.output}
    model.fit({"features": frames, "feature_lengths": np.array([16], np.int32)}, targets, verbose=0)
    model.save(tmp_path / "model.keras")
    assert_same(load_model(tmp_path / "model.keras"), model)


def assert_same(loaded, model):
    assert type(loaded) is type(model)
    assert loaded.get_config() == model.get_config()
    for mine, its in zip(loaded.weights, model.weights, strict=True):
        assert mine.path == its.path
        mine, its = (keras.ops.convert_to_numpy(keras.ops.cast(one, "float32")) for one in (mine, its))
        np.testing.assert_array_equal(mine, its)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"blocks": 0},
        {"blocks": 3, "audio_blocks": 0, "audio_pooling": "stack"},
        {"audio_blocks": 4, "audio_mixer": "attention", "position": "relative", "relative_window": 64},
        {"model_dim": 1, "attention_heads": 1, "audio_pooling": "mean"},
        {"audio_stride_ms": 370},
        {"audio_stride_ms": 2000, "audio_pooling": "pick"},
    ],
)
def test_a_window_model_is_nearly_as_large_as_its_config_says_it_is(arguments):
    model = Recognizer(VOCABULARY, **{**TINY, **arguments})
    least = least_window_values(model.get_config())
    assert least <= model.count_params() <= 4 * least + 1000 * model.model_dim


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"audio_mixer": "conv,attention,both", "mixer_kernel": 31, "refiner_mixer": "attention"},
        {"refiner_blocks": 0, "middle_ctc": False, "audio_blocks": 5},
        {"phones": ["AH0", "B"], "reads_text": True, "subsampling": 8},
        {"subsampling": 37, "audio_mixer": "attention"},
        {"model_dim": 1, "attention_heads": 1},
    ],
)
def test_an_utterance_model_is_nearly_as_large_as_its_config_says_it_is(arguments):
    given = {"model_dim": 16, "audio_blocks": 3, "attention_heads": 2, "position": "alibi", **arguments}
    model = UtteranceRecognizer(TOKENS.to_config(), TOKENS.size, **given)
    least = least_utterance_values(model.get_config())
    assert least <= model.count_params() <= 4 * least + 1000 * given["model_dim"]


def test_a_sentencepiece_model_that_is_a_path_is_none(tmp_path):
    config = {"kind": "bpe", "pieces": ["\u2581A", "B"], "model": "L2V0Yy9wYXNzd2Q="}  # /etc/passwd in base64
    model = UtteranceRecognizer(config, 3, model_dim=16, audio_blocks=2, attention_heads=2)
    model.save(tmp_path / "model.keras")
    with pytest.raises(InputError, match="the sentencepiece model is damaged"):
        load_model(tmp_path / "model.keras").token_set.encode("A B")


@pytest.mark.parametrize("place", ["directory", "device", "link to a device"])
def test_only_regular_files_are_read(place, tmp_path):
    path = {"directory": tmp_path / "model.keras", "device": Path("/dev/zero")}.get(place, tmp_path / "link.keras")
    if place == "directory":
        path.mkdir()
    elif place != "device":
        path.symlink_to("/dev/zero")
    with pytest.raises(InputError, match="no such model"):
        keras_stt.load_model(path)
