"""Speech that is written down while it is spoken: shown soon, corrected, and at last as offline."""

import contextlib
import io
import itertools
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import keras_stt
from keras_stt.audio import SAMPLE_RATE, to_mono_16k
from keras_stt.cli.live_display import TerminalDisplay
from keras_stt.cli.main import main
from keras_stt.data.espeak import speak
from keras_stt.decoding.stitch import Word
from keras_stt.errors import InputError
from keras_stt.live import Correction, LiveTranscriber, LiveWord, Update
from keras_stt.live.agreement import compare
from keras_stt.live.pcm import FILES, Source, pipe, samples_of
from keras_stt.transcribe.utterances import Decoding

BLOCK = 800  # samples, 50 ms
TEXTS = ("seven three nine one", "two zero five five eight", "four six one", "nine eight two seven three six")
VOICES = ("en-us", "en-us+f3", "en", "en-us+m3")


def spoken(count: int, seed: int = 0) -> tuple[np.ndarray, list[tuple[str, float]]]:
    """So many strings of digits with pauses of a second, samples, and every word with the second at which it ends."""
    rng = np.random.default_rng(seed)
    samples, words, length = [], [], 0
    for text, voice in itertools.islice(zip(itertools.cycle(TEXTS), itertools.cycle(VOICES), strict=False), count):
        speech = speak(text, voice, rate=150)
        sound = to_mono_16k(speech.samples, speech.sample_rate)
        words += [
            (word.upper(), length / SAMPLE_RATE + end)
            for word, (_, end) in zip(text.split(), speech.word_times, strict=True)
        ]
        sound = np.concatenate([sound, np.zeros(SAMPLE_RATE, np.float32)])
        samples.append(sound + 1e-4 * rng.standard_normal(len(sound)).astype(np.float32))
        length += len(sound)
    return np.concatenate(samples), words


@pytest.fixture(scope="module")
def model():
    return keras_stt.load_model("digits-small")


@pytest.fixture(scope="module")
def long_speech():
    """More than is heard at once."""
    samples, words = spoken(14)
    assert len(samples) > 34 * SAMPLE_RATE
    return samples, words


@pytest.fixture(scope="module")
def offline(model, long_speech):
    return model.transcribe(long_speech[0], SAMPLE_RATE)


@pytest.fixture(scope="module")
def updates(model, long_speech):
    """All updates of the long speech, fed in blocks of 50 ms, the last being the end's."""
    live = LiveTranscriber(model, clock=lambda: 0.0)
    found = [live.feed(block) for block in np.split(long_speech[0], range(BLOCK, len(long_speech[0]), BLOCK))]
    return [update for update in found if update] + [live.finish()], live.transcript


def assert_same(one, other):
    """Alike but for rounding: batches of other shapes are computed in another order."""
    assert one.text == other.text
    assert one.duration == pytest.approx(other.duration)
    for word, twin in zip(one.words, other.words, strict=True):
        found = (word.start, word.end, word.confidence)
        assert found == pytest.approx((twin.start, twin.end, twin.confidence), abs=1e-3)


def test_the_end_is_as_offline(updates, offline):
    assert len(offline.words) > 40
    assert_same(updates[1], offline)


def test_words_are_shown_within_a_second(updates, long_speech):
    late, final, shown = [], [], []
    for update in updates[0]:
        final += update.final
        shown.append((update.seconds, [*final, *update.words]))
    for text, end in long_speech[1]:
        times = (at for at, words in shown if any(w.text == text and abs(w.end - end) < 0.4 for w in words))
        late.append(next(times, np.inf) - end)
    assert np.mean(np.array(late) <= 1.0) >= 0.95


def test_what_is_final_stays(updates):
    final = [word for update in updates[0] for word in update.final]
    assert final == updates[1].words
    assert all(one.start <= other.start for one, other in itertools.pairwise(final))
    assert sum(bool(update.final) for update in updates[0]) > 3  # with pauses, not only at the end
    for update in updates[0]:
        times = [word.start for word in (*update.final, *update.words)]
        assert times == sorted(times)
    assert updates[0][-1].words == ()


def test_stable_is_what_two_hearings_agree_in(updates):
    for before, now in itertools.pairwise(updates[0]):
        texts = {word.text for word in before.words}
        assert all(word.text in texts for word in now.words if word.stable)
    shown = [word for update in updates[0] for word in update.words]
    assert 0.5 < np.mean([word.stable for word in shown]) < 1


def test_corrections_lead_from_what_was_shown_to_what_is(updates):
    corrected = 0
    for before, now in itertools.pairwise(updates[0]):
        shown = {(word.text, word.start) for word in before.words}
        heard = {(word.text, word.start) for word in (*now.final, *now.words)}
        for each in now.corrections:
            assert {(word.text, word.start) for word in each.before} <= shown
            assert {(word.text, word.start) for word in each.after} <= heard
            corrected += 1
    assert corrected


