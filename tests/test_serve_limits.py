"""What a server does when there is too much: it refuses, gives up in time, and frees what it held."""

import contextlib
import json
import os
import socket
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from serving import ROOT, tone, until

uvicorn = pytest.importorskip("uvicorn", reason='uvicorn is not installed: pip install -e ".[serve]"')

from keras_stt.audio import SAMPLE_RATE  # noqa: E402
from keras_stt.cli.main import build_parser, main  # noqa: E402
from keras_stt.cli.serve import is_loopback  # noqa: E402
from keras_stt.decoding.stitch import Word  # noqa: E402
from keras_stt.serve import Limits, Served, create_app  # noqa: E402
from keras_stt.serve.uploads import IN_MEMORY, upload_blocks  # noqa: E402

PATH = "/v1/audio/transcriptions"
PATIENT = Served("patient", drafts=True, refines=True, fills=True)


class Patient:
    """Says a word whenever the test lets it: what no real model does on command."""

    def __init__(self, failure: Exception | None = None):
        self.words = threading.Semaphore(0)  # that it may say
        self.begun = self.ended = 0
        self.failure = failure

    def stream(self, blocks, passes):
        self.begun += 1
        try:
            for _ in blocks:
                pass
            for number in range(3):
                self.words.acquire()
                if self.failure is not None and number == 1:
                    raise self.failure
                yield Word("WORD", number, number + 1.0, 0.5)
        finally:
            self.ended += 1


@contextlib.contextmanager
def served(*models, about=PATIENT, **limits):
    """A server in this process, and a client of it."""
    app = create_app(about, models, Limits(**limits))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=5))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as http:
            yield http
    finally:
        for model in models:
            if isinstance(model, Patient):
                model.words.release(1000)
        server.should_exit = True
        thread.join()


def ask(http, content, **data):
    return http.post(PATH, files={"file": content}, data=data)


def requests(http) -> int:
    """At work or waiting."""
    return http.get("/healthz").json()["requests"]


@pytest.fixture(scope="module")
def wav():
    return tone(0.3)


def test_more_than_the_queue_holds_is_refused_and_the_rest_is_answered(wav):
    model = Patient()
    with served(model, queue=2) as http, ThreadPoolExecutor(3) as pool:
        taken = [pool.submit(ask, http, wav) for _ in range(3)]
        assert until(lambda: requests(http) == 3)
        refused = ask(http, wav)
        assert refused.status_code == 429
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert 1 <= int(refused.headers["retry-after"]) < 60
        model.words.release(9)
        assert [one.result().json() for one in taken] == [{"text": "WORD WORD WORD"}] * 3
        assert until(lambda: requests(http) == 0)
        model.words.release(3)
        assert ask(http, wav).status_code == 200


def test_copies_of_a_model_work_at_once_each_for_one(wav):
    models = Patient(), Patient()
    with served(*models, concurrency=2) as http, ThreadPoolExecutor(3) as pool:
        taken = [pool.submit(ask, http, wav) for _ in range(3)]
        assert until(lambda: requests(http) == 3)
        assert until(lambda: [model.begun for model in models] == [1, 1])
        for model in models:
            model.words.release(6)
        assert [one.result().status_code for one in taken] == [200] * 3
        assert sum(model.begun for model in models) == 3


def test_what_takes_too_long_is_told_so_and_its_place_is_free(wav):
    model = Patient()
    with served(model, queue=0, timeout_s=0.6) as http:
        late = ask(http, wav)
        assert late.status_code == 504
        assert late.json()["error"]["message"] == "not ready within 0.6 s; send a shorter recording, or try later"
        assert requests(http) == 0
        model.words.release(1)  # the thread looks up at its next word, and ends
        assert until(lambda: model.ended == 1)
        model.words.release(3)
        assert ask(http, wav).status_code == 200


def test_what_waited_too_long_is_never_begun(wav):
    model = Patient()
    with served(model, timeout_s=0.6) as http, ThreadPoolExecutor(2) as pool:
        taken = [pool.submit(ask, http, wav) for _ in range(2)]
        assert [one.result().status_code for one in taken] == [504, 504]
        model.words.release(1)
        assert until(lambda: model.ended == 1)
        model.words.release(3)
        assert ask(http, wav).status_code == 200
        assert model.begun == 2


def test_work_for_a_client_that_has_gone_ends(wav):
    model = Patient()
    with served(model) as http:
        with pytest.raises(httpx.ReadTimeout):
            http.post(PATH, files={"file": wav}, timeout=0.5)
        assert until(lambda: requests(http) == 0)
        model.words.release(1)
        assert until(lambda: model.ended == 1)
        model.words.release(1)
        with http.stream("POST", PATH, files={"file": wav}, data={"stream": "true"}) as answer:
            next(answer.iter_lines())
        assert until(lambda: requests(http) == 0)
        model.words.release(1)
        assert until(lambda: model.ended == 2)


def test_words_of_a_stream_come_before_the_last_is_found(wav):
    model = Patient()
    model.words.release(1)
    with served(model) as http, http.stream("POST", PATH, files={"file": wav}, data={"stream": "true"}) as answer:
        lines = (line for line in answer.iter_lines() if line)
        assert json.loads(next(lines).removeprefix("data: "))["delta"] == "WORD"
        assert model.ended == 0
        model.words.release(2)
        assert json.loads(list(lines)[-1].removeprefix("data: "))["text"] == "WORD WORD WORD"


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [(ZeroDivisionError("secret"), 500, "server_error"), (MemoryError(), 503, "out_of_memory")],
)
def test_a_failure_is_told_without_its_reason_and_the_next_is_served(wav, failure, status, code):
    model = Patient(failure)
    with served(model) as http:
        model.words.release(2)
        answer = ask(http, wav)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        assert "secret" not in answer.text
        model.words.release(2)
        lines = [line for line in ask(http, wav, stream="true").text.splitlines() if line]
        assert "delta" in lines[0]
        assert json.loads(lines[1].removeprefix("data: "))["error"]["code"] == code
        model.failure = None
        model.words.release(3)
        assert ask(http, wav).json() == {"text": "WORD WORD WORD"}


