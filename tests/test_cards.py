"""The cards of a report in a real browser: what is clicked is heard, from its start to its end, and nothing fails."""

import dataclasses
import itertools
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from browser import open_browser, overflow, screenshot, wait_until, watch
from conftest import WORDS, say, tone
from tone_manifest import TEXTS, write_tone_manifest

from keras_stt.audio import SAMPLE_RATE
from keras_stt.data.sources import open_corpus
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.decoding.stitch import Word
from keras_stt.evaluation import evaluate_utterances
from keras_stt.evidence.choose import ALL, quality
from keras_stt.evidence.example import ATTENTION, FOUND, Example, MaskedText, Picture, Slot
from keras_stt.evidence.folder import FOLDER, read_examples, write_examples
from keras_stt.evidence.utterance import utterance_examples
from keras_stt.formats.textgrid import write_textgrid
from keras_stt.recognizer import load_model
from keras_stt.report.cards import render
from keras_stt.report.page import write_page
from keras_stt.train.options import TrainOptions
from keras_stt.train.run import train

sys.path.insert(0, str(Path(__file__).parent.parent))
pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="what a run leaves is tested once")

EARLY, LATE = 0.05, 0.2  # seconds that a click may miss the start of a word by, and a player its end
# Notes when players start and stop, and every 10 ms of sound its loudest frequency in Hz.
LISTEN = """() => {
  window.events = [];
  window.pitches = [];
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 2048;
  analyser.smoothingTimeConstant = 0;
  analyser.connect(context.destination);
  [...document.querySelectorAll("audio")].forEach((audio, card) => {
    context.createMediaElementSource(audio).connect(analyser);
    audio.addEventListener("seeking", () => events.push(["start", card, audio.currentTime]));
    audio.addEventListener("pause", () => events.push(["stop", card, audio.currentTime]));
  });
  setInterval(() => {
    const levels = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(levels);
    const loudest = Math.max(...levels);
    if (loudest > -50) pitches.push(levels.indexOf(loudest) * context.sampleRate / analyser.fftSize);
  }, 10);
}"""


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """The folder of a short run on whole utterances, three tones each."""
    import train_main

    corpus, output = tmp_path_factory.mktemp("corpus"), tmp_path_factory.mktemp("run")
    manifest = write_tone_manifest(corpus)
    for i, numbers in enumerate(TEXTS):
        samples, times = say([WORDS[number] for number in numbers], np.random.default_rng(i))
        words = [(*span, WORDS[number][:2]) for span, number in zip(times, numbers, strict=True)]
        write_textgrid(corpus / f"test-{i}.TextGrid", {"words": words}, len(samples) / SAMPLE_RATE)
    flags = train_main.flags.FLAGS
    defaults = {flag.name: flag.default for flag in flags.get_flags_for_module("train_main")}
    given = {"view": "utterance", "dataset": "manifest", "data_dir": str(manifest), "output_dir": str(output)}
    given |= {"cache_dir": str(tmp_path_factory.mktemp("cache")), "alignment_dir": str(corpus), "phone_weight": 0.0}
    size = {
        "mel_bands": 20,
        "subsampling": 4,
        "model_dim": 16,
        "audio_blocks": 2,
        "attention_heads": 2,
        "audio_mixer": "both",
    }
    size |= {"refiner_blocks": 1, "position": "rotary", "batch_seconds": 10.0, "gradient_norms": False}
    learning = {"epochs": 1, "steps_per_epoch": 30, "learning_rate": 5e-3, "warmup_steps": 10, "weight_average": 0.0}
    train(TrainOptions(**{**defaults, **given, **size, **learning}), "--view=utterance\n")
    return output


@pytest.fixture(scope="module")
def examples(run) -> list[Example]:
    return [example for example, _ in read_examples(run / FOLDER)]


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(browser, run):
    """The report, opened as a user opens it, with its microphone on; and what went wrong in it."""
    page = browser.new_page()
    wrong = watch(page)
    page.goto((run / "report.html").as_uri())
    wait_until(page, "[...document.querySelectorAll('audio')].every((audio) => audio.src.startsWith('blob:'))")
    page.evaluate(LISTEN)
    yield page, wrong
    page.close()


@pytest.fixture
def page(shared):
    """The same, silent, at its beginning; a test that makes it complain fails."""
    page, wrong = shared
    page.evaluate("for (const audio of document.querySelectorAll('audio')) { audio.pause(); audio.currentTime = 0; }")
    page.wait_for_timeout(100)
    page.evaluate("events.length = 0")
    wrong.clear()
    yield page
    assert wrong == []


def played(page, click) -> tuple[int, float, float]:
    """Number of the card and the seconds between which it sounded after a click."""
    page.evaluate("events.length = 0")
    click()
    wait_until(page, "events.some(([what]) => what === 'stop')")
    events = page.evaluate("events")
    start = next(event for event in events if event[0] == "start")
    stop = next(event for event in events if event[0] == "stop")
    assert start[1] == stop[1]
    return start[1], start[2], stop[2]


