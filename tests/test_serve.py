"""A server in a process of its own, asked by OpenAI's client, by schemathesis, by hand, and by many at once."""

import re

import httpx
import pytest
from serving import SENTENCE, file_of, serving, speech, tone

openai = pytest.importorskip("openai", reason='openai is not installed: pip install -e ".[test]"')
schemathesis = pytest.importorskip("schemathesis", reason='schemathesis is not installed: pip install -e ".[test]"')

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance  # noqa: E402

MODEL = "librispeech-small"
TRANSCRIPTIONS = "/v1/audio/transcriptions"
MAX_MB, MAX_SECONDS = 2, 20


@pytest.fixture(scope="module")
def server():
    with serving(f"--max_mb={MAX_MB}", f"--max_seconds={MAX_SECONDS}") as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=120) as asking:
        yield asking


@pytest.fixture(scope="module")
def http(server):
    with httpx.Client(base_url=server.url, timeout=120, trust_env=False) as asking:
        yield asking


@pytest.fixture(scope="module")
def wav() -> bytes:
    return file_of(*speech())


@pytest.fixture(scope="module")
def heard(client, wav):
    return client.audio.transcriptions.create(
        model=MODEL,
        file=("speech.wav", wav),
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        language="en",
    )


def transcribe(client, content: bytes, **asked):
    return client.audio.transcriptions.create(**{"model": MODEL, "file": ("speech.wav", content), **asked})


def error_of(answer: httpx.Response) -> dict:
    """What an answer says went wrong, which must have OpenAI's shape."""
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert "\n" not in error["message"]
    assert error["type"] in ("invalid_request_error", "rate_limit_error", "server_error")
    return error


def test_it_says_where_it_is_and_listens_on_this_machine_alone(server):
    assert re.fullmatch(rf"{MODEL}: http://127\.0\.0\.1:\d+ \(Ctrl-C ends it\)\n", server.said)


def test_words_have_times_and_confidences(heard):
    spoken = set(SENTENCE.upper().split())
    assert len(spoken & set(heard.text.split())) >= 3  # a small model, and a synthetic voice
    assert " ".join(word.word for word in heard.words) == heard.text
    assert 3 < heard.duration < 6
    assert heard.language == "en"
    ends = 0.0
    for word in heard.words:
        assert ends <= word.start <= word.end <= heard.duration
        assert 0 <= word.confidence <= 1
        ends = word.end
    assert " ".join(segment.text for segment in heard.segments) == heard.text
    assert heard.segments[0].start == heard.words[0].start
    assert heard.segments[-1].end == heard.words[-1].end


def test_all_formats_say_the_same(client, wav, heard):
    assert transcribe(client, wav).text == heard.text
    assert transcribe(client, wav, response_format="text") == heard.text + "\n"
    srt = transcribe(client, wav, response_format="srt")
    assert srt.startswith("1\n00:00:00,")
    vtt = transcribe(client, wav, response_format="vtt")
    assert vtt.startswith("WEBVTT\n\n00:00:00.")
    for subtitles in (srt, vtt):
        shown = [line for line in subtitles.splitlines() if re.fullmatch(r"[A-Z' ]+", line) and line != "WEBVTT"]
        assert " ".join(shown) == heard.text


def test_a_stream_says_the_same_a_word_at_a_time(client, wav, heard):
    *deltas, done = transcribe(client, wav, stream=True)
    assert {event.type for event in deltas} == {"transcript.text.delta"}
    assert len(deltas) == len(heard.words)
    assert "".join(event.delta for event in deltas) == heard.text
    assert deltas[0].word["start"] == heard.words[0].start
    assert done.type == "transcript.text.done"
    assert done.text == heard.text


def test_the_draft_is_another_text(client, wav, heard):
    draft = transcribe(client, wav, extra_body={"passes": 0}).text
    assert draft
    assert draft != heard.text


