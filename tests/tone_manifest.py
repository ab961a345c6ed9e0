"""A corpus of tones on disk, as a user's own would be: sound files, a manifest, and TextGrids with phone times."""

import json
from pathlib import Path

import numpy as np
import soundfile
from conftest import WORDS, say

from keras_stt.audio import SAMPLE_RATE
from keras_stt.formats.textgrid import write_textgrid

# The words of each utterance, by their number.
TEXTS = [[0, 1, 2], [3, 1, 0], [4, 2, 3], [2, 5, 4]]


def spelt(numbers) -> str:
    """The transcript. Each word is written with two letters, so that its 0.35 s have steps for them."""
    return " ".join(WORDS[number][:2] for number in numbers)


def write_tone_manifest(folder: Path) -> Path:
    """Four utterances of three tones each, which are train, dev and test. Returns the manifest."""
    rows = []
    for i, numbers in enumerate(TEXTS):
        samples, times = say([WORDS[number] for number in numbers], np.random.default_rng(i))
        soundfile.write(folder / f"{i}.wav", samples, SAMPLE_RATE, subtype="PCM_16")
        phones = [(start, end, f"{WORDS[number][0]}1") for number, (start, end) in zip(numbers, times, strict=True)]
        for split in ("train", "dev", "test"):
            row = {"id": f"{split}-{i}", "audio": f"{i}.wav", "text": spelt(numbers), "split": split, "speaker": split}
            rows.append(json.dumps(row))
        write_textgrid(folder / f"train-{i}.TextGrid", {"phones": phones}, len(samples) / SAMPLE_RATE)
    (folder / "all.jsonl").write_text("\n".join(rows))
    return folder / "all.jsonl"