def test_every_player_plays_and_one_alone(page, examples):
    cards = page.locator(".card")
    assert cards.count() == len(examples) == len(TEXTS)
    for number in range(cards.count()):
        cards.nth(number).get_by_role("button", name="Play").click()
        wait_until(page, f"document.querySelectorAll('audio')[{number}].currentTime > 0.1")
        sounding = page.evaluate("[...document.querySelectorAll('audio')].map((audio) => !audio.paused)")
        assert sounding == [other == number for other in range(len(examples))]
    cards.nth(number).get_by_role("button", name="Pause").click()
    assert page.evaluate("[...document.querySelectorAll('audio')].every((audio) => audio.paused)")


def test_every_word_is_played_from_its_start_to_its_end(page, examples):
    for number, example in enumerate(examples):
        card = page.locator(".card").nth(number)
        spans = [*example.reference_times, *((word.start, word.end) for word in example.words)]
        above, below = (card.locator(f".words .word.{kind}") for kind in ("said", "heard"))
        buttons = [above.nth(i) for i in range(above.count())] + [below.nth(i) for i in range(below.count())]
        for (start, end), button in zip(spans, buttons, strict=True):
            where, began, stopped = played(page, button.click)
            assert where == number
            assert began == pytest.approx(start, abs=EARLY)
            assert stopped == pytest.approx(end, abs=LATE)


def test_what_is_heard_is_the_word_that_was_clicked(page, examples):
    """By its tone: it is neither the next word's nor that of another recording."""
    for number, example in enumerate(examples[:2]):
        names = {word[:2]: word for word in WORDS}
        for i, word in enumerate(example.reference.split()):
            page.evaluate("pitches.length = 0")
            played(page, page.locator(".card").nth(number).locator(".words .word.said").nth(i).click)
            heard = page.evaluate("pitches")
            spectrum = np.abs(np.fft.rfft(tone(names[word])))
            true = spectrum.argmax() * SAMPLE_RATE / len(tone(names[word]))
            assert heard == pytest.approx([true] * len(heard), rel=0.08)
            assert heard
            page.wait_for_timeout(50)  # what the analyser still has


def test_words_of_the_spectrogram_and_of_pictures_play_the_same(page, examples):
    card, example = page.locator(".card").first, examples[0]
    for details in card.locator("details:has(.timeline)").all():
        details.evaluate("(details) => { details.open = true }")
    for selector, spans in (
        (".spectrogram .bound", example.reference_times),
        (".lane .word.said", example.reference_times),
        (".place", [span for picture in example.pictures for span in picture.spans]),
    ):
        marks = card.locator(selector)
        assert marks.count() == len(spans)
        for i in {0, len(spans) - 1} if spans else ():
            _, began, stopped = played(page, lambda i=i, marks=marks: marks.nth(i).click(position={"x": 1, "y": 8}))
            assert began == pytest.approx(spans[i][0], abs=EARLY)
            assert stopped == pytest.approx(spans[i][1], abs=LATE)


def test_a_click_between_words_plays_on_from_there(page, examples):
    picture, scale = page.locator(".card").first.locator(".spectrogram"), 200
    end = examples[0].reference_times[-1][1]
    at = (end + examples[0].duration) / 2
    _, began, stopped = played(page, lambda: picture.click(position={"x": at * scale, "y": 60}))
    assert began == pytest.approx(at, abs=EARLY)
    assert stopped == pytest.approx(examples[0].duration, abs=LATE)


def test_the_keyboard_is_enough(page, examples):
    card = page.locator(".card").nth(1)
    word = card.locator(".words .word.said").nth(1)
    word.focus()
    _, began, _ = played(page, lambda: page.keyboard.press("Enter"))
    assert began == pytest.approx(examples[1].reference_times[1][0], abs=EARLY)
    card.locator(".seek").focus()
    page.keyboard.press("End")
    wait_until(page, "document.querySelectorAll('audio')[1].currentTime > 0.5")
    reached = page.evaluate("""() => [...document.querySelectorAll('.card button:not([tabindex="-1"])')].length""")
    pairs = page.evaluate("document.querySelectorAll('.card .words button').length")
    assert reached == pairs + len(examples)  # each word once, and a player: what is there twice is passed by


