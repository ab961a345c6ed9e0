"""The doctor finds what works, what can be done without, and what is broken, with what mends it."""

import json
import os
import sys
import types

import pytest

from keras_stt.chosen_backend import chosen_backend
from keras_stt.cli.main import main
from keras_stt.doctor import BROKEN, MISSING, OK
from keras_stt.doctor.backend import Probe
from keras_stt.doctor.finding import Finding
from keras_stt.doctor.machine import bytes_of, look_at_machine, size
from keras_stt.doctor.packages import needed_package
from keras_stt.doctor.sound import KINDS, look_at_sound, read_back


def test_what_works_is_said_to_work(capsys):
    """The one test that imports the backend anew, as the doctor does, and loads the models that come along."""
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["broken"] == []
    findings = {one["name"]: one for one in told["findings"]}
    for name in (
        "python",
        "numpy",
        "backend works",
        "devices",
        "model librispeech-small",
        "espeak-ng",
        "current folder",
    ):
        assert findings[name]["state"] == OK, findings[name]
    assert findings["backend"]["told"].startswith(f"{os.environ['KERAS_BACKEND']}, by KERAS_BACKEND")
    assert all(one["fix"] for one in findings.values() if one["state"] != OK)


@pytest.mark.parametrize("kind", KINDS)
def test_each_format_is_written_and_read_back(kind):
    assert "16 kHz mono" in read_back(*KINDS[kind])


def test_a_format_that_cannot_be_read_is_broken(monkeypatch):
    monkeypatch.setitem(KINDS, "MP3", ("MP3", "PCM_16", 44_100))  # as of a libsndfile that was built without it
    finding = next(one for one in look_at_sound() if one.name == "reading MP3")
    assert finding.state == BROKEN
    assert "soundfile" in finding.fix
    assert "\n" not in finding.told


def test_a_backend_that_is_none_is_broken(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    (finding,) = Probe().findings()
    assert (finding.state, finding.told) == (BROKEN, "theano, by KERAS_BACKEND")
    assert finding.fix == "set KERAS_BACKEND to one of tensorflow, jax, torch"


def test_a_backend_that_cannot_be_imported_is_broken_and_takes_nothing_down(monkeypatch, tmp_path):
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text("raise ImportError('libtorch.so: no such file')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    backend, works = Probe().findings()
    assert (backend.state, works.state) == (OK, BROKEN)
    assert works.told == "ImportError: libtorch.so: no such file"
    assert "KERAS_BACKEND to tensorflow or jax" in works.fix


def test_a_backend_that_never_ends_is_given_up(monkeypatch, tmp_path):
    (tmp_path / "keras.py").write_text("import time; time.sleep(60)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    finding = Probe().findings(seconds=0.2)[-1]
    assert (finding.state, finding.told) == (BROKEN, "took more than 0 s")


def test_what_has_chosen_the_backend(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND")
    assert chosen_backend() == ("tensorflow", "")
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    assert chosen_backend() == ("jax", f"{tmp_path}/keras.json")
    (tmp_path / "keras.json").write_text('{"backend": "caffe"}')
    assert main(["transcribe", "digits-small", "a.wav"]) == 2
    told = f"keras-stt: {tmp_path}/keras.json 'caffe': give one of tensorflow, jax, torch\n"
    assert capsys.readouterr().err == told
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert chosen_backend() == ("torch", "KERAS_BACKEND")


def test_packages_that_are_old_or_not_there():
    assert needed_package("numpy", "1.0").state == OK
    old = needed_package("numpy", "99.1")
    assert (old.state, old.fix) == (BROKEN, "pip install --upgrade numpy")
    assert "older than 99.1" in old.told
    assert needed_package("no-such-package-of-ours", "").told == "not installed"


def test_no_microphone_is_no_fault(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    finding = look_at_sound()[-1]
    assert (finding.name, finding.state) == ("microphone", MISSING)
    assert "pip install" in finding.fix


def test_a_sound_system_in_disorder_is_no_fault(monkeypatch):
    def query_devices():
        raise RuntimeError("Error querying device -1")

    monkeypatch.setitem(sys.modules, "sounddevice", types.SimpleNamespace(query_devices=query_devices))
    finding = look_at_sound()[-1]
    assert (finding.state, finding.told) == (MISSING, "RuntimeError: Error querying device -1")


def test_a_machine_is_looked_at_while_files_and_folders_go_away(monkeypatch, tmp_path):
    (tmp_path / "kept").write_bytes(bytes(5))
    assert [bytes_of(tmp_path / name) for name in ("kept", "gone", ".")] == [5, 0, 0]
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    here.rmdir()
    assert look_at_machine()[-1].name == "current folder"


def test_lines_and_the_exit_code(monkeypatch, capsys):
    findings = [Finding("numpy", OK, "2.4"), Finding("backend works", BROKEN, "no torch", "pip install torch")]
    monkeypatch.setattr("keras_stt.doctor.examine", lambda: findings)
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"ok       {'numpy':<24} 2.4",
        f"broken   {'backend works':<24} no torch; pip install torch",
        "",
        "broken: backend works",
    ]


def test_sizes_are_said_as_people_say_them():
    assert [size(count) for count in (2048, 3 << 20, 5 << 30)] == ["2 KB", "3.0 MB", "5.0 GB"]
