"""The index: what goes in comes out, a broken build is not taken for a whole one, and size costs nothing to open."""

import dataclasses
import json
import time
import tracemalloc

import numpy as np
import pytest

from keras_stt.data import index_writer, skipped
from keras_stt.data.index import Index, build_index, is_complete
from keras_stt.data.locations import FileAudio, JoinedAudio
from keras_stt.data.records import Record
from keras_stt.data.skipped import Skipped


def record(i, text="Hello, world!", times=((0.1, 0.4), (0.5, 0.9)), end=2.5, **fields):
    return Record(f"u{i}", FileAudio(f"{i}.wav"), 1.0, end, f"speaker {i % 3}", text, times, **fields)


def test_records_come_back_as_they_were_with_normal_text(tmp_path):
    parts = JoinedAudio(((FileAudio("a.wav"), 0.1), (FileAudio("b.wav"), 0.25)), 0.2)
    records = [record(i) for i in range(5)]
    records.append(dataclasses.replace(record(5, "Ääni ’tis"), audio=parts, times_guessed=True))
    index = build_index(records, tmp_path / "index", "made of this")
    expected = [dataclasses.replace(one, text="HELLO WORLD") for one in records[:5]]
    expected.append(dataclasses.replace(records[5], text="ÄÄNI 'TIS"))
    assert list(index) == expected
    assert len(index) == 6
    np.testing.assert_allclose(index.durations, 1.5)
    assert index.word_counts.tolist() == [2] * 6
    assert index.vocabulary_counts() == {"HELLO": 5, "WORLD": 5, "ÄÄNI": 1, "'TIS": 1}
    assert index.speakers == ["speaker 0", "speaker 1", "speaker 2"]
    assert index.hours == pytest.approx(6 * 1.5 / 3600)
    assert index.skipped == {}


def test_any_record_can_be_asked_alone(tmp_path):
    build_index((record(i) for i in range(20)), tmp_path / "index", "f")
    index = Index(tmp_path / "index")
    assert [index[row].id for row in (19, 0, 7, 7)] == ["u19", "u0", "u7", "u7"]


def test_what_cannot_be_learned_from_is_left_out_and_counted(tmp_path):
    class Corpus(list):
        skipped = {"no audio file": 3}

    records = Corpus(
        [
            record(0),
            record(1, "..."),
            record(2, "", ()),
            record(3, end=1.0),
            record(4, times=None),
            record(5, times=((0.1, 0.9),)),
        ]
    )
    index = build_index(records, tmp_path / "index", "f")
    assert [one.id for one in index] == ["u0"]
    assert index.skipped == {
        "no words": 2,
        "no audio": 1,
        "no word times": 1,
        "word times do not match the words": 1,
        "no audio file": 3,
    }


def test_what_is_no_utterance_is_left_out_and_listed(tmp_path):
    class Corpus(list):
        skipped = {"no audio file": 1}
        skipped_rows = [("no audio file", "none.wav")]

    records = Corpus(
        [record(0), record(1, "word " * 999, end=2.0), record(2, end=3602.0), record(3, "A" * 60, ((0, 1),))]
    )
    records.append(record(4, end=float("nan")))
    index = build_index(records, tmp_path / "index", "f")
    assert [one.id for one in index] == ["u0", "u3"]
    assert Index(tmp_path / "index").skipped_rows == [
        ("more text than can be said in its time", "u1 (1.wav)"),
        ("longer than an hour", "u2 (2.wav)"),
        ("no audio", "u4 (4.wav)"),
        ("no audio file", "none.wav"),
    ]


def corpus_with_duplicates():
    """Records 1 and 4 a second time with other words, and record 4 a third time."""
    twice = [dataclasses.replace(record(i), text="OTHER WORDS", speaker="other") for i in (1, 4, 4)]
    return [*(record(i) for i in range(6)), *twice, record(6)]


@pytest.mark.parametrize("collisions", [False, True])
def test_the_first_record_of_an_id_stays_whatever_the_hashes(tmp_path, monkeypatch, collisions):
    if collisions:  # of all ids, which are told apart all the same
        monkeypatch.setattr(index_writer, "id_hash", lambda part, identifier: 7)
    index = build_index(corpus_with_duplicates(), tmp_path / "index", "f")
    unique = build_index([record(i) for i in range(7)], tmp_path / "unique", "f")
    assert list(index) == list(unique)
    assert index[6].id == "u6"
    assert index.skipped == {"duplicate id": 3}
    assert index.skipped_rows == [("duplicate id", f"u{i} ({i}.wav)") for i in (1, 4, 4)]
    assert (index.content, index.speakers, index.hours) == (unique.content, unique.speakers, unique.hours)
    assert index.vocabulary_counts() == unique.vocabulary_counts()
    assert sorted(path.name for path in index.folder.iterdir()) == sorted(path.name for path in unique.folder.iterdir())


def test_two_corpora_that_are_joined_may_use_the_same_ids(tmp_path):
    class Joined:
        def __iter__(self):
            for self.part in range(2):  # noqa: B020
                yield from [record(0), record(1)]
            yield record(1)

    index = build_index(Joined(), tmp_path / "index", "f")
    assert [one.id for one in index] == ["u0", "u1", "u0", "u1"]
    assert index.skipped == {"duplicate id": 1}


