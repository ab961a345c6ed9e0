"""`keras-stt transcribe` with all that it takes and writes, read back by our parsers or by the formats' rules."""

import io
import json
import re
import shutil

import numpy as np
import pytest
import soundfile
from conftest import WORDS, write_tone_records

from keras_stt.cli.main import main
from keras_stt.formats.ctm import parse_ctm
from keras_stt.formats.stm import parse_stm
from keras_stt.formats.trn import parse_trn


@pytest.fixture(scope="module")
def model_path(tiny_recognizer, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "model.keras"
    tiny_recognizer.save(path)
    return str(path)


@pytest.fixture(autouse=True)
def loaded_once(model_path, monkeypatch):
    """The model that is loaded is one, and the same for all commands."""
    import keras_stt.recognizer
    from keras_stt.recognizer import load_model

    monkeypatch.setattr(keras_stt.recognizer, "load_model", _kept(load_model))


_models = {}


def _kept(load_model):
    return lambda path: _models.get(path) or _models.setdefault(path, load_model(path))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """0.wav, 1.wav and deep/1.flac, text, and a link that leads back."""
    folder = tmp_path_factory.mktemp("speech")
    write_tone_records(folder, [6, 4])
    (folder / "deep er").mkdir()
    samples, rate = soundfile.read(folder / "1.wav")
    soundfile.write(folder / "deep er" / "1.flac", samples[::-1], rate)
    (folder / "notes.txt").write_text("no sound")
    (folder / "deep er" / "loop").symlink_to(folder, target_is_directory=True)
    return folder


@pytest.fixture
def run(model_path, capsys):
    def run(*arguments, code=0):
        assert main(["transcribe", model_path, *map(str, arguments)]) == code
        return capsys.readouterr()

    return run


def assert_one_line(captured, *words):
    assert captured.out == ""
    assert captured.err.startswith("keras-stt: ")
    assert captured.err.count("\n") == 1
    assert all(word in captured.err for word in words)


def test_folders_and_patterns_are_their_recordings(run, folder):
    texts = {line.split("\t")[0]: line for line in run(folder).out.splitlines()}
    assert list(texts) == [str(folder / name) for name in ("0.wav", "1.wav", "deep er/1.flac")]
    assert run(f"{folder}/?.wav").out.splitlines() == [texts[str(folder / name)] for name in ("0.wav", "1.wav")]
    assert run(f"{folder}/**/*.[fw][la]*").out.splitlines() == list(texts.values())
    assert run(folder / "0.wav", folder, f"{folder}/0*").out.splitlines() == list(texts.values())
    assert run(f"{folder}/deep*/1.flac").out == texts[str(folder / "deep er/1.flac")].partition("\t")[2] + "\n"


def test_what_is_not_there_is_said_in_one_line(run, tmp_path, folder):
    assert_one_line(run(tmp_path, code=2), "no recordings", "give files or folders")
    assert_one_line(run(f"{tmp_path}/*.wav", code=2), "*.wav", "nothing matches this pattern")
    assert_one_line(run(f"{tmp_path}/**.wav", code=2), "**.wav", "write ** as a folder of its own")
    assert_one_line(run(f"{tmp_path}/*.ogg", code=2), "*.ogg: nothing matches this pattern")
    (tmp_path / "calls").mkdir()
    assert_one_line(run(f"{tmp_path}/ca*", code=2), "ca*: no recordings", "give files or folders")
    captured = run(folder / "0.wav", tmp_path / "calls", code=1)
    assert "calls: cannot be read as audio (a folder, no file)" in captured.err
    captured = run(folder / "0.wav", f"{tmp_path}/*.wav", code=1)
    assert captured.out.startswith(str(folder / "0.wav"))
    assert captured.err.count("\n") == 1


def times(text, point):
    clock = rf"(\d+):(\d\d):(\d\d)\{point}(\d\d\d)"
    for found in re.finditer(rf"^{clock} --> {clock}$", text, re.M):
        h, m, s, ms, *end = map(int, found.groups())
        yield (3600 * h + 60 * m + s) + ms / 1000, 3600 * end[0] + 60 * end[1] + end[2] + end[3] / 1000


def test_every_format_reads_back_as_what_was_heard(run, folder, tiny_recognizer, tmp_path):
    file = folder / "0.wav"
    heard = tiny_recognizer.transcribe(file)
    assert len(heard.words) > 2
    told = {}
    for form in ("txt", "srt", "vtt", "ctm", "trn", "jsonl", "stm"):
        told[form] = tmp_path / f"a.{form}"
        told[form].write_text(run(file, f"--format={form}").out)
    assert told["txt"].read_text() == heard.text + "\n"
    (utterance,) = parse_trn(told["trn"])
    assert (utterance.id, utterance.text) == ("0", heard.text)
    for form in ("ctm", "jsonl"):
        if form == "ctm":
            words = [(w.file, w.word, w.start, w.end, w.confidence) for w in parse_ctm(told[form])]
        else:
            fields = json.loads(told[form].read_text())
            words = [("0", w["word"], w["start"], w["end"], w["confidence"]) for w in fields["words"]]
        assert [word[:2] for word in words] == [("0", word.text) for word in heard.words]
        expected = [(word.start, word.end, word.confidence) for word in heard.words]
        assert np.array([word[2:] for word in words]) == pytest.approx(np.array(expected), abs=2e-3)
    segments = parse_stm(told["stm"])
    assert " ".join(segment.text for segment in segments) == heard.text
    assert {(segment.file, segment.channel) for segment in segments} == {("0", "1")}
    assert segments[0].start == pytest.approx(heard.words[0].start, abs=2e-3)
    for form, point in (("srt", ","), ("vtt", ".")):
        text = told[form].read_text()
        shown = list(times(text, point))
        assert shown
        assert shown[0][0] == pytest.approx(heard.words[0].start, abs=2e-3)
        kept = re.sub(r"^(WEBVTT|\d+|.*-->.*)$", "", text, flags=re.M)
        assert kept.split() == heard.text.split()


def test_several_recordings_are_one_stream_of_their_ids_or_a_file_each(run, folder, tmp_path):
    lines = run(folder, "--format=trn").out.splitlines()
    assert [line.rpartition(" ")[2] for line in lines] == ["(0)", "(1)", "(deep_er/1)"]
    (tmp_path / "all.ctm").write_text(run(folder / "0.wav", folder / "1.wav", "--format=ctm").out)
    assert [w.file for w in parse_ctm(tmp_path / "all.ctm")] == sorted(w.file for w in parse_ctm(tmp_path / "all.ctm"))
    assert {word.file for word in parse_ctm(tmp_path / "all.ctm")} == {"0", "1"}
    assert_one_line(run(folder, "--format=srt", code=2), "--output_dir", "srt of 3 recordings", "name a folder")
    out = tmp_path / "new" / "out"
    captured = run(folder, folder / "notes.txt", "--format=vtt", f"--output_dir={out}", code=1)
    assert captured.out.splitlines() == [str(out / name) for name in ("0.vtt", "1.vtt", "deep_er/1.vtt")]
    assert "notes.txt: cannot be read as audio" in captured.err
    assert (out / "deep_er" / "1.vtt").read_text() == run(folder / "deep er" / "1.flac", "--format=vtt").out
    assert [path.name for path in sorted(out.iterdir())] == ["0.vtt", "1.vtt", "deep_er"]
    shutil.copy(folder / "0.wav", tmp_path / "0.b.wav")
    shutil.copy(folder / "0.wav", tmp_path / "0.b.au")
    assert [line.rpartition(" ")[2] for line in run(f"{tmp_path}/0.b.*", "--format=trn").out.splitlines()] == [
        "(0.b.au)",
        "(0.b.wav)",
    ]


def test_a_text_beside_its_recording_is_not_replaced(run, folder, tmp_path):
    shutil.copy(folder / "0.wav", tmp_path)
    (tmp_path / "0.txt").write_text("what was said")
    said = run(tmp_path / "0.wav", f"--output_dir={tmp_path}", code=2)
    assert_one_line(said, "--output_dir", "0.txt stands beside its recording", "name a new folder")
    assert (tmp_path / "0.txt").read_text() == "what was said"
    run(tmp_path / "0.wav", "--format=srt", f"--output_dir={tmp_path}")
    run(tmp_path / "0.wav", "--format=srt", f"--output_dir={tmp_path}")  # nobody writes these by hand


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_heard(run, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_stt.audio.audio_blocks", lambda source: pytest.fail("a recording was read"))
    (tmp_path / "taken").write_text("")
    captured = run(folder / "0.wav", f"--output_dir={tmp_path}/taken/out", code=2)
    assert_one_line(captured, "taken/out", "cannot be written")
    assert (tmp_path / "taken").read_text() == ""


@pytest.fixture
def pipe(monkeypatch):
    def pipe(data: bytes):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))

    return pipe