def test_blocks_of_any_length(model, long_speech, offline):
    samples, live, at = long_speech[0], LiveTranscriber(model, clock=lambda: 0.0), 0
    sizes = itertools.cycle([1, 0, 77, 31_999, 7 * SAMPLE_RATE + 3])
    while at < len(samples):
        size = next(sizes)
        live.feed(samples[at : at + size])
        at += size
    live.finish()
    assert_same(live.transcript, offline)


def test_a_slow_machine_hears_less_often_and_keeps_up(model, long_speech, offline, updates):
    time = itertools.count(step=1.5)  # each look at the clock: hearing takes 1.5 s
    live = LiveTranscriber(model, clock=lambda: next(time))
    found = [live.feed(block) for block in np.split(long_speech[0], range(BLOCK, len(long_speech[0]), BLOCK))]
    live.finish()
    assert sum(update is not None for update in found) < len(updates[0]) / 3
    assert_same(live.transcript, offline)


def test_candidates_and_a_language_model_find_what_is_final(model):
    samples, _ = spoken(3, seed=1)
    asked = {"candidates": 2, "language_model": keras_stt.load_language_model("digits-words")}
    live = LiveTranscriber(model, Decoding(**asked))
    live.feed(samples)
    live.finish()
    assert_same(live.transcript, model.transcribe(samples, SAMPLE_RATE, **asked))


def test_nothing_said(model):
    live = LiveTranscriber(model)
    assert live.feed(np.zeros(0, np.float32)) is None
    assert live.finish() == Update(0.0, (), (), ())
    assert live.transcript.text == ""


def words(text: str) -> list[Word]:
    return [Word(word, 0.5 * i, 0.5 * i + 0.4, 0.9) for i, word in enumerate(text.split())]


@pytest.mark.parametrize(
    ("before", "now", "agreed", "corrections"),
    [
        ("", "A B", "", []),
        ("A B", "A B C", "A B", []),
        ("A B", "A X C", "A", [("B", "X")]),
        ("A B C", "A C", "A C", [("B", "")]),
        ("A C", "A B C D", "A C", [("", "B")]),
        ("A B", "A", "A", [("B", "")]),
    ],
)
def test_two_hearings(before, now, agreed, corrections):
    before, now = words(before), words(now)
    same, changes = compare(before, now)
    assert " ".join(word.text for word, is_same in zip(now, same, strict=True) if is_same) == agreed
    found = [[" ".join(word.text for word in each) for each in (change.before, change.after)] for change in changes]
    assert found == [list(each) for each in corrections]


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (44_100, 2), (8_000, 3)])
def test_pcm_that_is_divided_anywhere(rate, channels):
    rng = np.random.default_rng(0)
    values = rng.integers(-(2**15), 2**15, (rate, channels), np.int16)
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb", buffering=0) as file:
            data, at = values.astype("<i2").tobytes() + b"\x01" * (2 * channels - 1), 0
            while at < len(data):
                at += file.write(data[at : at + int(rng.integers(1, 9_999))])

    threading.Thread(target=write).start()
    with os.fdopen(reading, "rb", buffering=0) as file:
        source = pipe(file, rate, channels)
        with source.started:
            samples = np.concatenate(list(samples_of(source, lambda: False)))
    np.testing.assert_allclose(samples, to_mono_16k(values, rate), atol=1e-4)


def test_what_comes_without_end_is_heard_in_parts_and_can_be_ended():
    over = threading.Event()

    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b"" if over.is_set() else bytes(size)

    source, counts = pipe(Endless(), SAMPLE_RATE, 1), []
    with source.started:
        for samples in samples_of(source, lambda: len(counts) > 2):
            counts.append(len(samples))
    over.set()
    while source.pieces.get(timeout=10) is not None:
        pass  # else the thread that reads would wait for ever
    assert 3 <= len(counts) <= 5
    assert max(counts) < 10 * 60 * SAMPLE_RATE


def test_what_was_said_before_the_end_was_asked_for_is_heard():
    source = Source(contextlib.nullcontext(), queue.Queue(), SAMPLE_RATE, 1)
    for _ in range(4):
        source.pieces.put(b"\x01\x00" * BLOCK)
    assert sum(map(len, samples_of(source, lambda: True))) == 4 * BLOCK


