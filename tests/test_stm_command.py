"""`keras-stt stm`: what it writes is an STM that the stm corpus reads back."""

import argparse

import numpy as np
import pytest
import soundfile

from keras_stt.cli import stm
from keras_stt.data.sources import open_corpus
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.errors import InputError
from keras_stt.formats.stm import parse_stm

SPEAKERS = (
    ";ID  |SEX| SUBSET |MINUTES| NAME\n19   | F | train-clean-100  | 25.19 | Kara\n20 | M | dev | 1 | |CBW|Simon\n"
)


def run(*arguments):
    parser = argparse.ArgumentParser()
    stm.add_parser(parser.add_subparsers())
    args = parser.parse_args(["stm", *map(str, arguments)])
    return args.run(args)


def write_corpus(root):
    for subset, speaker in (("train-clean-100", "19"), ("dev-clean", "20"), ("test-clean", "21")):
        folder = root / subset / speaker / "5"
        folder.mkdir(parents=True)
        for i in range(2):
            soundfile.write(folder / f"{speaker}-5-000{i}.flac", np.zeros(4000 * (i + 1) + 1), 16_000)
        lines = [f"{speaker}-5-0000 IT'S ONE", f"{speaker}-5-0001 TWO", f"{speaker}-5-0002 WITHOUT AUDIO"]
        (folder / f"{speaker}-5.trans.txt").write_text("\n".join(lines))


@pytest.fixture
def librispeech(tmp_path):
    write_corpus(tmp_path / "LibriSpeech")
    (tmp_path / "LibriSpeech" / "SPEAKERS.TXT").write_text(SPEAKERS)
    return tmp_path / "LibriSpeech"


def test_the_stm_reads_back_as_the_corpus(librispeech, tmp_path, capsys):
    output = tmp_path / "train.stm"
    assert run(librispeech, output) == 0
    captured = capsys.readouterr()
    assert "6 segments" in captured.out
    assert "3 records skipped: 3 no audio file" in captured.err

    options = {"dev_speakers": ("-",), "test_speakers": ("-",)}
    read_back = list(open_corpus(CorpusOptions("stm", str(output), **options))["train"])
    corpus = open_corpus(CorpusOptions("librispeech_folder", str(librispeech), **options))
    original = [record for records in corpus.values() for record in records]
    assert sorted((record.audio.path, record.text, record.speaker) for record in read_back) == sorted(
        (record.audio.path, record.text, record.speaker) for record in original
    )
    assert [record.duration for record in read_back] == pytest.approx([0.25, 0.5] * 3, abs=1e-4)


def test_the_lines_are_what_sclite_wants(librispeech, tmp_path):
    run(librispeech, tmp_path / "out.stm")
    lines = (tmp_path / "out.stm").read_text().splitlines()
    assert lines[0] == ';; CATEGORY "0" "" ""'
    segments = [line for line in lines if not line.startswith(";;")]
    assert segments == sorted(segments)
    assert segments[0] == "LibriSpeech/dev-clean/20/5/20-5-0000 1 20 0.00 0.2501 <o,F0,M> IT'S ONE"
    assert segments[2] == "LibriSpeech/test-clean/21/5/21-5-0000 1 21 0.00 0.2501 IT'S ONE"


def test_one_subset_and_an_stm_inside_it(librispeech):
    subset = librispeech / "train-clean-100"
    run(subset, subset / "train.stm")
    assert [(segment.file, segment.label) for segment in parse_stm(subset / "train.stm")] == [
        ("19/5/19-5-0000", "<o,F0,F>"),
        ("19/5/19-5-0001", "<o,F0,F>"),
    ]


def test_without_speakers_txt_there_are_no_labels(librispeech, tmp_path):
    (librispeech / "SPEAKERS.TXT").unlink()
    run(tmp_path, tmp_path / "out.stm")
    assert {segment.label for segment in parse_stm(tmp_path / "out.stm")} == {""}
    assert ";;" not in (tmp_path / "out.stm").read_text()


def test_errors_name_the_path_and_the_fix(librispeech, tmp_path):
    write_corpus(tmp_path / "my speech")
    with pytest.raises(InputError, match=r"my speech/dev-clean.*divides fields by spaces; write the STM nearer"):
        run(tmp_path / "my speech", tmp_path / "out.stm")
    assert not (tmp_path / "out.stm").exists()
    assert run(tmp_path / "my speech", tmp_path / "my speech" / "out.stm") == 0
    with pytest.raises(InputError, match="no such folder"):
        run(tmp_path / "none", tmp_path / "out.stm")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no SPEAKER/CHAPTER"):
        run(tmp_path / "empty", tmp_path / "out.stm")
    with pytest.raises(InputError, match="make it first"):
        run(librispeech, tmp_path / "none" / "out.stm")
