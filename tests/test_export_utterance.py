"""The artefacts of an utterance model in every format: run by their own runtime, they say what the model says."""

import dataclasses
import functools
import importlib.util
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from layer_contract import move_weights

from keras_stt import export
from keras_stt.cli.main import main
from keras_stt.errors import InputError
from keras_stt.export import FORMATS, ExportError, Recording, check_export, export_model, kinds, read_recordings
from keras_stt.export.expected import expected, greedy_token_ids
from keras_stt.export.run import padded_batch, run_artefact
from keras_stt.recognizer import UtteranceRecognizer
from keras_stt.tokens import CharacterTokens
from keras_stt.transcribe.chunks import MOST_SECONDS
from keras_stt.wer import wer

pytestmark = pytest.mark.slow

TOKENS = CharacterTokens("ABC'")
SIZE = {"model_dim": 32, "audio_blocks": 2, "attention_heads": 2, "refiner_blocks": 1, "subsampling": 4}


def save_model(path, seed, **changes):
    """A model that says something of all it hears."""
    keras.utils.set_random_seed(seed)
    model = UtteranceRecognizer(TOKENS.to_config(), TOKENS.size, **{**SIZE, **changes})
    move_weights(model)
    model.save(path)
    return model


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    return save_model(path, seed=4), path


def sounds():
    """Two recordings, of one of which the text is known."""
    rng = np.random.default_rng(0)
    loudness = np.sin(np.linspace(0, 20, 30_001)) ** 2
    syllables = (0.2 * loudness * rng.standard_normal(30_001)).astype(np.float32)
    return [Recording("syllables", syllables, "ABBA"), Recording("noise", syllables[7_000:16_000])]


@pytest.fixture(scope="module")
def model_says(recognizer):
    """What the model itself says of samples, computed once for all formats."""
    known = {}

    def model_says(samples, passes=2):
        key = samples.tobytes(), passes
        if key not in known:
            known[key] = expected(recognizer[0], samples, passes)
        return known[key]

    return model_says


