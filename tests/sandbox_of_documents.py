"""A folder with the files that README and the pages under docs take as given, small, and spoken by espeak."""

import json
import os
import shutil
from pathlib import Path

import soundfile

from keras_stt.data.espeak import speak
from keras_stt.pretrained import FOLDER

ROOT = Path(__file__).resolve().parent.parent
OF_THE_PROJECT = ("flags", "benchmarks", "tests", "train_main.py", "keras_stt", "docs", "setup.cfg")
VOICES = {"ann": "en-us+f2", "bob": "en+m3", "cat": "en-gb-scotland+f4"}
SAID = {
    "ann-1": "turn the light on",
    "ann-2": "is the radio off",
    "bob-1": "turn the radio off",
    "bob-2": "turn the light off",
    "cat-1": "is the light on",
}
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def make_sandbox(folder: Path) -> None:
    """Makes `recording.wav`, `RECORDINGS`, `LIBRISPEECH`, `FSDD` and what else the texts name in capitals."""
    for name in OF_THE_PROJECT:
        os.symlink(ROOT / name, folder / name)
    write(folder / "recording.wav", "what was said", VOICES["ann"])
    (folder / "text.txt").write_text("turn the light on\nis the radio off\n", encoding="utf-8")
    (folder / ".curlrc").write_text("fail-with-body\n", encoding="utf-8")  # an answer that is an error is one
    (folder / "ref.stm").write_text("recording 1 ann 0.00 1.00 what was said\n", encoding="utf-8")
    (folder / "hyp.ctm").write_text("recording 1 0.10 0.20 what\nrecording 1 0.40 0.30 said\n", encoding="utf-8")
    (folder / "F").write_text("--flagfile=flags/tiny.cfg\n", encoding="utf-8")
    for name, text in SAID.items():
        write(folder / f"speech/{name}.wav", text, VOICES[name[:3]])
    write(folder / "RECORDINGS/ann-1.wav", SAID["ann-1"], VOICES["ann"])
    (folder / "RECORDINGS/ann-1.txt").write_text(SAID["ann-1"], encoding="utf-8")
    rows = [
        {"id": "ID", "audio": "speech/ann-1.wav", "text": SAID["ann-1"], "speaker": "ann", "split": "train"},
        {"id": "other", "audio": "speech/bob-1.wav", "text": SAID["bob-1"], "speaker": "bob", "split": "dev"},
    ]
    (folder / "DATASET.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    make_librispeech(folder / "LIBRISPEECH")
    for digit, word in enumerate(DIGITS):
        for speaker, voice in zip(("lucas", "theo", "jackson", "nicolas"), (*VOICES.values(), "en+m1"), strict=True):
            write(folder / f"FSDD/{digit}_{speaker}_0.wav", word, voice)
    (folder / "runs/recognizer").mkdir(parents=True)
    shutil.copy(FOLDER / "librispeech-small.keras", folder / "runs/recognizer/model.keras")


def make_librispeech(folder: Path) -> None:
    """A speaker in each of train, dev and test."""
    for number, (subset, name) in enumerate(
        {"train-clean-100": "ann-1", "dev-clean": "bob-1", "test-clean": "cat-1"}.items(), 1
    ):
        chapter = folder / subset / str(number) / "10"
        write(chapter / f"{number}-10-0000.flac", SAID[name], VOICES[name[:3]])
        (chapter / f"{number}-10.trans.txt").write_text(f"{number}-10-0000 {SAID[name].upper()}\n", encoding="utf-8")


def write(path: Path, text: str, voice: str) -> None:
    """Speaks a text into a sound file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    speech = speak(text, voice)
    soundfile.write(path, speech.samples, speech.sample_rate)