def test_who_sends_too_slowly_is_cut_off():
    model = Patient()
    with (
        served(model, timeout_s=0.5) as http,
        socket.create_connection((http.base_url.host, http.base_url.port)) as slow,
    ):
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        slow.sendall(f"{head}Content-Length: 1000\r\n\r\n--x\r\n".encode())
        slow.settimeout(20)
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")
        assert requests(http) == 0


class Talker(Patient):
    """Says so much that no network holds it all."""

    def stream(self, blocks, passes):
        long = "WORD" * 5_000
        for number in range(2_000):
            yield Word(long, number, number + 1.0, 0.5)


def test_who_does_not_read_is_cut_off(wav):
    with served(Talker(), timeout_s=0.5) as http:
        address = http.base_url.host, http.base_url.port
        with socket.create_connection(address) as deaf:
            fields = {"stream": (None, b"true"), "file": ("a.wav", wav)}
            asked = http.build_request("POST", PATH, files=fields)
            lines = [f"{name}: {value}" for name, value in asked.headers.items()]
            deaf.sendall("\r\n".join([f"POST {PATH} HTTP/1.1", *lines, "", ""]).encode() + asked.read())
            assert until(lambda: requests(http) == 1)
            assert until(lambda: requests(http) == 0, 30)


def test_nothing_of_an_upload_is_left(tmp_path, monkeypatch):
    """Large ones are files for a while."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    model = Patient()
    large = bytes(3_000_000)
    with served(model) as http:
        ask(http, b"small")
        before = len(os.listdir("/proc/self/fd"))
        assert ask(http, large).status_code == 400
        assert ask(http, large, response_format="none").status_code == 422
        assert http.post("/v1/audio/fill", files={"file": large}).status_code == 422
        assert until(lambda: len(os.listdir("/proc/self/fd")) <= before)
        assert list(tmp_path.iterdir()) == []


def test_a_recording_is_read_on_when_its_request_is_over():
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        file.write(tone(200))
        blocks = upload_blocks(file, 300.0)
        samples = len(next(blocks))
    assert 0 < samples < 200 * SAMPLE_RATE == samples + sum(map(len, blocks))


def test_too_many_words_are_refused_before_they_are_read():
    with served(Patient()) as http:
        headers = {"Content-Type": "application/json"}
        answer = http.post("/v1/audio/subtitles", content=b'{"words": [' + b"[]," * 4_000_000, headers=headers)
        assert answer.status_code == 413
        assert answer.json()["error"]["message"] == "more than 10 MB; send fewer words"


def test_a_window_model_has_no_draft_and_fills_nothing(tiny_recognizer, wav):
    about = Served.of(tiny_recognizer, "window", passes=1, transcribing={"hop_seconds": 0.3})
    with served(tiny_recognizer, about=about) as http:
        (model,) = http.get("/v1/models").json()["data"]
        assert model["capabilities"] == {"draft": False, "refine": True, "fill": False}
        assert set(ask(http, wav).json()) == {"text"}
        draft = ask(http, wav, passes="0")
        assert (draft.status_code, draft.json()["error"]["param"]) == (422, "passes")
        filled = http.post("/v1/audio/fill", files={"file": wav}, data={"text": "A ___"})
        assert (filled.status_code, filled.json()["error"]["code"]) == (400, "no_fill")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--port=70000"], "--port: 70000; give 0 to 65535"),
        (["--max_mb=0"], "--max_mb: 0 megabytes; give more than 0"),
        (["--timeout_s=nan"], "--timeout_s: nan seconds; give more than 0"),
        (["--concurrency=0"], "--concurrency: 0 copies of the model; give 1 or more"),
        (["--port=0", "--passes=5"], "--passes: 5 passes; give at most 4, which requests may ask for"),
        (["--queue=-1"], "--queue: -1 requests; give 0 or more"),
        (["--host=192.0.2.1", "--port=0"], "--host: 192.0.2.1 ("),
        (["--host=no such.host", "--port=0"], "--host: no such.host ("),
    ],
)
def test_wrong_flags_are_one_line(capsys, flags, said):
    assert main(["serve", "digits-small", *flags]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"keras-stt: {said}")
    assert told.count("\n") == 1


def test_a_port_that_is_taken_is_told(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", "digits-small", f"--port={taken.getsockname()[1]}"]) == 2
    assert "in use" in (told := capsys.readouterr().err)
    assert "give another, or 0 for any free one" in told


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST"])
def test_addresses_of_this_machine_alone(address):
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.2", "localhost.example", "example.com", ""])
def test_addresses_that_others_reach(address):
    assert not is_loopback(address)


def test_the_figures_of_the_page_are_those_that_were_measured(benchmark):
    found = benchmark("rounds").read_results("serve_load")
    assert found["errors"] == []
    assert found["memory_mb"]["end"] <= 1.05 * found["memory_mb"]["warm"]
    page = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
    assert (
        f"| {found['requests']:,} | 0 | {found['p50_ms']:,} ms | {found['p95_ms']:,} ms | {found['p99_ms']:,} ms |"
        in page
    )


def test_flags_and_limits_have_the_same_defaults():
    flags = build_parser("serve").parse_args(["serve", "digits-small"])
    assert Limits() == Limits(flags.max_mb, flags.max_seconds, flags.concurrency, flags.queue, flags.timeout_s)