@pytest.mark.parametrize("name", ["0.wav", "deep er/1.flac"])
def test_standard_input_is_a_recording_of_any_format(run, folder, pipe, name):
    pipe((folder / name).read_bytes())
    assert run("-").out == run(folder / name).out
    pipe((folder / name).read_bytes())
    assert json.loads(run("-", "--format=jsonl").out)["file"] == "-"
    pipe((folder / name).read_bytes())
    assert run("-", "--format=trn").out.endswith("(stdin)\n")


def test_standard_input_that_is_no_recording_is_said(run, pipe, monkeypatch):
    pipe(b"")
    assert_one_line(run("-", code=2), "standard input", "no bytes")
    pipe(b"no sound")
    assert_one_line(run("-", code=2), "standard input: cannot be read as audio")
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", terminal)
    assert_one_line(run("-", code=2), "nothing is piped in")


def test_any_rate_and_any_number_of_channels_are_heard(run, tmp_path, tiny_recognizer):
    time = np.arange(96_000 * 3) / 96_000
    one = 0.2 * np.sin(2 * np.pi * 440 * time) * np.sin(4 * time) ** 2
    channels = np.stack([one * share for share in (0, 1, 0.5, 2, 1, 1.5)], axis=1).astype(np.float32)
    soundfile.write(tmp_path / "six.wav", channels, 96_000, subtype="FLOAT")
    heard = tiny_recognizer.transcribe(channels, 96_000)
    assert run(tmp_path / "six.wav").out == heard.text + "\n"
    assert json.loads(run(tmp_path / "six.wav", "--format=jsonl").out)["duration"] == 3.0


def test_a_terminal_sees_how_many_seconds_are_heard_and_a_file_does_not(run, folder, monkeypatch):
    assert run(folder).err == ""
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", terminal)
    assert set(run(folder / "0.wav").out.split()) <= set(WORDS)
    seconds = round(soundfile.info(folder / "0.wav").duration)
    assert f"0/{seconds} [" in terminal.getvalue()