@dataclasses.dataclass
class Export:
    """A folder, what was said of it when it was written and checked, and by file what it gave in the check."""

    folder: Path
    written: dict
    report: dict
    outputs: dict[str, dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def use_what_is_known(recognizer, model_says):
    """Checks take the model that is loaded already, and what it says of samples that it has heard before."""

    def use(patch):
        patch.setattr("keras_stt.export.check.load_model", lambda _: recognizer[0])
        patch.setattr("keras_stt.export.check_utterance.expected", lambda _, *asked: model_says(*asked))

    return use


@pytest.fixture(scope="module")
def export_in(recognizer, tmp_path_factory):
    """Exports in a format, with two passes and eight bits beside, and checks it, once."""

    @functools.cache
    def export_in(format) -> Export:
        folder = tmp_path_factory.mktemp("export") / format
        written = export_model(recognizer[1], folder, format, passes=2, int8=True)
        outputs = {}

        def noted(format, file, *arguments, **keywords):
            outputs[file.name] = run_artefact(format, file, *arguments, **keywords)
            return outputs[file.name]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("keras_stt.export.check_utterance.run_artefact", noted)
            report = check_export(recognizer[1], folder, sounds())
        return Export(folder, written, report, outputs)

    return export_in


@pytest.fixture(scope="module", params=FORMATS)
def exported(request, export_in):
    """A folder in each format, and its report."""
    missing = [name for name in kinds.PACKAGES[request.param] if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: pip install keras_stt[export]")
    export = export_in(request.param)
    return request.param, export.folder, export.written, export.report


# A long recording that is cut, a short one, one sample and none.
UNEVEN = [
    0.1 * np.random.default_rng(5).standard_normal(n).astype(np.float32)
    for n in (round(MOST_SECONDS * 16_000) + 50_123, 9_123, 1, 0)
]
SILENT_FIRST = 0.3 * np.random.default_rng(7).standard_normal(round(MOST_SECONDS * 16_000)).astype(np.float32)
SILENT_FIRST[:16_000] = 0


@pytest.fixture(scope="module")
def heard(exported):
    """The outputs for UNEVEN in one batch, noise after each, for each of them alone, and for SILENT_FIRST."""
    format, folder, _, _ = exported
    batches = [UNEVEN, *([one] for one in [*UNEVEN, SILENT_FIRST])]
    calls = [("serve", padded_batch(batch)) for batch in batches]
    return run_artefact(format, folder / kinds.FILES[format][0], calls)


def test_it_says_what_its_model_says(exported):
    format, folder, _, report = exported
    assert report["largest_logit_difference"] <= 1e-4
    assert report["texts_equal"]
    assert report["longest_seconds"] == 600
    assert report["wer"] == report["model"]["wer"] > 0
    assert report["audio_seconds_per_cpu_second"] > 0
    assert {"format": format, "recordings": 2}.items() <= report.items()
    assert json.loads((folder / "export_report.json").read_text()) == report


def test_eight_bits_are_smaller_and_nearly_the_same(exported):
    _, _, written, report = exported
    assert written["bytes"] == [report["bytes"], report["int8"]["bytes"]]
    whole, small = (wer(["ABBA"], figures["texts"][:1]) for figures in (report, report["int8"]))
    assert (report["wer"], report["int8"]["wer"]) == (pytest.approx(whole, abs=1e-4), pytest.approx(small, abs=1e-4))
    assert report["int8"]["wer_cost"] == pytest.approx(small - whole, abs=1e-4)
    assert len(report["int8"]["texts"]) == len(report["texts"]) == 2
    # The matrices of so small a model are few beside its log-mel filters, which stay as they are.
    assert report["int8"]["bytes"] < report["bytes"]
    assert 0 < report["int8"]["largest_logit_difference"] < np.inf


def other_steps(outputs):
    outputs["5.steps"] = outputs["5.steps"] - 1  # of ten minutes


def more_steps_than_there_are(outputs):
    outputs["2.steps"] = outputs["2.steps"] + 10_000


def padding_that_speaks(outputs):
    outputs["4.draft_logits"][0, :, 2] = 100  # a row of no sample, beside a second of noise


def another_vocabulary(outputs):
    outputs["vocabulary"] = outputs["vocabulary"][:-1]


def words_lost(outputs):
    outputs["0.token_ids"][...] = 0


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (other_steps, "int8 has other steps, no blank behind a row"),
        (more_steps_than_there_are, "int8 has other steps, no blank behind a row"),
        (padding_that_speaks, "int8 has other steps, no blank behind a row"),
        (another_vocabulary, "int8 has another vocabulary"),
        (words_lost, r"int8 costs 100\.0% of words \(at most 5%\)"),
    ],
)
def test_what_is_wrong_with_eight_bits_alone_is_told(
    small_export, export_in, use_what_is_known, monkeypatch, spoil, fault
):
    path, folder, recordings = small_export
    said = export_in("saved_model").outputs
    of_file = {folder.name: said["saved_model"], "int8": said["int8"]}

    def spoilt(format, file, *_, **__):
        outputs = {name: value.copy() for name, value in of_file[file.name].items()}
        if file.name == "int8":
            spoil(outputs)
        return outputs

    monkeypatch.setattr("keras_stt.export.check_utterance.run_artefact", spoilt)
    use_what_is_known(monkeypatch)
    with pytest.raises(ExportError, match=rf"not the same as its model: {fault}[^,]*; see export_report\.json in it$"):
        check_export(path, folder, recordings)
    report = json.loads((folder / "export_report.json").read_text(), parse_constant=pytest.fail)
    assert report["texts_equal"]
    assert (report["int8"]["largest_logit_difference"] is None) == ("steps" in fault)


@pytest.fixture(scope="module")
def small_export(recognizer, export_in, tmp_path_factory):
    """A SavedModel with its eight bits, and recordings of which one has the text that the model hears."""
    model, path = recognizer
    folder = tmp_path_factory.mktemp("small") / "out"
    shutil.copytree(export_in("saved_model").folder, folder)  # its report is written here
    syllables, noise = sounds()
    heard = model.token_set.decode(greedy_token_ids(model, syllables.samples, 2)["refined"])
    return path, folder, [Recording("syllables", syllables.samples, heard), noise]