@pytest.mark.parametrize("kind", ["FLAC", "OGG", "MP3"])
def test_other_kinds_of_files_are_heard(client, kind):
    samples, rate = speech()
    heard = transcribe(client, file_of(samples, rate, kind), response_format="verbose_json")
    assert heard.duration == pytest.approx(len(samples) / rate, abs=0.1)
    assert len(heard.text.split()) > 5


def test_models_tell_what_they_can_do(client):
    (model,) = client.models.list()
    assert model.id == MODEL
    assert model.capabilities == {"draft": True, "refine": True, "fill": True}
    assert model.limits["max_seconds"] == MAX_SECONDS
    assert client.models.retrieve(MODEL).id == MODEL


@pytest.mark.parametrize(
    ("asked", "kind", "said"),
    [
        ({"model": "whisper-1"}, openai.NotFoundError, "whisper-1.*name librispeech-small"),
        ({"file": ("a.wav", b"")}, openai.BadRequestError, "no bytes in it; send one of FLAC"),
        ({"file": ("a.wav", b"no audio at all")}, openai.BadRequestError, "file: cannot be read as audio"),
        ({"response_format": "diarized_json"}, openai.UnprocessableEntityError, "response_format: Input should be"),
        ({"temperature": 7}, openai.UnprocessableEntityError, "temperature"),
        ({"extra_body": {"passes": "many"}}, openai.UnprocessableEntityError, "passes"),
        ({"file": ("a.wav", tone(MAX_SECONDS + 1))}, openai.APIStatusError, "more than 20 s of audio"),
        ({"file": ("a.wav", bytes(MAX_MB * 1_100_000))}, openai.APIStatusError, "more than 2 MB"),
    ],
)
def test_errors_are_those_of_the_client(client, wav, asked, kind, said):
    with pytest.raises(kind, match=said) as error:
        transcribe(client, wav, **asked)
    assert "\n" not in error.value.body["message"]
    assert error.value.status_code in (400, 404, 413, 422)


def test_a_gap_is_filled_from_the_audio(http, wav, heard):
    words = heard.text.split()
    pattern = " ".join([*words[:2], "___", *words[3:]]).lower()
    answer = http.post("/v1/audio/fill", files={"file": wav}, data={"text": pattern})
    assert answer.status_code == 200, answer.text
    filled = answer.json()
    assert filled["text"].split()[:2] == words[:2]
    gap = [word for word in filled["words"] if word["filled"]]
    assert 1 <= len(gap) <= 2
    assert filled["words"].index(gap[0]) == 2
    assert all(0 <= word["confidence"] <= 1 for word in gap)


def test_a_part_of_a_recording_is_filled_with_times_in_the_recording(http, wav, heard):
    last = heard.words[-3:]
    start = last[0].start - 0.02
    asked = {"text": f"{last[0].word} ___", "start": start}
    words = http.post("/v1/audio/fill", files={"file": wav}, data=asked).json()["words"]
    assert words[0]["word"] == last[0].word
    assert start <= words[0]["start"] < words[-1]["end"] <= heard.duration + 0.1


@pytest.mark.parametrize(
    ("data", "param", "said"),
    [
        ({"text": "THE ___ ØL"}, "text", "the model has no 'Ø'"),
        ({"text": "?!"}, "text", "no word and no gap"),
        ({"text": "THE " * 500}, "text", "needs 999 steps of audio"),
        ({"text": "___", "start": 3, "end": 2}, "end", "not after start"),
        ({"text": "___", "start": 1000}, "text", "no audio"),
    ],
)
def test_texts_that_do_not_fit_are_told(http, wav, data, param, said):
    answer = http.post("/v1/audio/fill", files={"file": wav}, data=data)
    assert answer.status_code == 400
    error = error_of(answer)
    assert error["param"] == param
    assert said in error["message"]


