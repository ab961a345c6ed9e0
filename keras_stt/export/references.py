"""What artefact and model are both given to hear: sounds made here, or recordings of the user's own."""

import dataclasses
import os
from pathlib import Path

import numpy as np

from keras_stt.audio import EXTENSIONS, SAMPLE_RATE, read_audio, to_mono_16k
from keras_stt.data.synthetic_sentences import sentences
from keras_stt.data.synthetic_speech.recording import record
from keras_stt.data.synthetic_speech.speakers import speakers
from keras_stt.errors import InputError
from keras_stt.formats.lines import read_lines
from keras_stt.text import normalize

SENTENCES = 16
SOUND_SECONDS = 3.0
TOGETHER = 8  # recordings in one batch
LONG_SECONDS = 600.0


@dataclasses.dataclass(frozen=True)
class Recording:
    """Attributes: name; samples, float32 `(N,)` at 16 kHz; text, normalised, None where nobody knows it."""

    name: str
    samples: np.ndarray
    text: str | None = None


def reference_windows(window_seconds: float, seed: int = 0) -> list[np.ndarray]:
    """Waveforms to compare on: noise in syllables, a voice-like tone, a short one, silence, and one over-long.

    Returns:
        float32 `(N,)` each, 16 kHz.
    """
    rng = np.random.default_rng(seed)
    seconds = [window_seconds, 0.6 * window_seconds, 0.25, 0.4 * window_seconds, 1.2 * window_seconds]
    times = [np.arange(round(duration * SAMPLE_RATE)) / SAMPLE_RATE for duration in seconds]
    loudness = [np.sin(np.pi * 3 * time) ** 2 for time in times]  # three syllables a second
    noises = [rng.standard_normal(len(time)) for time in times]
    tone = sum(np.sin(2 * np.pi * 140 * k * times[1]) / k for k in range(1, 20))
    windows = [
        0.1 * loudness[0] * noises[0],
        0.2 * loudness[1] * tone,  # digital silence between the syllables
        0.05 * noises[2],
        0.0 * noises[3],
        0.1 * loudness[4] * noises[4],
    ]
    return [window.astype(np.float32) for window in windows]


def made_recordings() -> list[Recording]:
    """Sentences spoken by espeak-ng, whose texts are known, and sounds that say nothing; always the same."""
    voices, spoken = speakers("test"), sentences({"test": SENTENCES})["test"]
    recordings = []
    for i, sentence in enumerate(spoken):
        samples = record(sentence, voices[i % len(voices)], f"export-{i}").samples
        recordings.append(Recording(f"sentence {i}", to_mono_16k(samples, SAMPLE_RATE), normalize(sentence)))
    sounds = [Recording(f"sound {i}", samples) for i, samples in enumerate(reference_windows(SOUND_SECONDS))]
    return recordings + sounds


def batches(samples: list[np.ndarray]) -> list[list[np.ndarray]]:
    """What is heard at once: each alone, first of all, then some together, almost nothing, and ten minutes."""
    noise = np.random.default_rng(2).standard_normal(SAMPLE_RATE).astype(np.float32)
    long = np.resize(np.concatenate(samples), round(LONG_SECONDS * SAMPLE_RATE))
    return [
        *([one] for one in samples),
        samples[:TOGETHER],
        [noise[:1]],
        [noise[:0], noise[:1], noise[:159], noise],
        [long],
    ]


def read_recordings(path) -> list[Recording]:
    """A sound file, or all of a folder and what is in it, with their texts where there are any.

    The text of `A/B.wav` is that of `A/B.txt`, or of the line that begins with `B ` in a `.trans.txt` in `A`, as
    LibriSpeech has it.

    Raises:
        InputError: there is none, or one cannot be read.
    """
    path = Path(path)
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in EXTENSIONS) if path.is_dir() else [path]
    if not files:
        raise InputError(
            f"{path}: no recordings in it; give files that end in {', '.join(EXTENSIONS)}, or their folder"
        )
    texts = {folder: _transcripts(folder) for folder in {file.parent for file in files}}
    return [Recording(str(file), read_audio(os.fspath(file)), _text(file, texts[file.parent])) for file in files]


def require_texts(recordings: list[Recording]) -> None:
    """Raises InputError where no recording has a text, by which alone weights of eight bits can be judged."""
    if not any(one.text for one in recordings):
        others = f" and {len(recordings) - 1} more" if len(recordings) > 1 else ""
        raise InputError(
            f"int8: no text is known of {recordings[0].name}{others}, and words lost are what it is judged by; "
            "put X.txt beside X.wav, or give no recordings and it is judged by made speech"
        )


def _transcripts(folder: Path) -> dict[str, str]:
    lines = [line for path in sorted(folder.glob("*.trans.txt")) for _, line in read_lines(path)]
    return {name: text for name, _, text in (line.strip().partition(" ") for line in lines)}


def _text(file: Path, transcripts: dict[str, str]) -> str | None:
    beside = file.with_suffix(".txt")
    if beside.is_file():
        return normalize(" ".join(line for _, line in read_lines(beside)))
    return normalize(transcripts[file.stem]) if file.stem in transcripts else None