def test_eight_bits_without_any_text_are_refused_before_they_are_written(small_export, tmp_path, capsys):
    import soundfile

    path, folder, (_, noise) = small_export
    soundfile.write(tmp_path / "noise.wav", noise.samples, 16_000)
    audio = f"--audio={tmp_path / 'noise.wav'}"
    assert main(["export", str(path), str(tmp_path / "out"), "--int8", audio]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "int8: no text is known of" in line
    assert "noise.wav, and words lost are what it is judged by; put X.txt beside X.wav" in line
    assert [file.name for file in tmp_path.iterdir()] == ["noise.wav"]
    with pytest.raises(InputError, match="int8: no text is known of noise and 1 more"):
        check_export(path, folder, [noise, noise])


@pytest.mark.parametrize("passes", [0, 1, 3])
def test_the_clock_is_held_to_what_the_artefact_does(recognizer, monkeypatch, passes):
    model, _ = recognizer
    samples = sounds()[0].samples
    said = expected(model, samples, passes)
    asked, real = [], model.draft_and_refine
    monkeypatch.setattr(model, "draft_and_refine", lambda *inputs: asked.append(inputs[-1]) or real(*inputs))
    token_ids = greedy_token_ids(model, samples, passes)
    assert asked == [passes]
    assert token_ids == {name: said.token_ids(name) for name in said.logits}


def test_it_carries_its_vocabulary(exported):
    _, folder, _, report = exported
    metadata = json.loads((folder / "keras_stt.json").read_text())
    assert report["vocabulary_equal"]
    assert metadata["vocabulary"] == ["", *TOKENS.pieces]
    assert (metadata["passes"], metadata["sample_rate"]) == (2, 16_000)
    serve = metadata["signatures"]["serve"]
    assert sorted(serve["inputs"]) == ["waveform", "waveform_lengths"]
    assert {"draft_logits", "refined_logits", "draft_token_ids", "token_ids", "steps"} <= set(serve["outputs"])
    token_ids, vocabulary = [2, 3, 3, 1, 2, 0, 0], metadata["vocabulary"]
    assert eval(metadata["text"], {"vocabulary": vocabulary, "token_ids": token_ids}) == TOKENS.decode(token_ids)


def test_padding_neighbours_and_nothing_at_all(heard, model_says):
    assert heard["0.steps"].tolist() == [-(-(len(one) // 160) // 4) for one in UNEVEN]
    for row, one in enumerate(UNEVEN):
        said = model_says(one)
        steps = len(said.decided)
        for alone in (heard["0.draft_logits"][row], heard[f"{row + 1}.draft_logits"][0]):
            np.testing.assert_allclose(alone[:steps], said.logits["draft"], atol=1e-4)
            assert not alone[steps:].argmax(axis=-1).any()
    assert not heard["0.token_ids"][2:].any()


def test_silence_before_long_speech(heard, model_says):
    """The first frame is far from the mean, and runtimes add up thousands of them one after the other."""
    logits = model_says(SILENT_FIRST).logits["draft"]
    np.testing.assert_allclose(heard[f"{1 + len(UNEVEN)}.draft_logits"][0], logits, atol=2e-5)


def test_a_draft_alone(tmp_path):
    save_model(tmp_path / "model.keras", seed=6, refiner_blocks=0, audio_mixer="conv", subsampling=3)
    export_model(tmp_path / "model.keras", tmp_path / "out", passes=1)
    report = check_export(tmp_path / "model.keras", tmp_path / "out", sounds())
    assert report["texts_equal"]
    assert json.loads((tmp_path / "out" / "keras_stt.json").read_text())["passes"] == 0


def test_what_is_missing_is_one_line(tmp_path, recognizer, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tf2onnx" else real(name))
    with pytest.raises(InputError, match=r"^format onnx: tf2onnx not installed; pip install 'keras_stt\[export\]'$"):
        export_model(recognizer[1], tmp_path / "out", "onnx")
    with pytest.raises(InputError, match="give one of saved_model, onnx, litert, openvino"):
        export_model(recognizer[1], tmp_path / "out", "coreml")
    with pytest.raises(InputError, match="passes -1: give 0"):
        export_model(recognizer[1], tmp_path / "out", passes=-1)
    assert not list(tmp_path.iterdir())


def test_a_mismatch_is_exit_code_1_and_leaves_its_report(tmp_path, recognizer, monkeypatch, capsys):
    exact = export.check.check_utterance

    def off(model, *arguments):
        move_weights(model)
        return exact(model, *arguments)

    monkeypatch.setattr(export.check, "check_utterance", off)
    assert main(["export", str(recognizer[1]), str(tmp_path / "out"), f"--audio={write_sounds(tmp_path)}"]) == 1
    captured = capsys.readouterr().err.strip().splitlines()
    assert "not the same as its model" in captured[-1]
    report = json.loads((tmp_path / "out" / "export_report.json").read_text())
    assert report["largest_logit_difference"] > report["tolerance"]


def write_sounds(folder):
    import soundfile

    speech = folder / "speech"
    speech.mkdir()
    for one in sounds():
        soundfile.write(speech / f"{one.name}.wav", one.samples, 16_000)
    (speech / "syllables.txt").write_text("Abba.\n")
    (speech / "speech.trans.txt").write_text("noise CAB\n")
    return speech


def test_recordings_come_with_their_texts(tmp_path):
    found = read_recordings(write_sounds(tmp_path))
    assert [one.text for one in found] == ["CAB", "ABBA"]
    assert len(read_recordings(tmp_path / "speech" / "noise.wav")[0].samples) == 9_000
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no recordings in it"):
        read_recordings(tmp_path / "empty")