def test_words_become_subtitles(http):
    words = [{"word": "A", "start": 0.5, "end": 1}, {"word": "<B>\n\n", "start": 1, "end": 2.25}]
    answer = http.post("/v1/audio/subtitles", json={"words": words})
    assert answer.text == "1\n00:00:00,500 --> 00:00:02,250\nA <B>\n\n"
    assert answer.headers["content-type"].startswith("text/plain")


def test_hosts_by_other_names_and_pages_of_other_sites_are_refused(http, server, wav):
    for name in ("evil.example", "127.0.0.1.evil.example:80", "", "[::2]"):
        answer = http.get("/v1/models", headers={"Host": name})
        assert (answer.status_code, error_of(answer)["code"]) == (403, "forbidden_host")
    for name in ("localhost", "LOCALHOST:99", "[::1]:8000"):
        assert http.get("/v1/models", headers={"Host": name}).status_code == 200
    for origin in ("https://evil.example", "null", "http://[bad", server.url.replace("127.0.0.1", "localhost")):
        answer = http.post(TRANSCRIPTIONS, files={"file": wav}, headers={"Origin": origin})
        assert (answer.status_code, error_of(answer)["code"]) == (403, "forbidden_origin")
    assert http.get("/v1/models", headers={"Origin": server.url}).status_code == 200


def test_too_large_a_body_of_unknown_length_is_refused(http):
    def endless():
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        yield head
        for _ in range(40):
            yield bytes(100_000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = http.post(TRANSCRIPTIONS, content=endless(), headers=headers)
    assert answer.status_code == 413
    assert error_of(answer)["code"] == "too_large"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/audio/transcriptions", 405), ("GET", "/nothing", 404), ("GET", "/static/../app.py", 404)],
)
def test_other_errors_have_the_same_shape(http, method, path, status):
    answer = http.request(method, path)
    assert answer.status_code == status
    error_of(answer)


def test_other_content_types_are_refused(http):
    answer = http.post(TRANSCRIPTIONS, content=b"abc", headers={"Content-Type": "audio/wav"})
    assert answer.status_code == 415
    assert "send multipart/form-data" in error_of(answer)["message"]
    answer = http.post(TRANSCRIPTIONS, content=b"abc", headers={"Content-Type": "multipart/form-data"})
    assert answer.status_code == 400
    error_of(answer)


def test_the_page_takes_nothing_from_elsewhere(http):
    page = http.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert len(files) == 3
    modules = re.findall(r'from "\./([^"]+)"', http.get("/static/app.js").text)
    for path in [*files, *(f"/static/{name}" for name in [*modules, "wav.js", "pcm-worklet.js"])]:
        answer = http.get(path)
        assert answer.status_code == 200, path
        assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", answer.text), path


def test_it_keeps_what_its_openapi_says(server):
    """All that schemathesis makes up, sound and unsound, is answered as documented."""
    schemathesis.openapi.media_type("audio/wav", st.sampled_from([tone(0.2), tone(1.0)]))
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    # What no schema says: a form has no types, so that a list of one number is sent as the number; and whether a text
    # fits a recording.
    left_out = {
        TRANSCRIPTIONS: [negative_data_rejection],
        "/v1/audio/fill": [negative_data_rejection, positive_data_acceptance],
    }
    asked = set()
    for operation in (one.ok() for one in schema.get_all_operations()):

        @settings(
            max_examples=8, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def check(case):
            asked.add(case.operation.label)
            case.call_and_validate(excluded_checks=left_out.get(case.path, []), timeout=120)

        check()
    assert len(asked) == 6


def test_sixteen_clients_at_once(server, benchmark):
    """No error, whatever the order; `benchmarks/serve_load.py` does it for a minute, and looks at memory."""
    found = benchmark("serve_load").load(server.url, server.process.pid, clients=16, seconds=5, warm_up=1)
    assert found["errors"] == []
    assert found["requests"] >= 16
    assert found["p50_ms"] <= found["p95_ms"] <= found["p99_ms"] < 60_000


def test_it_ends_by_interruption_without_a_word(server):
    code, said = server.stop()
    assert code == 0
    assert said == ""
