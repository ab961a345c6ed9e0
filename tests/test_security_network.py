"""The network is for --download alone, and what comes from there must have the known sum."""

import hashlib
import http.server
import importlib.util
import io
import os
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tone_manifest import write_tone_manifest

from keras_stt.data.sources import librispeech_tfds
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.errors import InputError

ROOT = Path(__file__).parent.parent
OFFLINE = Path(__file__).with_name("offline.py")


def run_offline(notes: Path, *words: str):
    """Runs programs that the network is closed to; what they tried stands in `notes`."""
    backend = "torch" if importlib.util.find_spec("torch") else "tensorflow"  # the quickest there is
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(OFFLINE), str(notes), *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_training_evaluation_and_transcription_never_ask_for_the_network(tmp_path):
    """With a corpus of TFDS and with one of plain files."""
    manifest = write_tone_manifest(tmp_path)
    run, cache = str(tmp_path / "run"), f"--cache_dir={tmp_path / 'cache'}"
    train = ["train_main.py", "--flagfile=flags/tiny.cfg", "--epochs=1", "--steps_per_epoch=1", "--test_utterances=1"]
    train += ["--model_dim=8", "--batch_size=2", "--hop_ms=3000"]
    evaluate = ["keras_stt", "evaluate", run, "--dataset=manifest", f"--data_dir={manifest}", "--limit=1", cache]
    transcribe = ["keras_stt", "transcribe", "digits-small", str(tmp_path / "0.wav"), "--language_model=digits-words"]
    programs = [
        [*train, f"--output_dir={run}", cache],
        evaluate,
        transcribe,
        ["keras_stt", "--help"],
    ]
    words = [word for program in programs for word in (*program, ",")][:-1]
    done = run_offline(tmp_path / "notes", *words)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "run" / "model.keras").exists()
    assert not (tmp_path / "notes").exists(), (tmp_path / "notes").read_text()


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 80))",
        "import urllib.request; urllib.request.urlopen('http://example.invalid')",
        "import socket\ntry:\n    socket.getaddrinfo('example.invalid', 80)\nexcept OSError:\n    pass",
    ],
)
def test_an_attempt_would_be_noticed(attempt, tmp_path):
    (tmp_path / "program.py").write_text(attempt)
    run_offline(tmp_path / "notes", str(tmp_path / "program.py"))
    assert (tmp_path / "notes").exists()


@pytest.fixture
def openslr(monkeypatch):
    """The archives of a server that says it is openslr.org, reached by a proxy on this machine; a dict to be filled."""
    served: dict[str, bytes] = {}

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            content = served[self.path.rsplit("/", 1)[1]]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("no_proxy", "")
        yield served
        server.shutdown()
        thread.join()


def archive_of(subset: str, speaker: int) -> bytes:
    """An archive of one utterance of noise, in the official layout."""
    name, folder = f"{speaker}-1-0000", f"LibriSpeech/{subset}/{speaker}/1"
    flac, content = io.BytesIO(), io.BytesIO()
    soundfile.write(flac, np.random.default_rng(0).normal(0, 0.1, 8000), 16_000, format="FLAC")
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for path, data in ((f"{name}.flac", flac.getvalue()), (f"{speaker}-1.trans.txt", f"{name} A WORD\n".encode())):
            member = tarfile.TarInfo(f"{folder}/{path}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


def options(folder) -> CorpusOptions:
    return CorpusOptions("librispeech", cache_dir=str(folder), download=True)


SUBSETS = ("train-clean-100", "dev-clean", "test-clean")


def test_a_download_with_another_sum_is_refused(openslr, tmp_path):
    openslr.update({f"{subset}.tar.gz": archive_of(subset, 7) for subset in SUBSETS})
    with pytest.raises(InputError, match=r"^train-clean-100.tar.gz: what came is another file \(its size or SHA-256"):
        librispeech_tfds.splits(options(tmp_path))
    assert not (tmp_path / "downloads" / "librispeech_subset" / "train-clean-100.tar.gz").exists()
    assert not list(tmp_path.rglob("dataset_info.json"))
    # Nor is it taken for a file that has been downloaded already.
    with pytest.raises(InputError, match="what came is another file"):
        librispeech_tfds.splits(options(tmp_path))


def test_a_download_with_the_known_sum_is_used(openslr, tmp_path, monkeypatch):
    openslr.update({f"{subset}.tar.gz": archive_of(subset, 7) for subset in SUBSETS})
    known = dict(librispeech_tfds._known_sums())
    for url, official in list(known.items()):
        if (name := url.rsplit("/", 1)[1]) in openslr:
            content = openslr[name]
            sum_ = hashlib.sha256(content).hexdigest()
            known[url] = type(official)(size=len(content), checksum=sum_, filename=name)
    monkeypatch.setattr(librispeech_tfds, "_known_sums", lambda: known)
    (record,) = librispeech_tfds.splits(options(tmp_path))["test"]
    assert record.text == "A WORD"


def test_official_sums_are_known_for_all_that_can_be_downloaded():
    known = librispeech_tfds._known_sums()
    names = {f"{subset}.tar.gz" for subset in librispeech_tfds.SUBSETS}
    assert {url.removeprefix(librispeech_tfds.ARCHIVE_URL) for url in known} == names
    assert all(len(info.checksum) == 64 and info.size > 10**8 for info in known.values())
