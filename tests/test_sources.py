"""Corpora of one's own: which records they give, how they are divided, and what is said when they are not there."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile

from keras_stt.data.records import require_disjoint_speakers
from keras_stt.data.sources import SOURCES, open_corpus
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.errors import FlagError, InputError


def write_audio(path, seconds=0.5, rate=16_000, channels=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros((round(seconds * rate), channels)), rate)


def write_chapter(subset, speaker, chapter="7", utterances=2, extension=".flac"):
    folder = subset / speaker / chapter
    lines = [f"{speaker}-{chapter}-{i:04d} TEXT {i} OF {speaker}" for i in range(utterances)]
    for i in range(utterances):
        write_audio(folder / f"{speaker}-{chapter}-{i:04d}{extension}", 0.25 * (i + 1))
    (folder / f"{speaker}-{chapter}.trans.txt").write_text("\n".join(lines) + "\n")
    return folder


def ids(corpus):
    return {split: [record.id for record in records] for split, records in corpus.items()}


def speakers(corpus):
    return {split: {record.speaker for record in records} for split, records in corpus.items()}


def test_librispeech_subsets(tmp_path):
    for subset, speaker in (
        ("train-clean-100", "19"),
        ("train-other", "20"),
        ("dev-clean", "30"),
        ("test-clean", "40"),
    ):
        write_chapter(tmp_path / subset, speaker, extension=".wav" if speaker == "20" else ".flac")
    (tmp_path / "text").mkdir()
    corpus = open_corpus(CorpusOptions("librispeech_folder", str(tmp_path)))
    assert ids(corpus)["train"] == ["19-7-0000", "19-7-0001", "20-7-0000", "20-7-0001"]
    assert speakers(corpus) == {"train": {"19", "20"}, "dev": {"30"}, "test": {"40"}}
    record = list(corpus["dev"])[1]
    assert (record.text, record.duration, record.word_times) == ("TEXT 1 OF 30", 0.5, None)
    assert len(record.read()) == 8_000
    assert ids(corpus) == ids(corpus)


def test_librispeech_subsets_by_name_and_inside_their_archive_folder(tmp_path):
    for subset, speaker in (("train-clean-100", "19"), ("dev-clean", "30"), ("mine", "50"), ("test-clean", "40")):
        write_chapter(tmp_path / "LibriSpeech" / subset, speaker)
    options = CorpusOptions("librispeech_folder", str(tmp_path), splits=(("train", "mine,dev-clean"), ("dev", "")))
    corpus = open_corpus(options)
    assert speakers(corpus)["train"] | speakers(corpus)["dev"] == {"30", "50"}
    assert speakers(corpus)["test"] == {"40"}
    missing = CorpusOptions("librispeech_folder", str(tmp_path), splits=(("test", "test-other"),))
    with pytest.raises(FlagError, match="--data_dir: no SPEAKER/CHAPTER.*test-other"):
        open_corpus(missing)


def test_librispeech_speakers_are_held_out_where_there_is_one_folder(tmp_path):
    for speaker in range(30):
        write_chapter(tmp_path, str(speaker), utterances=1)
    corpus = open_corpus(CorpusOptions("librispeech_folder", str(tmp_path)))
    by_split = speakers(corpus)
    assert all(by_split.values())
    assert len(set().union(*by_split.values())) == 30
    require_disjoint_speakers(by_split)
    named = CorpusOptions("librispeech_folder", str(tmp_path), dev_speakers=("3",), test_speakers=("4", "5"))
    assert speakers(open_corpus(named)) == {
        "train": {str(speaker) for speaker in range(30)} - {"3", "4", "5"},
        "dev": {"3"},
        "test": {"4", "5"},
    }


def test_speakers_of_a_named_test_folder_are_not_held_out_again(tmp_path):
    for speaker in range(30):
        write_chapter(tmp_path / "train", str(speaker), utterances=1)
    write_chapter(tmp_path / "test", "40")
    by_split = speakers(open_corpus(CorpusOptions("librispeech_folder", str(tmp_path))))
    assert by_split["test"] == {"40"}
    assert by_split["dev"]
    assert len(by_split["train"] | by_split["dev"]) == 30


def test_librispeech_broken_and_missing_audio_is_counted(tmp_path):
    folder = write_chapter(tmp_path / "train", "19", utterances=4)
    (folder / "19-7-0001.flac").unlink()
    (folder / "19-7-0002.flac").write_bytes(b"not audio")
    (folder / "19-7-0003.flac").unlink()
    write_audio(folder / "19-7-0003.wav", seconds=0)
    options = CorpusOptions("librispeech_folder", str(tmp_path), dev_speakers=("x",), test_speakers=("x",))
    train = open_corpus(options)["train"]
    for _ in range(2):
        assert [record.id for record in train] == ["19-7-0000"]
        assert train.skipped == {"no audio file": 1, "broken audio file": 1, "empty audio file": 1}
    assert train.describe_skipped().startswith("3 records skipped: 1 no audio file (first: ")


@pytest.mark.parametrize("dataset", ["librispeech_folder", "stm", "manifest"])
def test_a_corpus_that_is_not_there(tmp_path, dataset):
    with pytest.raises(FlagError, match=f"--data_dir: is needed by --dataset={dataset}; give"):
        open_corpus(CorpusOptions(dataset))
    with pytest.raises(FlagError, match="--data_dir: no such .*; give"):
        open_corpus(CorpusOptions(dataset, str(tmp_path / "none")))
    with pytest.raises(FlagError, match="--data_dir: no .*; "):
        open_corpus(CorpusOptions(dataset, str(tmp_path)))


def everything(corpus):
    return [record for records in corpus.values() for record in records]


def test_stm_with_several_segments_of_a_recording(tmp_path):
    write_audio(tmp_path / "talks" / "a.wav", 3.0)
    write_audio(tmp_path / "b.c.flac", 1.0)
    (tmp_path / "all.stm").write_text(
        ";; comment\n"
        "talks/a 1 S1 0.0 1.0 <o,f0,male> first\n"
        "talks/a 1 gap 1.0 1.5 ignore_time_segment_in_scoring\n"
        "talks/a 1 S1 1.5 3.2 second\n"  # rounded up, as STM files are
        "talks/a 1 S1 9.0 9.5 after the end\n"
        f"{tmp_path}/b.c.flac 1 S2 0 1 whole\n"
        "none 1 S2 0 1 no audio\n"
    )
    corpus = open_corpus(CorpusOptions("stm", str(tmp_path / "all.stm")))
    records = {record.text: record for record in everything(corpus)}
    assert set(records) == {"first", "second", "whole"}
    assert (records["second"].start, records["second"].end) == (1.5, 3.0)
    assert records["first"].id == "talks/a-1-00000000-00001000"
    assert records["whole"].id == f"{tmp_path}/b.c.flac"
    assert len(records["second"].read()) == 24_000
    skipped = sum((stream.skipped for stream in corpus.values()), start=type(corpus["dev"].skipped)())
    assert skipped == {"ignored in scoring": 1, "segment after the end of its recording": 1, "no audio file": 1}


def test_stm_files_by_split(tmp_path):
    write_audio(tmp_path / "a.wav")
    for name in ("train", "dev", "test", "other"):
        (tmp_path / f"{name}.stm").write_text(f"a 1 {name} 0 0.5 words\n")
    assert speakers(open_corpus(CorpusOptions("stm", str(tmp_path)))) == {
        "train": {"train"},
        "dev": {"dev"},
        "test": {"test"},
    }
    options = CorpusOptions("stm", str(tmp_path), splits=(("test", "other,dev.stm"), ("dev", "train")))
    assert speakers(open_corpus(options))["test"] == {"other", "dev"}
    with pytest.raises(FlagError, match="no file .*none.stm"):
        open_corpus(CorpusOptions("stm", str(tmp_path), splits=(("test", "none"),)))


def test_channels_of_one_file_are_not_mixed(tmp_path):
    write_audio(tmp_path / "call.wav", channels=2)
    (tmp_path / "test.stm").write_text("call A S1 0 0.2 hello\ncall B S2 0.2 0.4 hi\n")
    test = open_corpus(CorpusOptions("stm", str(tmp_path)))["test"]
    assert list(test) == []
    assert test.skipped.total() == 2
    assert "give a file per channel" in test.describe_skipped()


def test_a_malformed_stm_is_an_error_when_it_is_read(tmp_path):
    (tmp_path / "train.stm").write_text("a 1 S 0\n")
    with pytest.raises(InputError, match=r"train.stm:1: "):
        list(open_corpus(CorpusOptions("stm", str(tmp_path)))["train"])


def test_manifest_with_a_split_column(tmp_path):
    for name in "abcd":
        write_audio(tmp_path / "clips" / f"{name}.wav", 1.0)
    (tmp_path / "m.csv").write_text(
        "path,text,speaker,split,start,end\n"
        "clips/a.wav,one,S1,train,,\n"
        "clips/b.wav,two,S2,validation,0.5,\n"
        "clips/c.wav,three,S3,test,0.25,0.75\n"
        "clips/d,four,S1,,,\n"
        "clips/e.wav,five,S1,train,,\n"
    )
    corpus = open_corpus(CorpusOptions("manifest", str(tmp_path / "m.csv")))
    assert ids(corpus) == {"train": ["clips/a", "clips/d"], "dev": ["clips/b@0.50"], "test": ["clips/c@0.25"]}
    durations = {record.text: record.duration for record in everything(corpus)}
    assert durations == {"one": 1.0, "four": 1.0, "two": 0.5, "three": 0.5}
    assert corpus["train"].skipped == {"no audio file": 1}
    assert corpus["train"].length_hint == 3
    (tmp_path / "m.csv").write_text("path,text,split\nclips/a.wav,one,eval9\n")
    with pytest.raises(InputError, match="split 'eval9'; write train, dev or test"):
        open_corpus(CorpusOptions("manifest", str(tmp_path / "m.csv")))


def test_manifests_by_split_and_in_several_formats(tmp_path):
    for name in "abc":
        write_audio(tmp_path / f"{name}.wav")
    (tmp_path / "train.jsonl").write_text('{"audio_filepath": "a.wav", "text": "one", "duration": 0.5}\n')
    (tmp_path / "dev.tsv").write_text("audio\ttext\nb.wav\ttwo\n")
    (tmp_path / "test.csv").write_text("audio,text\nc.wav,three\n")
    corpus = open_corpus(CorpusOptions("manifest", str(tmp_path)))
    assert ids(corpus) == {"train": ["a"], "dev": ["b"], "test": ["c"]}


def test_a_manifest_without_speakers_is_divided_by_recordings(tmp_path):
    write_audio(tmp_path / "a.wav")
    lines = [f"a.wav,part {i},{i / 100},{i / 100 + 0.01}" for i in range(40)]
    (tmp_path / "m.csv").write_text("audio,text,start,end\n" + "\n".join(lines))
    corpus = open_corpus(CorpusOptions("manifest", str(tmp_path)))
    assert sorted(map(len, ids(corpus).values())) == [0, 0, 40]


def test_an_unknown_dataset_names_the_nearest():
    with pytest.raises(
        FlagError, match=r"--dataset: unknown dataset 'librispech'; one of .*; did you mean librispeech\?"
    ):
        open_corpus(CorpusOptions("librispech"))
    with pytest.raises(FlagError, match="one of librispeech, librispeech_folder, stm, manifest, synthetic"):
        open_corpus(CorpusOptions("?"))


def test_sources_are_imported_when_asked_for():
    assert {"librispeech", "synthetic", "synthetic_tiny", "spoken_digit", "digits"} <= set(SOURCES)
    code = "import sys, keras_stt.data.sources; print([m for m in sys.modules if m.startswith('tensorflow')])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
