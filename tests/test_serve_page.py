"""The page in a real browser: recordings are dropped and spoken, words heard, blanked out and filled in again."""

import itertools
import re

import httpx
import numpy as np
import pytest
import soundfile
from browser import open_browser, overflow, screenshot, watch
from serving import SENTENCE, serving, speech

pytest.importorskip("playwright.sync_api", reason='playwright is not installed: pip install -e ".[test]"')

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
# Chromium says of an answer that a page has read piece by piece, to its end, that it was aborted.
READ_IN_PIECES = r"^failed: \S+/v1/audio/transcriptions$"
SECONDS = 60_000  # milliseconds that anything may take on a busy machine


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("speech") / "a <b>river.wav"
    soundfile.write(path, *speech())
    return path


@pytest.fixture(scope="module")
def browser(recording):
    spoken = recording.with_name("microphone.wav")
    soundfile.write(spoken, *speech())
    microphone = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    with open_browser(*microphone, f"--use-file-for-fake-audio-capture={spoken}") as opened:
        yield opened


@pytest.fixture(scope="module")
def server(browser):  # asked for after the browser, so that none is started for nothing
    with serving("--max_mb=1", "--max_seconds=60") as running:
        yield running


@pytest.fixture
def open_page(browser, server):
    """Opens the page in a window of its own; nothing may go wrong in it but what `expected` matches.

    With `models` it takes this for the server's answer to what it serves.
    """
    contexts = []

    def opened(size=DESK, scheme="light", expected=READ_IN_PIECES, models=None):
        context = browser.new_context(viewport=size, color_scheme=scheme, accept_downloads=True)
        page = context.new_page()
        page.set_default_timeout(SECONDS)
        contexts.append((context, watch(page), expected))
        if models is not None:
            page.route("**/v1/models", lambda route: route.fulfill(json=models))
        page.goto(server.url)
        page.wait_for_selector("#model:not(:text('…'))")
        return page

    yield opened
    for context, found, expected in contexts:
        context.close()
        assert [line for line in found if not re.search(expected, line)] == []


def hear(page, path) -> list[str]:
    """Sends a file, and returns the words that are shown when all is done."""
    page.set_input_files("#file", path)
    return heard(page)


def heard(page) -> list[str]:
    page.wait_for_selector("#comparison:not([hidden])")
    return words(page)


def words(page) -> list[str]:
    return page.eval_on_selector_all(".word", "chips => chips.map((chip) => chip.firstChild.textContent)")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_words_appear_and_draft_and_refined_are_compared(open_page, recording, size):
    for scheme in ("light", "dark"):
        page = open_page(size, scheme)
        shown = hear(page, recording)
        assert len(set(SENTENCE.upper().split()) & set(shown)) >= 3
        assert page.inner_text("#name") == recording.name
        assert page.inner_text("#refined").split() == shown
        draft = page.inner_text("#draft").split()
        gone, come = (
            page.eval_on_selector_all(tag, "found => found.map((one) => one.textContent)") for tag in ("del", "ins")
        )
        assert [word for word in draft if word not in gone] != []
        assert gone or come
        assert overflow(page) == 0
        screenshot(page, f"serve_{size['width']}_{scheme}", full_page=True)


def test_words_are_shaded_by_confidence_and_told_in_numbers(open_page, recording):
    page = open_page()
    hear(page, recording)
    titles = page.eval_on_selector_all(".word", "chips => chips.map((chip) => chip.title)")
    sure = [int(re.search(r": [\d.]+ to [\d.]+ s, (\d+) % sure$", title)[1]) for title in titles]
    colours = page.eval_on_selector_all(".word", "chips => chips.map((chip) => getComputedStyle(chip).backgroundColor)")
    assert len({min(sure), max(sure)}) == 2
    assert colours[sure.index(min(sure))] != colours[sure.index(max(sure))]
    page.hover(f".word >> nth={len(titles) - 1}")
    assert page.inner_text("#detail") == titles[-1]


