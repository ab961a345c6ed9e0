"""Which utterances a run trains on, and with which word times."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from keras_stt.alignment import WordAligner
from keras_stt.errors import FlagError, InputError
from keras_stt.train.corpus import open_splits
from keras_stt.train.options import TrainOptions

sys.path.insert(0, str(Path(__file__).parent.parent))
WORDS = "ONE TWO THREE"
TEXTGRID = """File type = "ooTextFile"
Object class = "TextGrid"
xmin = 0
xmax = 2
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 2
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.4
            text = "ONE"
        intervals [2]:
            xmin = 0.4
            xmax = 0.8
            text = "TWO"
        intervals [3]:
            xmin = 0.8
            xmax = 2
            text = "THREE"
"""


def write_corpus(corpus, splits=(("train", "1", 3), ("dev", "2", 1), ("test", "3", 1))):
    """A LibriSpeech-like folder: of each split its name, its speaker, and how many utterances it has."""
    rng = np.random.default_rng(0)
    for split, speaker, count in splits:
        folder = corpus / split / speaker / "9"
        folder.mkdir(parents=True)
        names = [f"{speaker}-9-{number:04d}" for number in range(count)]
        for name in names:
            soundfile.write(folder / f"{name}.flac", 0.1 * rng.standard_normal(32_000), 16_000)
        (folder / f"{speaker}-9.trans.txt").write_text("".join(f"{name} {WORDS}\n" for name in names))


@pytest.fixture
def options(tmp_path):
    """Of a LibriSpeech-like folder in which one of three train utterances has a TextGrid."""
    import train_main

    write_corpus(tmp_path / "corpus")
    (tmp_path / "grids").mkdir()
    (tmp_path / "grids/1-9-0001.TextGrid").write_text(TEXTGRID)
    defaults = {flag.name: flag.default for flag in train_main.flags.FLAGS.get_flags_for_module("train_main")}
    chosen = {
        "dataset": "librispeech_folder",
        "data_dir": str(tmp_path / "corpus"),
        "alignment_dir": str(tmp_path / "grids"),
        "cache_dir": str(tmp_path / "cache"),
    }
    return lambda **flags: TrainOptions(**{**defaults, **chosen, **flags})


def train_index(options):
    return open_splits(options)["train"].index


def test_all_utterances_train_unless_known_times_are_asked_for(options):
    assert len(train_index(options())) == 3
    known = train_index(options(train_known_times=True))
    assert [record.id for record in known] == ["1-9-0001"]
    assert known.skipped["word times unknown"] == 2
    assert known[0].word_times == ((0.0, 0.4), (0.4, 0.8), (0.8, 2.0))


def test_the_same_utterances_train_when_their_times_are_then_guessed(options):
    guessed = train_index(options(train_known_times=True, alignment="uniform"))
    assert [record.id for record in guessed] == ["1-9-0001"]
    assert guessed[0].times_guessed
    np.testing.assert_allclose(guessed[0].word_times, [(0, 2 / 3), (2 / 3, 4 / 3), (4 / 3, 2)], atol=1e-3)


def test_the_limit_counts_the_utterances_that_are_used(options):
    assert len(train_index(options(train_known_times=True, max_utterances=1))) == 1
    assert len(train_index(options(max_utterances=2))) == 2


def test_train_splits_of_other_corpora_train_too(options, tmp_path):
    write_corpus(tmp_path / "more", (("train", "4", 2), ("dev", "5", 1), ("test", "6", 1)))
    write_corpus(tmp_path / "most", (("train", "7", 1), ("dev", "8", 1), ("test", "9", 1)))
    folders = [f"librispeech_folder={tmp_path / name}" for name in ("more", "most")]
    splits = open_splits(options(extra_train_dataset=folders))
    assert {name: set(split.index.speakers) for name, split in splits.items()} == {
        "train": {"1", "4", "7"},
        "dev": {"2"},
        "test": {"3"},
    }
    assert len(splits["train"].index) == 6


def test_another_corpus_may_not_bring_a_speaker_of_dev_into_train(options, tmp_path):
    write_corpus(tmp_path / "more", (("train", "2", 2), ("dev", "5", 1), ("test", "6", 1)))
    with pytest.raises(InputError, match="2.*train.*dev|train.*dev.*2"):
        open_splits(options(extra_train_dataset=[f"librispeech_folder={tmp_path / 'more'}"]))


def test_another_corpus_that_is_not_there_is_named(options, tmp_path):
    with pytest.raises(FlagError, match="--extra_train_dataset.*nowhere"):
        open_splits(options(extra_train_dataset=[f"librispeech_folder={tmp_path / 'nowhere'}"]))
    with pytest.raises(FlagError, match="--extra_train_dataset.*NAME=FOLDER"):
        open_splits(options(extra_train_dataset=["librispeech_folder"]))
    with pytest.raises(FlagError, match="--extra_train_dataset: synthetic_digits is built in; leave =/nowhere out"):
        open_splits(options(extra_train_dataset=["synthetic_digits=/nowhere"]))


def test_a_file_that_comes_into_another_corpus_is_heard(options, tmp_path):
    write_corpus(tmp_path / "more", (("train", "4", 2), ("dev", "5", 1), ("test", "6", 1)))
    extra = [f"librispeech_folder={tmp_path / 'more'}"]
    assert len(train_index(options(extra_train_dataset=extra))) == 5
    write_corpus(tmp_path / "more", (("train", "7", 1),))
    assert len(train_index(options(extra_train_dataset=extra))) == 6


def test_an_id_that_comes_twice_is_used_once(options, tmp_path):
    transcripts = tmp_path / "corpus/train/1/9/1-9.trans.txt"
    transcripts.write_text(transcripts.read_text() + "1-9-0001 FOUR FIVE\n")
    train = open_splits(options(train_known_times=False), tmp_path)["train"]
    assert [record.id for record in train.index] == ["1-9-0000", "1-9-0001", "1-9-0002"]
    assert train.index[1].text == WORDS
    assert train.skipped == {"duplicate id": 1}
    where = f"1-9-0001 ({tmp_path}/corpus/train/1/9/1-9-0001.flac)"
    assert (tmp_path / "skipped.csv").read_text() == f"split,reason,where\ntrain,duplicate id,{where}\n"


def test_what_was_asked_to_be_left_out_is_listed_and_does_not_stop_a_run(options, tmp_path):
    splits = open_splits(options(train_known_times=True, max_skipped_share=0.0), tmp_path)
    assert splits["train"].skipped == {"word times unknown": 2}
    assert (tmp_path / "skipped.csv").read_text().count("word times unknown,1-9-000") == 2


def test_hours_and_megabytes_are_not_aligned(options, tmp_path, monkeypatch):
    """They would take an aligner's memory before the index refuses them."""
    transcripts = tmp_path / "corpus/train/1/9/1-9.trans.txt"
    transcripts.write_text(transcripts.read_text().replace("1-9-0002 ONE", "1-9-0002 " + "ONE " * 100_000))
    asked = []
    align = WordAligner.align
    monkeypatch.setattr(WordAligner, "align", lambda self, record: asked.append(record.id) or align(self, record))
    train = open_splits(options(train_known_times=True))["train"]
    assert train.skipped == {"more text than can be said in its time": 1, "word times unknown": 1}
    assert "1-9-0002" not in asked
    assert "1-9-0000" in asked


def test_a_corpus_that_was_refused_is_looked_at_again(options, tmp_path):
    good = tmp_path / "corpus/train/1/9/1-9-0002.flac"
    data = good.read_bytes()
    good.write_bytes(data[: len(data) // 2])
    with pytest.raises(FlagError, match="--max_skipped_share: 1 of 5 records cannot be used, 20% where 10% may be: 1 "):
        open_splits(options(max_skipped_share=0.1))
    good.write_bytes(data)
    assert open_splits(options(max_skipped_share=0.1))["train"].skipped == {}


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_from_0_to_1(options, share):
    with pytest.raises(FlagError, match="--max_skipped_share"):
        options(max_skipped_share=share)
