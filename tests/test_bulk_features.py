"""Features made in parts are those of the store that one process makes, what cannot be used among them."""

import dataclasses

import numpy as np
from conftest import write_tone_records

from keras_stt.bulk.features import LogMel, rows_of_parts
from keras_stt.bulk.parts import divide
from keras_stt.bulk.rows import Rows
from keras_stt.bulk.work import make_part
from keras_stt.data.feature_store import open_features
from keras_stt.data.index import build_index
from keras_stt.data.locations import FileAudio


def test_a_store_of_parts_is_the_store(tmp_path):
    records = write_tone_records(tmp_path, [3, 1, 4, 2, 5])
    records[3] = dataclasses.replace(records[3], audio=FileAudio(str(tmp_path / "gone.wav")))
    folders = [str(tmp_path / name) for name in ("first", "second")]
    indexes = [build_index(some, folder, "x") for some, folder in zip((records[:2], records[2:]), folders, strict=True)]
    rows, work = Rows(folders), LogMel(tuple(folders), 20)
    parts = divide(range(len(rows)), rows.identities(), 2, tmp_path, work.identity())
    for part in parts:
        make_part(work, work.open(), part)
    frames = rows_of_parts(parts, 20)
    for index, start in zip(indexes, rows.starts, strict=False):
        ours = open_features(index, f"{index.folder}-ours", "x", "", 20, lambda row, start=start: frames(start + row))
        own = open_features(index, f"{index.folder}-own", "x", "", 20)
        np.testing.assert_array_equal(ours.frames[0 : len(ours.frames)], own.frames[0 : len(own.frames)])
        np.testing.assert_array_equal(ours.starts, own.starts)
        assert (ours.skipped, ours.skipped_rows) == (own.skipped, own.skipped_rows)
    assert ours.skipped_rows[0][1]  # of the second index, where the missing file was


def test_a_row_is_another_input_when_its_audio_is_written_anew(tmp_path):
    records = write_tone_records(tmp_path, [3, 1])
    build_index(records, tmp_path / "index", "x")
    before = list(Rows([tmp_path / "index"]).identities())
    write_tone_records(tmp_path, [3])  # the same bytes, at another time
    first, second = Rows([tmp_path / "index"]).identities()
    assert first != before[0]
    assert second == before[1]