def test_a_click_plays_the_word_and_no_more(open_page, recording):
    page = open_page()
    hear(page, recording)
    page.evaluate(
        "() => { const audio = document.getElementById('audio'); window.played = [];"
        "const note = () => window.played.push(audio.currentTime);"
        "for (const name of ['playing', 'pause']) audio.addEventListener(name, note); }"
    )
    titles = page.eval_on_selector_all(".word", "chips => chips.map((chip) => chip.title)")
    for number in (len(titles) // 2, 1):
        page.evaluate("window.played.length = 0")
        page.click(f".word >> nth={number}")
        page.wait_for_selector(".word.playing")
        for _ in range(200):
            if page.evaluate("window.played.length >= 2 && document.getElementById('audio').paused"):
                break
            page.wait_for_timeout(50)
        start, end = map(float, re.search(r": ([\d.]+) to ([\d.]+) s", titles[number]).groups())
        began, ended = page.evaluate("[window.played.at(-2), window.played.at(-1)]")
        assert began == pytest.approx(start, abs=0.2)
        assert end - 0.05 <= ended <= end + 0.6  # a busy machine draws few pictures a second


def test_words_are_blanked_out_and_filled_in_from_the_audio(open_page, recording):
    page = open_page()
    before = hear(page, recording)
    assert page.is_disabled("#fill")
    page.click("#blank")
    for number in (1, 4, 5):
        page.click(f".word >> nth={number}")
    page.click(".word >> nth=7")
    page.click(".word >> nth=7")  # and not, after all
    assert page.locator(".word.blanked").count() == 3
    screenshot(page, "serve_blanked", full_page=True)
    # A word that is clicked while the server is asked stays as it is: the answer is about the words that were sent.
    clicks = "document.getElementById('fill').click(); document.querySelectorAll('.word')[7].click()"
    assert page.evaluate(f"{clicks}; document.querySelectorAll('.word.blanked').length") == 3
    page.wait_for_selector(".word.filled")
    after = words(page)
    notes = page.eval_on_selector_all(".word.filled small", "notes => notes.map((note) => note.textContent)")
    assert after[0] == before[0]
    assert after[-1] == before[-1]
    assert 2 <= len(notes) <= 6
    assert all(re.fullmatch(r"\d+ %, (as before|was .+)", note) for note in notes)
    assert page.locator(".word.blanked").count() == 0
    screenshot(page, "serve_filled", full_page=True)
    page.click("#reset")
    assert words(page) == before


def test_subtitles_are_of_what_is_shown(open_page, recording):
    page = open_page()
    shown = hear(page, recording)
    with page.expect_download() as download:
        page.click("#srt")
    text = download.value.path().read_text(encoding="utf-8")
    assert download.value.suggested_filename.endswith(".srt")
    lines = [line for line in text.splitlines() if line and not re.match(r"\d", line)]
    assert " ".join(lines).split() == shown


def test_what_is_spoken_is_heard(open_page):
    page = open_page()
    page.click("#record")
    page.wait_for_selector("#elapsed:text('0:03')")
    screenshot(page, "serve_recording")
    page.click("#record")
    shown = heard(page)
    assert page.inner_text("#name") == "recording.wav"
    assert len(set(SENTENCE.upper().split()) & set(shown)) >= 2
    assert 2.5 < page.evaluate("document.getElementById('audio').duration") < 20


def test_errors_are_one_line_and_the_next_file_is_heard(open_page, recording, tmp_path):
    page = open_page(expected=f"400|{READ_IN_PIECES}")
    broken, large, silent = tmp_path / "broken.wav", tmp_path / "large.wav", tmp_path / "silent.wav"
    broken.write_bytes(b"RIFF and then nothing")
    large.write_bytes(bytes(1_100_000))
    soundfile.write(silent, np.zeros(8_000, np.int16), 8_000)
    for path, said in ((broken, "cannot be read as audio"), (large, r"large\.wav: 1\.1 MB; at most 1 MB")):
        page.set_input_files("#file", path)
        page.wait_for_selector(f"#error:visible >> text=/{said}/")
        assert "\n" not in page.inner_text("#error")
    page.set_input_files("#file", silent)
    page.wait_for_selector("#status >> text=No word was heard.")
    assert hear(page, recording)
    assert page.is_hidden("#error")


def test_a_dropped_file_is_heard(open_page, recording):
    page = open_page()
    content = list(recording.read_bytes())
    page.evaluate(
        "(bytes) => { const files = new DataTransfer();"
        "files.items.add(new File([new Uint8Array(bytes)], 'dropped.wav', { type: 'audio/wav' }));"
        "document.dispatchEvent(new DragEvent('drop', { dataTransfer: files, bubbles: true, cancelable: true })); }",
        content,
    )
    assert heard(page)
    assert page.inner_text("#name") == "dropped.wav"


def test_gaps_of_a_long_recording_are_asked_about_in_parts(open_page, tmp_path):
    """Longer than what is heard at once; the words around the gaps stay, and lie where they lay."""
    samples, rate = speech()
    pause = np.zeros(rate, np.int16) + np.random.default_rng(0).integers(-9, 9, rate).astype(np.int16)
    path = tmp_path / "long.flac"
    soundfile.write(path, np.concatenate([part for _ in range(9) for part in (samples, pause)]), rate)
    page = open_page()
    before = hear(page, path)
    page.click("#blank")
    for number in (2, len(before) - 3):
        page.click(f".word >> nth={number}")
    page.click("#fill")
    page.wait_for_selector(".word.filled")
    after = words(page)
    assert after[:2] == before[:2]
    assert after[-2:] == before[-2:]
    titles = page.eval_on_selector_all(".word", "chips => chips.map((chip) => chip.title)")
    starts = [float(re.search(r": ([\d.]+) to", title)[1]) for title in titles]
    assert all(first <= second + 0.05 for first, second in itertools.pairwise(starts))
    assert len(page.query_selector_all(".word.filled")) >= 2


@pytest.mark.parametrize(
    ("can", "fills"),
    [({"draft": True, "refine": False, "fill": True}, True), ({"draft": False, "refine": True, "fill": False}, False)],
    ids=["no refiner", "window view"],
)
def test_what_a_model_cannot_do_is_not_shown(open_page, server, recording, can, fills):
    answer = httpx.get(f"{server.url}/v1/models", trust_env=False).json()
    answer["data"][0]["capabilities"] = can
    page = open_page(models=answer)
    page.set_input_files("#file", recording)
    page.wait_for_selector("#tools:not([hidden])")
    assert words(page)
    assert page.is_hidden("#comparison")
    assert page.is_visible("#blank") == page.is_visible("#fill") == fills
    page.click(".word >> nth=1")
    page.wait_for_selector(".word.playing")
