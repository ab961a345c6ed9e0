"""Bad recordings and transcripts, each kind made by a function, and what must become of it.

    write_bad_corpus(folder) -> the manifest of a corpus with good utterances among the bad ones

In training a kind is used, or skipped for its reason; in transcription it has a transcript, or is refused in one line.
"""

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000  # Hz
SECONDS = 1.5
TEXT = "one two three"
USED = "used"
GOOD = (("train", 34), ("dev", 3), ("test", 3))


def speech(seconds: float = SECONDS, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """What passes for speech: noise in syllables, float64 `(N,)`."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).standard_normal(len(time))
    return 0.1 * noise * (1.05 + np.sin(2 * np.pi * 4 * time))


def write(path: Path, samples, rate: int = RATE, **form) -> None:
    soundfile.write(path, samples, rate, **form)


def flac(samples=None) -> bytes:
    """The bytes of a FLAC file."""
    import io

    file = io.BytesIO()
    soundfile.write(file, speech() if samples is None else samples, RATE, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def flac_that_claims(seconds: float) -> bytes:
    """The total of samples are the lowest 36 of the 64 bits from byte 18 on; 0 leaves it open."""
    data = bytearray(flac())
    bits = int.from_bytes(data[18:26])
    data[18:26] = ((bits >> 36 << 36) | round(seconds * RATE)).to_bytes(8)
    return bytes(data)


def write_wav_that_claims(path: Path, length: int) -> None:
    """A WAV whose data have so many bytes by its header."""
    write(path, speech(), subtype="PCM_16")
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = length.to_bytes(4, "little")
    data[4:8] = min(length + at, 2**32 - 1).to_bytes(4, "little")
    path.write_bytes(data)


def write_silence(path: Path, hours: float) -> None:
    """Digital zeros, written in blocks: eight hours are a FLAC of 1.5 MB."""
    with soundfile.SoundFile(path, "w", RATE, 1, "PCM_16") as file:
        block = np.zeros(RATE * 60, np.int16)
        for _ in range(round(hours * 60)):
            file.write(block)


def with_value(value: float) -> np.ndarray:
    samples = speech()
    samples[1000] = value
    return samples


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of bad input.

    Attributes:
        file: name of the recording.
        make: writes it to a path; None where there is none to write.
        trained: `USED`, or the reason for which training skips it.
        refused: what transcription says of it; "" where it gives a transcript.
        text: its transcript.
    """

    file: str
    make: Callable[[Path], object] | None
    trained: str = USED
    refused: str = ""
    text: str = TEXT


NO_NUMBERS = "NaN, infinite or huge samples"
NO_RATE = "sample rate outside 4 to 768 kHz"
RECORDINGS = {
    "truncated FLAC": Kind("truncated.flac", lambda p: p.write_bytes(flac()[:9000]), "audio file cut short"),
    "FLAC of nothing but its header": Kind(
        "header.flac", lambda p: p.write_bytes(flac()[:60]), "broken audio file", "cannot be read as audio"
    ),
    "truncated WAV": Kind("truncated.wav", lambda p: (write(p, speech()), os.truncate(p, 30_000))),
    "zero bytes": Kind("zero.wav", lambda p: p.touch(), "empty audio file", "no bytes in it"),
    "text named .wav": Kind("text.wav", lambda p: p.write_text("no sound\n" * 99), "broken audio file", "Format not"),
    "NaN samples": Kind("nan.wav", lambda p: write(p, with_value(np.nan), subtype="FLOAT"), NO_NUMBERS, NO_NUMBERS),
    "Inf samples": Kind("inf.wav", lambda p: write(p, with_value(-np.inf), subtype="FLOAT"), NO_NUMBERS, NO_NUMBERS),
    "samples of 1e30": Kind("huge.wav", lambda p: write(p, with_value(1e30), subtype="FLOAT"), NO_NUMBERS, NO_NUMBERS),
    "0 samples": Kind("none.wav", lambda p: write(p, np.zeros(0)), "empty audio file"),
    "10 ms": Kind("10ms.wav", lambda p: write(p, speech(0.01)), "more text than can be said in its time"),
    "silence": Kind("silence.wav", lambda p: write(p, np.zeros(2 * RATE)), "silent"),
    "8 h of silence": Kind("8h.flac", lambda p: write_silence(p, 8), "longer than an hour"),
    "1 Hz": Kind("1hz.wav", lambda p: write(p, speech(), 1), NO_RATE, "a sample rate of 1 Hz"),
    "2 GHz": Kind("2ghz.wav", lambda p: write(p, speech(), 2**31 - 1), NO_RATE, "a sample rate of 2147483647 Hz"),
    "768 kHz": Kind("768khz.wav", lambda p: write(p, speech(rate=768_000), 768_000)),
    "32 channels": Kind("32channels.wav", lambda p: write(p, np.tile(speech()[:, None], 32))),
    "clipped": Kind("clipped.wav", lambda p: write(p, np.clip(100 * speech(), -1, 1))),
    "DC offset": Kind("offset.wav", lambda p: write(p, 0.1 * speech() + 0.9)),
    "WAV that claims 37 h": Kind("wav37h.wav", lambda p: write_wav_that_claims(p, 2**32 - 16)),
    "WAV that claims nothing": Kind("wav0.wav", lambda p: write_wav_that_claims(p, 0), "empty audio file"),
    "FLAC that claims 1,193 h": Kind(
        "flac1193h.flac", lambda p: p.write_bytes(flac_that_claims((2**36 - 1) / RATE)), "longer than an hour"
    ),
    "FLAC that claims 50 min": Kind(
        "flac50min.flac", lambda p: p.write_bytes(flac_that_claims(3000)), "audio file cut short"
    ),
    "FLAC of unknown length": Kind("flac0.flac", lambda p: p.write_bytes(flac_that_claims(0))),
    "folder named .wav": Kind("folder.wav", lambda p: p.mkdir(), "no audio file", "a folder, no file"),
    "pipe named .wav": Kind("pipe.wav", os.mkfifo, "no audio file", "a pipe or device, no file"),
    "no file": Kind("missing.wav", None, "no audio file", "no such file"),
    "space and newline in the path": Kind("two words\nand\ta tab.wav", lambda p: write(p, speech())),
    "bad file with a newline in its name": Kind(
        "bad\nname.wav", lambda p: p.write_text("no sound"), "broken audio file", "Format not"
    ),
}
TEXTS = {
    "empty transcript": Kind("text0.wav", lambda p: write(p, speech()), "no words", text=""),
    "transcript of a megabyte": Kind(
        "text1.wav", lambda p: write(p, speech()), "more text than can be said in its time", text="word " * 200_000
    ),
    "control characters in the transcript": Kind(
        "text2.wav", lambda p: write(p, speech()), text="one\0 two\x07 \x1b[31mthree\x7f\u2028\u202e"
    ),
    "right-to-left transcript": Kind("text3.wav", lambda p: write(p, speech()), text="אחת שתיים שלוש"),
    "80 letters in 1.5 s": Kind("text5.wav", lambda p: write(p, speech()), text="speak " * 13 + "ab"),
    "punctuation alone": Kind("text4.wav", lambda p: write(p, speech()), "no words", text="?! ... — «»"),
}
KINDS = {**RECORDINGS, **TEXTS}


def write_recordings(folder: Path, kinds: dict[str, Kind]) -> dict[str, Path]:
    """The path of each kind's recording, written as far as there is one."""
    paths = {}
    for name, kind in kinds.items():
        paths[name] = folder / kind.file
        if kind.make is not None:
            kind.make(paths[name])
    return paths


def write_bad_corpus(folder: Path, kinds: dict[str, Kind] = KINDS, good=GOOD) -> Path:
    """A manifest of good utterances with those of `kinds` among them, all in train. Returns its path."""
    bad = [
        {"id": name, "audio": path.name, "text": kinds[name].text, "speaker": f"bad {i}", "split": "train"}
        for i, (name, path) in enumerate(write_recordings(folder, kinds).items())
    ]
    rows = []
    for split, count in good:
        for i in range(count):
            name = f"{split}{i}"
            write(folder / f"{name}.wav", speech(seed=i))
            rows.append({"id": name, "audio": f"{name}.wav", "text": TEXT, "speaker": f"{split} {i}", "split": split})
            if bad:
                rows.append(bad.pop(0))
    manifest = folder / "all.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows + bad), encoding="utf-8")
    return manifest