def test_looking_for_duplicates_takes_few_bytes_an_utterance(tmp_path):
    with (tmp_path / "records").open("w+b") as file:
        written = index_writer._Written(file)
        for i in range(20_000):
            written.add(record(i), ["HELLO", "WORLD"], 0)
        tracemalloc.start()
        assert written.duplicates() == []
        assert tracemalloc.get_traced_memory()[1] < 20_000 * 12
        tracemalloc.stop()


def test_file_names_that_are_no_text_come_back(tmp_path):
    odd = dataclasses.replace(record(0), id="a\udcff", audio=FileAudio("a\udcff\n.wav"), speaker="s\udcff")
    index = build_index([odd], tmp_path / "index", "f")
    assert (index[0].audio, index[0].id, index.speakers) == (odd.audio, odd.id, [odd.speaker])
    assert next(iter(index)).audio == odd.audio


def test_a_list_of_what_was_skipped_has_an_end(monkeypatch):
    monkeypatch.setattr(skipped, "LISTED", 3)
    found = Skipped()
    for i in range(9):
        found.add("often", str(i))
    found.add("once", "here")
    assert found.counts == {"often": 9, "once": 1}
    assert found.rows == [("often", "0"), ("often", "1"), ("often", "2"), ("once", "here")]


def test_a_corpus_of_nothing(tmp_path):
    index = build_index([record(1, "...")], tmp_path / "index", "f")
    assert (len(index), list(index), index.hours) == (0, [], 0.0)


def interrupted(records):
    yield from records
    raise KeyboardInterrupt


def test_an_interrupted_build_leaves_nothing_that_looks_whole(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        build_index(interrupted([record(0)]), tmp_path / "index", "f")
    assert not is_complete(tmp_path / "index", "f")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_build_leaves_the_index_before_it_as_it_was(tmp_path):
    build_index([record(0)], tmp_path / "index", "old")
    with pytest.raises(KeyboardInterrupt):
        build_index(interrupted([record(1), record(2)]), tmp_path / "index", "new")
    assert not is_complete(tmp_path / "index", "new")
    assert is_complete(tmp_path / "index", "old")
    assert [one.id for one in Index(tmp_path / "index")] == ["u0"]


def test_a_new_build_replaces_the_old_one(tmp_path):
    build_index([record(i) for i in range(3)], tmp_path / "index", "old")
    index = build_index([record(7)], tmp_path / "index", "new")
    assert [one.id for one in index] == ["u7"]
    assert is_complete(tmp_path / "index", "new")


def test_an_index_of_something_else_or_of_another_layout_is_not_complete(tmp_path):
    folder = tmp_path / "index"
    assert not is_complete(folder, "f")
    build_index([record(0)], folder, "f")
    assert is_complete(folder, "f")
    assert not is_complete(folder, "another")
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**meta, "format": meta["format"] + 1}))
    assert not is_complete(folder, "f")
    (folder / "meta.json").write_text("{")
    assert not is_complete(folder, "f")


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """An index of 200,000 records, made by repeating a small one."""
    folder = tmp_path_factory.mktemp("large")
    small = build_index([record(i) for i in range(100)], folder / "small", "f")
    lines, times = (small.folder / "records.jsonl").read_bytes(), 2_000
    (folder / "large").mkdir()
    (folder / "large" / "records.jsonl").write_bytes(lines * times)
    shifts = np.repeat(np.arange(times, dtype=np.uint64) * np.uint64(len(lines)), 100)
    offsets = np.append(np.tile(small.offsets[:-1], times) + shifts, np.uint64(len(lines) * times))
    np.save(folder / "large" / "offsets.npy", offsets)
    np.save(folder / "large" / "durations.npy", np.tile(small.durations, times))
    np.save(folder / "large" / "words.npy", np.tile(small.word_counts, times))
    for name in ("meta.json", "vocabulary_counts.json"):
        (folder / "large" / name).write_bytes((small.folder / name).read_bytes())
    return folder / "large"


def test_a_large_index_opens_at_once_and_reads_only_what_is_asked(large):
    tracemalloc.start()
    began = time.perf_counter()
    index = Index(large)
    assert len(index) == 200_000
    assert index[123_456].id == "u56"
    assert time.perf_counter() - began < 1.0
    assert tracemalloc.get_traced_memory()[1] < 2e6  # the records alone are 40 MB
    tracemalloc.stop()


def test_opening_reads_no_records(large):
    index = Index(large)
    (large / "records.jsonl").rename(large / "hidden")
    try:
        assert Index(large).durations[-1] == pytest.approx(1.5)
    finally:
        (large / "hidden").rename(large / "records.jsonl")
    assert index[0].id == "u0"


@pytest.mark.data
def test_an_index_of_real_recordings(real_data, tmp_path):
    from keras_stt.alignment import WordAligner
    from keras_stt.data.sources.librispeech_folder import splits
    from keras_stt.data.sources.options import CorpusOptions

    records = splits(CorpusOptions("librispeech_folder", data_dir=str(real_data / "librispeech")))["dev"]
    index = build_index(WordAligner("uniform").align_records(records), tmp_path / "index", "dev")
    assert len(index) > 100
    assert len(index[100].read()) == pytest.approx(index[100].duration * 16_000, abs=2)
    assert "THE" in index.vocabulary_counts()
