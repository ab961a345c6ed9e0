"""Bulk work on a Ray cluster: a machine that is lost in the middle, and not replaced, loses nothing."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import write_tone_records

from keras_stt.audio import SAMPLE_RATE
from keras_stt.bulk.features import LogMel
from keras_stt.bulk.parts import divide, read_part
from keras_stt.bulk.rows import Rows
from keras_stt.bulk.work import make_part
from keras_stt.data.index import build_index
from keras_stt.data.locations import FileAudio

pytest.importorskip("ray", reason='ray is not installed: pip install "keras_stt[cluster]"')
RECORDINGS, SECONDS = 4, 500


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds a worker's machine by /proc, which is Linux's")
def test_a_machine_is_lost_in_the_middle_and_nothing_with_it(tmp_path):
    (short,) = write_tone_records(tmp_path, [3])
    samples, _ = soundfile.read(tmp_path / "0.wav", dtype="float32")
    records = []
    for number in range(RECORDINGS):
        path = tmp_path / f"long{number}.wav"
        sound = np.resize(samples, SECONDS * SAMPLE_RATE) * (number + 1) / RECORDINGS
        soundfile.write(path, sound, SAMPLE_RATE, subtype="PCM_16")
        audio = FileAudio(str(path))
        records.append(dataclasses.replace(short, id=str(number), audio=audio, end=float(SECONDS)))
    index = build_index(records, tmp_path / "index", "x").folder

    program = [sys.executable, str(Path(__file__).parent / "bulk_cluster_program.py"), str(index)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [*program, str(tmp_path / "ours")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    made, machines, *paths = run.stdout.splitlines()[-1].split()
    assert (int(made), int(machines)) == (RECORDINGS, 0)

    work, rows = LogMel((str(index),), 80), Rows((str(index),))
    (tmp_path / "own").mkdir()
    parts = divide(range(RECORDINGS), rows.identities(), 1, tmp_path / "own", work.identity())
    for part, path in zip(parts, paths, strict=True):
        make_part(work, work.open(), part)
        ours = dataclasses.replace(part, path=path)
        assert read_part(ours) == read_part(part) is not None
