"""Utterances in a folder: `1.json` says what a model made of the first, `1.flac` is how it sounds."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile

from keras_stt.audio import SAMPLE_RATE, read_audio
from keras_stt.errors import InputError
from keras_stt.evidence.example import Example
from keras_stt.formats.lines import read_bytes
from keras_stt.formats.whole_folder import written_whole

FOLDER = "utterances"  # of a run


def write_examples(folder, examples: Iterable[tuple[Example, np.ndarray]]) -> None:
    """Writes utterances and their 16 kHz mono float32 samples `(N,)`; what was in the folder goes.

    Raises:
        InputError: the folder cannot be made or replaced; OutputError where the disk is at fault.
    """
    with written_whole(folder) as building:
        for number, (example, samples) in enumerate(examples, start=1):
            text = json.dumps(example.to_dict(), ensure_ascii=True, allow_nan=False)
            (building / f"{number}.json").write_text(text + "\n", encoding="ascii")
            clip = np.clip(samples, -1.0, 1.0)
            soundfile.write(building / f"{number}.flac", clip, SAMPLE_RATE, subtype="PCM_16")


def read_examples(folder) -> list[tuple[Example, bytes]]:
    """The utterances of a folder in order, each with the bytes of its FLAC file; none where there is no folder.

    Raises:
        InputError: a file cannot be read, or is none of these.
    """
    found = []
    for path in sorted(Path(folder).glob("*.json"), key=_number):
        try:
            example = Example.from_dict(json.loads(read_bytes(path)))
        except (InputError, ValueError, RecursionError) as error:
            raise InputError(f"{path}: {error}; delete the folder {folder}, or train again") from error
        clip = path.with_suffix(".flac")
        found.append((example, read_bytes(clip)))
        read_audio(clip)  # says so if it is none
    return found


def _number(path: Path) -> tuple[int, str]:
    return (int(path.stem) if path.stem.isdecimal() else 0), path.stem