def test_the_command_hears_a_pipe_and_ends_with_ctrl_c(model):
    samples, _ = spoken(2, seed=2)
    pcm = (samples * 2**15).round().astype("<i2")
    program = [sys.executable, "-m", "keras_stt", "listen", "--live", "digits-small", "--input=-", "--format=jsonl"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert json.loads(process.stdout.readline())["event"] == "listening"
        process.stdin.write(pcm.tobytes())
        process.stdin.flush()  # and it stays open
        first = json.loads(process.stdout.readline())
        assert first["event"] == "update"
        assert abs(first["time"] - time.time()) < 60
        heard = first
        while heard["seconds"] < len(samples) / SAMPLE_RATE - 0.5:
            heard = json.loads(process.stdout.readline())
        assert {"word", "start", "end", "confidence", "stable"} == set(heard["words"][0])
        process.send_signal(signal.SIGINT)
        said, complaint = process.communicate(timeout=60)
    *_, last, end = map(json.loads, said.splitlines())
    assert (process.returncode, complaint) == (0, b"")
    expected = model.transcribe(pcm, SAMPLE_RATE)
    assert end["event"] == "end"
    assert end["text"] == expected.text
    assert [word["word"] for word in last["final"]] == expected.text.split()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--live", "digits-small", "--device=no such device"],
            "pipe raw PCM to --input=- instead",
        ),
        (["--live", "--input=talk.pcm"], "--input: talk.pcm is no pipe; give - for standard input"),
        (["--live", "--rate=8000"], "--rate: is of PCM from a pipe; give --input=- too"),
        (["--live", "--input=-", "--rate=10"], "--rate: 10 Hz; speech needs"),
        (["--live", "--input=-", "--channels=0"], "--channels: 0; give 1 to"),
        (["--live", "--input=-", "--device=2"], "--device: is a microphone"),
        (["--live", "--input=-", "--passes=-1"], "--passes: -1 passes"),
        (["--live", "--input=-", "--word=2"], "--word: is for an utterance of a corpus"),
        (["stm", "some-id", "--live"], "stm is of a corpus, and --live listens to none"),
        (["stm", "some-id", "--format=jsonl"], "--format: is for speech as it is spoken; give --live too"),
        (["stm"], "give DATASET and ID of an utterance, or --live"),
        (["--live", "no-such-model", "--input=-"], "no-such-model: no such model"),
    ],
)
def test_bad_input_is_told_in_one_line(arguments, told, capsys, monkeypatch):
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert main(["listen", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert told in error


@pytest.mark.parametrize("mark", FILES)
def test_a_file_is_no_pcm(mark):
    source = pipe(io.BytesIO(mark + bytes(1000)), SAMPLE_RATE, 1)
    with source.started, pytest.raises(InputError, match=f"what comes is {FILES[mark]}, not raw PCM; transcribe the"):
        list(samples_of(source, lambda: False))


def test_a_closed_standard_input_is_told(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["listen", "--live", "--input=-"]) == 2
    assert "--input: nothing is piped into standard input" in capsys.readouterr().err


def test_without_sounddevice_one_line_tells_how_to_get_it(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert main(["listen", "--live", "digits-small"]) == 2
    assert capsys.readouterr().err == (
        "keras-stt: to listen, install sounddevice: pip install 'keras_stt[live]'; "
        "or pipe raw PCM to --input=- instead\n"
    )


def screen(written: str) -> list[str]:
    """The lines that a terminal shows, styles left out, and struck words in brackets."""
    lines, row, column, at = [""], 0, 0, 0
    while at < len(written):
        if written[at] == "\x1b":
            stop = next(i for i in range(at + 2, len(written)) if written[i].isalpha())
            count, kind = written[at + 2 : stop], written[stop]
            if kind == "A":
                row -= int(count)
            elif kind == "J":
                lines = lines[: row + 1]
                lines[row] = lines[row][:column]
            at = stop + 1
            continue
        if written[at] == "\r":
            column = 0
        elif written[at] == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        else:
            lines[row] = lines[row][:column] + written[at]
            column += 1
        at += 1
    return lines


def shown(*texts, final="", corrections=(), seconds=1.0) -> Update:
    live = tuple(LiveWord(text, 0.5 * i, 0.5 * i + 0.4, 0.9, stable=True) for i, text in enumerate(texts))
    return Update(seconds, tuple(words(final)), live, corrections)


def test_on_a_terminal_words_are_drawn_anew_and_final_ones_stay(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "5")
    display = TerminalDisplay(styled=True)
    display.show(shown("THE", "QUICK", "BROWN", "FOX", "JUMPS"))
    written = capsys.readouterr().out
    assert screen(written) == ["THE QUICK BROWN FOX", "JUMPS"]
    first = Correction(
        (LiveWord("A", 0.0, 0.4, 0.9),), (LiveWord("THE", 0.0, 0.4, 0.9),)
    )  # no two hearings agreed in A
    second = Correction((LiveWord("FOX", 1.5, 1.9, 0.9, stable=True),), (LiveWord("FAUX", 1.5, 1.9, 0.9),))
    display.show(shown("THE", "QUICK", "BROWN", "FAUX", corrections=(first, second), seconds=1.4))
    written += capsys.readouterr().out
    assert screen(written) == ["THE QUICK BROWN FOX", "FAUX"]
    assert written.endswith("THE QUICK BROWN \x1b[9;2mFOX\x1b[0m\n\x1b[4mFAUX\x1b[0m")
    display.show(shown("OVER", final="THE QUICK BROWN FAUX", seconds=4.0))
    written += capsys.readouterr().out
    assert screen(written) == ["THE QUICK BROWN FAUX", "OVER"]
    display.show(shown(final="OVER", seconds=5.0))
    assert screen(written + capsys.readouterr().out) == ["THE QUICK BROWN FAUX", "OVER", ""]
