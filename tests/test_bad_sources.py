"""Corpora that are wrong in places: what cannot be used is skipped and counted by reason, and nothing else is lost."""

import json
import os

import pytest
from test_sources import everything, ids, write_audio, write_chapter

from keras_stt.data.sources import open_corpus
from keras_stt.data.sources.options import SPLITS, CorpusOptions, split_of_speaker
from keras_stt.errors import InputError

NAMES = ("with space", " leading", "new\nline", "'quotes\"", "été 音声", "a;b,c\td", "-x", "%s{}")


def open_train(dataset, path):
    """The train part alone, which then has every speaker."""
    return open_corpus(CorpusOptions(dataset, os.fspath(path), dev_speakers=("-",), test_speakers=("-",)))["train"]


def texts(stream):
    return [record.text for record in stream]


def test_malformed_lines_of_an_stm_are_skipped_and_counted(tmp_path):
    write_audio(tmp_path / "a.wav", 10.0)
    lines = [
        *(b"a 1 S 0 1 one", b"a 1 S 0", b"a 1 S zero 1 x", b"a 1 S 2 1 reversed", b"a 1 S 2 2 empty"),
        *(b"a 1 S 0 1 caf\xe9", b"none 1 S 0 1 unknown", b"a 1 S 1e999 2e999 x", b"a 1 S 11 12 late", b"\x00\x01\x02"),
        b"a 1 S 2 3 two",
    ]
    (tmp_path / "train.stm").write_bytes(b"\n".join(lines))
    train = open_train("stm", tmp_path)
    for _ in range(2):
        assert texts(train) == ["one", "two"]
        assert train.skipped == {
            "too few fields": 2,
            "time that is no number": 2,
            "end that is not after its start": 2,
            "text that is not UTF-8": 1,
            "no audio file": 1,
            "segment after the end of its recording": 1,
        }
    assert train.examples["too few fields"] == f"{tmp_path / 'train.stm'}:2"


def test_a_malformed_line_is_counted_in_one_split(tmp_path):
    write_audio(tmp_path / "a.wav", 40.0)
    lines = [f"a 1 S{i} {i} {i + 1} x" for i in range(40)]
    (tmp_path / "all.stm").write_text("\n".join([*lines, "a 1"]))
    corpus = open_corpus(CorpusOptions("stm", str(tmp_path)))
    assert sorted(map(len, ids(corpus).values()))[0] > 0
    assert [stream.skipped.total() for stream in corpus.values()] == [1, 0, 0]


def test_segments_of_one_voice_that_overlap(tmp_path):
    write_audio(tmp_path / "a.wav", 20.0)
    (tmp_path / "train.stm").write_text(
        "a 1 S 0.0 4.0 first\n"
        "a 1 T 1.0 3.0 another voice\n"
        "a 2 S 1.0 3.0 another channel\n"
        "a 1 S 3.95 6.0 rounded\n"
        "a 1 S 1.0 2.0 within the first\n"
        "a 1 S 3.0 9.0 over both\n"
        "a 1 S 6.0 7.0 after what was left out\n"
        "a 1 gap 6.0 7.0 ignore_time_segment_in_scoring\n"
        "a 1 S 0.0 4.0 the first again\n"
    )
    train = open_train("stm", tmp_path)
    assert texts(train) == ["first", "another voice", "another channel", "rounded", "after what was left out"]
    assert train.skipped == {"overlaps an earlier segment": 3, "ignored in scoring": 1}
    assert train.examples["overlaps an earlier segment"] == f"{tmp_path / 'train.stm'}: a at 1.00 s"


def test_two_who_begin_and_end_together_are_two_records(tmp_path):
    write_audio(tmp_path / "a.wav", 2.0)
    (tmp_path / "train.stm").write_text("a 1 S 0 1 one\na 1 T 0 1 two\na 1 S 1 2 three\n")
    assert [record.id for record in open_train("stm", tmp_path)] == [
        "a-1-00000000-00001000-S",
        "a-1-00000000-00001000-T",
        "a-1-00001000-00002000",
    ]


def test_malformed_rows_of_a_manifest_are_skipped_and_counted(tmp_path):
    write_audio(tmp_path / "a.wav", 10.0)
    lines = [
        *(b'{"audio": "a.wav", "text": "one"}', b"no json", b"[1]", b'{"audio": "a.wav"}', b"\xff", b"[" * 5_000),
        *(b'{"audio": "a.wav", "text": "again"}', b'{"audio": "a.wav", "text": "x", "start": "soon"}'),
        *(b'{"audio": "a.wav", "text": "x", "start": 2, "end": 1}', b'{"audio": "", "text": "x"}'),
        *(b'{"audio": "a.wav", "text": ["x"]}', b'{"audio": "a.wav", "text": "\\ud800"}'),
        *(b'{"audio": "a.wav", "text": "x", "id": "b", "split": "eval9"}', b'{"audio": "none.wav", "text": "x"}'),
        b'{"audio": "a.wav", "text": "two", "start": 2}',
    ]
    (tmp_path / "m.jsonl").write_bytes(b"\n".join(lines))
    train = open_train("manifest", tmp_path)
    for _ in range(2):
        assert texts(train) == ["one", "two"]
        assert train.skipped == {
            "row that is not JSON": 3,
            "no audio or text": 1,
            "text that is not UTF-8": 1,
            "duplicate id": 1,
            "time that is no number": 1,
            "end that is not after its start": 1,
            "no audio path": 1,
            "neither a text nor a number": 1,
            "text that is not Unicode": 1,
            "unknown split": 1,
            "no audio file": 1,
        }
    assert train.examples["duplicate id"] == f"{tmp_path / 'm.jsonl'}:7"