def test_half_speed(page):
    page.locator(".slow input").first.check()
    assert page.evaluate("document.querySelector('audio').playbackRate") == 0.5
    page.locator(".slow input").first.uncheck()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_a_screen_and_a_phone_by_day_and_night(browser, run, scheme, width):
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    wrong = watch(page)
    page.goto((run / "report.html").as_uri())
    page.locator(".card").first.scroll_into_view_if_needed()
    screenshot(page, f"report-card-{scheme}-{width}")
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    assert overflow(page) == 0
    guesses = page.locator(".card td:is(:nth-child(3), :nth-child(4)) bdi")
    assert guesses.count()
    assert all(guesses.evaluate_all("(words) => words.map((word) => word.getClientRects().length === 1)"))
    assert page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    assert wrong == []
    page.close()


def test_what_was_hidden_is_shown(page, examples):
    view = page.locator(".card").first.locator("details").first
    view.evaluate("(details) => { details.open = true }")
    for number, slots in enumerate(examples[0].masked[0].passes):
        row = view.locator(".slots").nth(number)
        hidden = [slot.under for slot in slots if slot.hidden and slot.under]
        assert row.locator(".hidden").all_inner_texts() == hidden
        assert row.locator(".slot").count() == len(slots)


HOSTILE = "</script><script>document.title='taken'</script><img/src=x/onerror=document.title='taken'>"


def test_nothing_of_a_corpus_is_taken_for_html(browser, tmp_path):
    slot = Slot(HOSTILE, True, HOSTILE, 0.5, ((HOSTILE, 0.2),), True, 0.1)
    picture = Picture(ATTENTION, HOSTILE, HOSTILE, (HOSTILE,), ((0.1, 0.4),), 0.0, 0.1, np.eye(1, 8))
    example = Example(
        *("worst", HOSTILE, HOSTILE, 0.8, f"A {HOSTILE}", f"{HOSTILE} B", ((0.0, 0.2), (0.2, 0.5)), HOSTILE),
        words=(Word(HOSTILE, 0.1, 0.3, 0.9), Word("B", 0.3, 0.5, 0.2)),
        masked=(MaskedText(HOSTILE, (HOSTILE,), ((slot,), (dataclasses.replace(slot, under="", said=""),))),),
        masked_note=HOSTILE,
        pictures=(picture,),
    )
    write_examples(tmp_path / FOLDER, [(example, tone("ALFA"))])
    write_page(tmp_path / "page.html", "Harmless", **_parts(render(tmp_path / FOLDER)))
    page = browser.new_page()
    wrong = watch(page)
    page.goto((tmp_path / "page.html").as_uri())
    assert page.title() == "Harmless"
    assert page.locator("script").count() == 1
    assert page.locator("img").count() == 2  # spectrogram and attention
    assert page.locator(".card .words .said").all_inner_texts() == ["A", HOSTILE]
    assert wrong == []
    page.close()


def _parts(cards) -> dict:
    return {"sections": [cards.cards], "styles": cards.styles, "script": cards.script}


def test_a_report_is_the_same_whenever_it_is_made(run):
    from keras_stt.cli.main import main

    before = (run / "report.html").read_bytes()
    assert main(["report", str(run)]) == 0
    assert (run / "report.html").read_bytes() == before
    assert before.count(b"data:audio/flac") == len(TEXTS)


@pytest.mark.data
def test_real_speech_as_the_shipped_model_hears_it(browser, real_data, tmp_path):
    """Three short utterances of strangers; the pictures are for docs."""
    splits = tuple((split, split) for split in ("train", "dev", "test"))
    folder = str(real_data / "librispeech")
    test = open_corpus(CorpusOptions(dataset="librispeech_folder", data_dir=folder, splits=splits))["test"]
    records = list(itertools.islice((record for record in test if 3.5 < record.duration < 6), 3))
    model = load_model("librispeech-small")
    results = sorted(evaluate_utterances(model, records), key=quality)
    records.sort(key=lambda record: [result.id for result in results].index(record.id))
    shown = utterance_examples(model, list(zip([ALL] * 3, results, records, strict=True)), 1, model.lead)
    for (example, _), result in zip(shown, results, strict=True):
        assert example.hypothesis == result.hypothesis
        assert [picture.kind for picture in example.pictures] == [FOUND, ATTENTION]
        truth = [start for start, _ in example.reference_times]
        assert truth == sorted(truth)
    write_examples(tmp_path / FOLDER, shown)
    write_page(tmp_path / "page.html", "Real speech", **_parts(render(tmp_path / FOLDER)))
    for scheme, width in (("light", 1100), ("dark", 390)):
        page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 1400})
        wrong = watch(page)
        page.goto((tmp_path / "page.html").as_uri())
        for details in page.locator(".card").first.locator("> details").all():
            details.evaluate("(details) => { details.open = true }")
        assert overflow(page) == 0
        _photograph(page, f"report-utterance-{scheme}")
        assert wrong == []
        page.close()


def _photograph(page, name: str) -> None:
    """The first card, all of it."""
    box = page.locator(".card").first.bounding_box()
    screenshot(page, name, full_page=True, clip={name: box[name] for name in ("x", "y", "width", "height")})
