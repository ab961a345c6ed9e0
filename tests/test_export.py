"""The SavedModel of a window model: it says what its model says, for any batch and length, and tells what is wrong."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from conftest import WORDS, say
from layer_contract import move_weights

from keras_stt import features, layers
from keras_stt.errors import FlagError, InputError
from keras_stt.export import ExportError, Recording, check_export, export_model, kinds, reference_windows
from keras_stt.export.run import run_artefact
from keras_stt.formats.whole_folder import written_whole
from keras_stt.recognizer import Recognizer
from keras_stt.text import Vocabulary
from keras_stt.train.run import train

pytestmark = pytest.mark.slow

TINY = {"text_context": 4, "audio_context": 32, "model_dim": 16, "audio_blocks": 1, "blocks": 1, "attention_heads": 2}
WINDOW = 32 * 6 * features.HOP_LENGTH  # samples
TRAINING = {"flags": {"seed": 3}, "dev_wer": 0.25}


def save_model(folder, seed):
    keras.utils.set_random_seed(seed)
    model = Recognizer(Vocabulary(WORDS).to_list(), **TINY, training=TRAINING)
    move_weights(model)
    folder.mkdir()
    model.save(folder / "model.keras")
    return folder


@pytest.fixture(scope="module")
def model_path(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model") / "run", seed=4)


@pytest.fixture(scope="module")
def exported(model_path):
    """The folder of an artefact, and what the export said of it."""
    folder = model_path / "deep" / "export"
    return folder, export_model(model_path, folder)


@pytest.fixture(scope="module")
def artefact(exported):
    import tensorflow as tf

    return tf.saved_model.load(str(exported[0]))


def serve(artefact, waveforms, padded_to=None, padding=0.0, token_ids=None):
    """The outputs of the default signature, as arrays."""
    import tensorflow as tf

    lengths = [len(waveform) for waveform in waveforms]
    batch = np.full((len(waveforms), padded_to or max(lengths)), padding, np.float32)
    for row, waveform in zip(batch, waveforms, strict=True):
        row[: len(waveform)] = waveform
    if token_ids is None:
        token_ids = np.full((len(waveforms), TINY["text_context"]), Vocabulary.mask_id)
    outputs = artefact.signatures["serving_default"](
        waveform=tf.constant(batch),
        waveform_lengths=tf.constant(lengths, tf.int32),
        token_ids=tf.constant(token_ids, tf.int32),
    )
    return {name: value.numpy() for name, value in outputs.items()}


def noise(samples, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def test_it_says_what_its_model_says(model_path, exported):
    folder, written = exported
    tones, _ = say(WORDS[:3], np.random.default_rng(0))
    # Beside pure tones float32 has few digits left for what is faint, in the model's features as in the graph's.
    speech = tones + noise(len(tones))
    samples = [*reference_windows(written["window_seconds"]), speech]
    report = check_export(model_path, folder, [Recording(str(i), one) for i, one in enumerate(samples)])
    assert report["texts_equal"]
    assert 0 <= report["largest_logit_difference"] <= 1e-4
    assert report["windows"] == len(report["texts"]) == 6
    assert report["longest_seconds"] == 600
    assert report["bytes"] == written["bytes"][0]
    assert report["audio_seconds_per_cpu_second"] > 0
    assert report["model"]["audio_seconds_per_cpu_second"] > 0
    assert json.loads((folder / "export_report.json").read_text()) == report


def test_it_carries_its_vocabulary_and_its_origin(exported, artefact):
    folder, written = exported
    vocabulary = Vocabulary(WORDS).to_list()
    words = artefact.signatures["vocabulary"]()["words"].numpy()
    assert [word.decode() for word in words] == vocabulary
    metadata = json.loads((folder / "keras_stt.json").read_text())
    assert metadata["vocabulary"] == vocabulary
    assert metadata["training"] == TRAINING
    assert (metadata["sample_rate"], metadata["text_context"], metadata["window_seconds"]) == (16_000, 4, 1.92)
    assert metadata["special_token_ids"] == {"<pad>": 0, "<mask>": 1, "<unk>": 2, "<sil>": 3}
    assert metadata["versions"]["keras"] == keras.__version__
    signatures = {
        name: {"inputs": sorted(one.structured_input_signature[1]), "outputs": sorted(one.structured_outputs)}
        for name, one in artefact.signatures.items()
    }
    assert metadata["signatures"] == signatures
    assert set(signatures) == {"serve", "serving_default", "transcribe_window", "vocabulary"}
    weights = 4 * (written["parameters"] + features.WINDOW_LENGTH * (features.FFT_LENGTH + 2))
    data = folder / "variables" / "variables.data-00000-of-00001"
    assert weights < data.stat().st_size < 1.5 * weights
    assert written["bytes"][0] > data.stat().st_size


def test_padding_and_neighbours_are_not_heard(artefact):
    waveforms = [noise(WINDOW, 1), noise(9_123, 2), noise(700, 3)]
    together = serve(artefact, waveforms, padded_to=WINDOW + 5_000, padding=np.nan)
    for i, waveform in enumerate(waveforms):
        alone = serve(artefact, [waveform])
        steps = alone["attention"].shape[-1]
        np.testing.assert_allclose(together["tokens"][i], alone["tokens"][0], atol=2e-5)
        np.testing.assert_allclose(together["attention"][i, :, :steps], alone["attention"][0], atol=1e-5)
        np.testing.assert_allclose(together["attention"][i, :, steps:], 0, atol=1e-6)


def test_what_is_longer_than_a_window_is_cut_off(artefact):
    recording = noise(3 * WINDOW)
    whole, cut = serve(artefact, [recording]), serve(artefact, [recording[: WINDOW + features.EDGE]])
    assert whole["attention"].shape == (1, 4, 32)
    np.testing.assert_allclose(whole["tokens"], cut["tokens"], atol=1e-6)


@pytest.mark.parametrize("samples", [0, 1, 159])
def test_less_than_a_frame_is_no_error(artefact, samples):
    outputs = serve(artefact, [noise(samples)])
    assert all(np.isfinite(value).all() for value in outputs.values())
    beside = serve(artefact, [noise(samples), noise(WINDOW)])
    np.testing.assert_allclose(beside["tokens"][0], outputs["tokens"][0], atol=2e-5)
    words = artefact.signatures["transcribe_window"](
        waveform=noise(samples)[None], waveform_lengths=np.array([samples], np.int32)
    )
    assert words["words"].numpy().tolist() == [[b""] * 4]


def test_given_words_stay_and_masked_ones_are_said(artefact):
    token_ids = np.array([[5, Vocabulary.mask_id, 7, Vocabulary.mask_id]])
    outputs = serve(artefact, [noise(WINDOW)], token_ids=token_ids)
    logits = outputs["tokens"][0].astype(np.float64)
    logits[:, list(Vocabulary.unsaid_ids)] = -np.inf
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = np.where(token_ids[0] == Vocabulary.mask_id, logits.argmax(axis=1), token_ids[0])
    assert outputs["token_ids"][0].tolist() == expected.tolist()
    np.testing.assert_allclose(outputs["confidences"][0, [1, 3]], probabilities.max(axis=1)[[1, 3]], rtol=1e-4)
    assert outputs["confidences"][0, [0, 2]].tolist() == [1, 1]


def test_it_transcribes_a_window_to_strings(artefact):
    import tensorflow as tf

    waveforms = np.stack([noise(WINDOW, seed) for seed in range(8)])
    lengths = tf.constant([WINDOW] * 4 + [4_000] * 4)
    outputs = artefact.signatures["transcribe_window"](waveform=tf.constant(waveforms), waveform_lengths=lengths)
    token_ids = serve(artefact, [row[:length] for row, length in zip(waveforms, lengths, strict=True)])["token_ids"]
    vocabulary = Vocabulary(WORDS)
    for words, confidences, ids in zip(
        outputs["words"].numpy(), outputs["confidences"].numpy(), token_ids, strict=True
    ):
        spoken = ~np.isin(ids, vocabulary.fill_ids)
        expected = [word if said else "" for word, said in zip(vocabulary.decode(ids), spoken, strict=True)]
        assert [word.decode() for word in words] == expected
        assert (confidences[spoken] > 0).all()
        assert not confidences[~spoken].any()


def test_another_model_is_told_apart(tmp_path, exported):
    other = save_model(tmp_path / "other", seed=5)
    with pytest.raises(ExportError, match=r"^[^\n]*not the same as its model: logits differ by \d[^\n]*$"):
        check_export(other, exported[0], [Recording("noise", noise(WINDOW))])
    report = json.loads((exported[0] / "export_report.json").read_text())
    assert report["largest_logit_difference"] > report["tolerance"]


def test_a_report_is_json_where_the_difference_is_infinite(model_path, exported, monkeypatch):
    def cut_short(*arguments, **keywords):
        outputs = run_artefact(*arguments, **keywords)
        return {**outputs, "0.tokens": outputs["0.tokens"][:, :-1]}

    monkeypatch.setattr("keras_stt.export.check_window.run_artefact", cut_short)
    with pytest.raises(ExportError, match="logits differ by inf"):
        check_export(model_path, exported[0], [Recording("noise", noise(WINDOW))])
    report = json.loads((exported[0] / "export_report.json").read_text(), parse_constant=pytest.fail)
    assert report["largest_logit_difference"] is None
    assert report["texts_equal"]


def test_a_broken_artefact(tmp_path, model_path):
    broken = tmp_path / "out"
    broken.mkdir()
    with pytest.raises(ExportError, match=r"^[^\n]*cannot be run \([^\n]*export it again$"):
        check_export(model_path, broken)
    (broken / "keras_stt.json").write_text('{"view": "window", "format": "saved_model", "window_seconds": 1.92}')
    with pytest.raises(ExportError, match=r"^[^\n]*cannot be run \([^\n]*export it again$"):
        check_export(model_path, broken)


def test_folders_are_written_whole_or_not_at_all(tmp_path, model_path):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.tex").touch()
    with pytest.raises(InputError, match="is no earlier export; give a new folder"):
        export_model(model_path, taken)
    assert [path.name for path in taken.iterdir()] == ["thesis.tex"]
    with pytest.raises(InputError, match="cannot be written"):
        export_model(model_path, taken / "thesis.tex" / "out")
    with pytest.raises(InputError, match="no such model"):
        export_model(tmp_path / "none", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_what_fails_within_a_folder_is_not_told_as_the_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="protoc"), written_whole(tmp_path / "out"):
        raise FileNotFoundError(2, "No such file", "protoc")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_replaced_is_one_line(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    told = pytest.raises(InputError, match=r"out: cannot be written \(No space left on device\); check its folder$")
    with told, written_whole(tmp_path / "out"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_folder_has_the_mode_that_the_user_asked_for(tmp_path):
    before = os.umask(0o027)
    try:
        with written_whole(tmp_path / "out"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o750


def test_a_converter_that_gives_up_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_stt.export.write._CHILD", "import sys; print('I0000 ready', file=sys.stderr); 1 / 0")
    with pytest.raises(ExportError, match=r"^[^\n]*out: writing onnx failed \(ZeroDivisionError: [^\n]*other format$"):
        export_model("any", tmp_path / "out", "onnx")
    assert not list(tmp_path.iterdir())


def test_an_earlier_export_is_replaced(tmp_path, model_path, exported):
    folder = tmp_path / "out"
    shutil.copytree(exported[0], folder)
    (folder / "old").touch()
    (folder / "saved_model.pb").write_text("of another model")
    export_model(model_path, folder)
    assert (folder / "saved_model.pb").stat().st_size > 1000
    assert not (folder / "old").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_it_agrees_with_the_model_on_other_backends(tmp_path, model_path, backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: pip install keras_stt[{backend}]")
    command = [sys.executable, "-m", "keras_stt", "export", str(model_path), str(tmp_path / "out")]
    done = subprocess.run(command, env={**os.environ, "KERAS_BACKEND": backend}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads((tmp_path / "out" / "export_report.json").read_text())
    assert report["largest_logit_difference"] <= 1e-4


def test_the_graph_hears_a_loud_tone_beside_silence_as_training_does():
    time = np.arange(8_000) / 16_000
    samples = np.where(time < 0.3, np.sin(2 * np.pi * 440 * time), 0).astype(np.float32)
    frames = keras.ops.convert_to_numpy(layers.LogMel()(samples[None]))[0]
    np.testing.assert_allclose(frames, features.log_mel(samples), atol=3e-4)


def test_digital_silence_is_zero_on_every_backend():
    silence = np.full((1, 768, 80), np.log(features.LOG_FLOOR), np.float32)
    normalized = layers.FeatureNormalization()(silence, np.array([700]))
    assert not keras.ops.convert_to_numpy(normalized).any()


@pytest.mark.parametrize("asked", [{"format": "onnx"}, {"int8": True}])
def test_what_a_window_model_has_not_is_one_line(tmp_path, model_path, asked):
    with pytest.raises(InputError, match="of utterance models; a window model exports as saved_model in float32"):
        export_model(model_path, tmp_path / "exported", **asked)
    assert not (tmp_path / "exported").exists()


def test_a_run_that_could_not_be_exported_does_not_begin(options_of, tmp_path, monkeypatch):
    monkeypatch.setitem(kinds.PACKAGES, "saved_model", ("no_such_package",))
    with pytest.raises(FlagError, match="--export: format saved_model: no_such_package not installed; pip install"):
        train(options_of("--export", f"--output_dir={tmp_path}"))
    assert not list(tmp_path.glob("*"))