def test_malformed_rows_are_counted_in_the_split_of_their_file(tmp_path):
    write_audio(tmp_path / "a.wav")
    for name in ("train", "dev", "test"):
        (tmp_path / f"{name}.csv").write_text(f"audio,text,speaker\na.wav,x,{name}\n" + 'b.wav,"\n' * (name == "dev"))
    corpus = open_corpus(CorpusOptions("manifest", str(tmp_path)))
    assert ids(corpus) == {"train": ["a"], "dev": ["a"], "test": ["a"]}
    assert [stream.skipped.total() for stream in corpus.values()] == [0, 1, 0]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train.stm", "no stm\nat all\n"),
        ("train.csv", "a,b\n1,2\n"),
        ("train.csv", ""),
        ("train.jsonl", "audio,text\na.wav,x\n"),
        ("train.jsonl", '{"audio": "a"}\n{"audio": "b"}\n'),
    ],
)
def test_a_file_that_is_wholly_of_the_wrong_kind_is_an_error(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match="train"):
        list(open_corpus(CorpusOptions("stm" if name.endswith(".stm") else "manifest", str(tmp_path)))["train"])


def test_lines_of_a_librispeech_folder_that_are_not_utf8(tmp_path):
    folder = write_chapter(tmp_path / "train", "19", utterances=3)
    path = folder / "19-7.trans.txt"
    path.write_bytes(path.read_bytes().replace(b"TEXT 1", b"\xc3\x28"))
    train = open_train("librispeech_folder", tmp_path)
    assert [record.id for record in train] == ["19-7-0000", "19-7-0002"]
    assert train.skipped == {"text that is not UTF-8": 1}
    assert train.examples == {"text that is not UTF-8": f"{path}:2"}


def test_links_neither_hang_nor_double(tmp_path):
    subset = tmp_path / "train-clean"
    folder = write_chapter(subset, "19")
    write_chapter(subset, "20")
    links = {
        "train-again": subset,  # a subset twice
        "train-clean/21": subset / "19",  # a speaker under another name
        "train-clean/19/8": folder,  # a chapter twice
        "train-clean/19/up": tmp_path,  # loops
        "train-clean/here": subset,
        "here": tmp_path,
        "itself": tmp_path / "itself",
        "train-clean/20/7/broken.trans.txt": tmp_path / "none",
    }
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    train = open_train("librispeech_folder", tmp_path)
    assert [(record.id, record.speaker) for record in train] == [
        *(("19-7-0000", "19"), ("19-7-0001", "19"), ("20-7-0000", "20"), ("20-7-0001", "20"))
    ]
    assert train.skipped == {"transcript file that cannot be read": 1}


def test_a_linked_speaker_is_in_one_split(tmp_path):
    for speaker in range(20):
        write_chapter(tmp_path, f"s{speaker}", utterances=1)
        (tmp_path / f"t{speaker}").symlink_to(tmp_path / f"s{speaker}")
    records = everything(open_corpus(CorpusOptions("librispeech_folder", str(tmp_path))))
    assert len(records) == len({record.id for record in records}) == 20


@pytest.mark.parametrize("name", [*NAMES, "[a]*"])
def test_folders_of_librispeech_take_any_name(tmp_path, name):
    chapter = tmp_path / name / f"train{name}" / name / name
    write_audio(chapter / "u.wav")
    (chapter / "u.trans.txt").write_text("u TEXT\n")
    (record,) = everything(open_corpus(CorpusOptions("librispeech_folder", str(tmp_path / name))))
    assert (record.speaker, record.text) == (name, "TEXT")
    assert len(record.read()) == 8_000


def test_a_speaker_whose_folder_is_named_by_no_text_has_a_split():
    options = CorpusOptions("librispeech_folder")
    assert {split_of_speaker(os.fsdecode(bytes([255, code])), options) for code in range(40, 80)} == set(SPLITS)


@pytest.mark.parametrize("name", [name for name in NAMES if len(name.split()) == 1 and name == name.strip()])
def test_stm_takes_any_name_without_white_space(tmp_path, name):
    write_audio(tmp_path / "a b\nc" / name / f"{name}.wav")
    (tmp_path / "a b\nc" / "train.stm").write_text(f"{name}/{name} 1 {name} 0 0.5 text\n")
    assert [record.speaker for record in open_train("stm", tmp_path / "a b\nc")] == [name]


def test_manifests_take_any_name(tmp_path):
    rows = []
    for name in NAMES:
        write_audio(tmp_path / name / f"{name}.wav")
        rows.append(json.dumps({"audio": f"{name}/{name}.wav", "text": name.strip()}, ensure_ascii=False))
    (tmp_path / "m.jsonl").write_text("\n".join(rows))
    train = open_train("manifest", tmp_path)
    assert texts(train) == [name.strip() for name in NAMES]
    assert not train.skipped
