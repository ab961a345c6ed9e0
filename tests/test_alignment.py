"""Word times: always one pair per word of the normalised text, in order and within the utterance."""

import pytest

from keras_stt.alignment import (
    WordAligner,
    match_times,
    proportional_times,
    times_from_ctm,
    times_from_textgrid,
    uniform_times,
)
from keras_stt.data.locations import FileAudio
from keras_stt.data.records import Record
from keras_stt.errors import FlagError
from keras_stt.formats.ctm import CtmWord, write_ctm
from keras_stt.formats.textgrid import write_textgrid


def record(identifier="u1", text="One two three", start=0.0, end=3.0, audio="/a/u1.wav", word_times=None):
    return Record(identifier, FileAudio(audio), start, end, "S", text, word_times)


def flat(times):
    return [time for pair in times for time in pair]


def test_uniform_times():
    assert uniform_times(4, 2.0) == [(0.0, 0.5), (0.5, 1.0), (1.0, 1.5), (1.5, 2.0)]
    assert uniform_times(0, 2.0) == []
    for duration in (0.1, 12.435, 16.7):
        assert uniform_times(7, duration)[-1][1] == duration


def test_proportional_times():
    assert proportional_times(["A", "BCD"], 2.0) == [(0.0, 0.5), (0.5, 2.0)]
    assert proportional_times([], 2.0) == []


ALIGNED = [(0.1, 0.5, "one"), (0.5, 1.0, "two"), (1.5, 2.0, "three"), (2.0, 2.5, "four")]
WORDS = ["ONE", "TWO", "THREE", "FOUR"]


def test_equal_words_take_their_times():
    assert match_times(ALIGNED, WORDS, 3.0) == [(0.1, 0.5), (0.5, 1.0), (1.5, 2.0), (2.0, 2.5)]
    assert match_times(ALIGNED, WORDS, 2.25)[-1] == (2.0, 2.25)


def test_words_the_aligner_does_not_know_take_the_time_of_unk():
    aligned = [(start, end, "<unk>" if word == "three" else word) for start, end, word in ALIGNED]
    assert match_times(aligned, WORDS, 3.0)[2] == (1.5, 2.0)


def test_missing_words_share_the_gap():
    aligned = [ALIGNED[0], ALIGNED[3]]
    times = match_times(aligned, WORDS, 3.0)
    assert times[0] == (0.1, 0.5)
    assert flat(times[1:3]) == pytest.approx([0.5, 0.5 + 1.5 * 3 / 8, 0.5 + 1.5 * 3 / 8, 2.0])
    assert match_times(ALIGNED[1:], WORDS, 3.0)[0] == (0.0, 0.5)
    assert match_times(ALIGNED[:3], WORDS, 3.0)[3] == (2.0, 3.0)


def test_a_word_aligned_as_a_part_of_another_shares_its_time():
    aligned = [(0.0, 1.0, "we"), (1.0, 1.6, "cannot"), (1.6, 2.0, "go"), (2.0, 3.0, "now")]
    times = match_times(aligned, ["WE", "CAN", "NOT", "GO", "NOW"], 3.0)
    assert flat(times) == pytest.approx([0.0, 1.0, 1.0, 1.3, 1.3, 1.6, 1.6, 2.0, 2.0, 3.0])


def test_one_aligned_label_of_two_words_is_divided():
    times = match_times([(0.0, 0.5, "e-mail"), (0.5, 1.0, "me")], ["E", "MAIL", "ME"], 1.0)
    assert times == [(0.0, 0.1), (0.1, 0.5), (0.5, 1.0)]


def test_words_of_the_aligner_alone_are_left_out():
    aligned = [(0.0, 0.1, "um"), *ALIGNED]
    assert match_times(aligned, WORDS, 3.0) == match_times(ALIGNED, WORDS, 3.0)


def test_an_alignment_of_something_else_gives_nothing():
    assert match_times([(0.0, 1.0, "other"), (1.0, 2.0, "one")], WORDS, 3.0) is None
    assert match_times([], WORDS, 3.0) is None


def test_times_from_files(tmp_path):
    write_textgrid(tmp_path / "u1.TextGrid", {"words": ALIGNED}, duration=3.0)
    assert times_from_textgrid(tmp_path / "u1.TextGrid", WORDS) == match_times(ALIGNED, WORDS, 3.0)
    words = [CtmWord("u1", "1", start, end - start, word) for start, end, word in ALIGNED]
    write_ctm(tmp_path / "a.ctm", [CtmWord("u0", "1", 0.0, 1.0, "one"), *reversed(words)])
    assert flat(times_from_ctm(tmp_path / "a.ctm", "u1", WORDS, 3.0)) == pytest.approx(
        flat(times_from_textgrid(tmp_path / "u1.TextGrid", WORDS))
    )


@pytest.fixture
def alignment_dir(tmp_path):
    (tmp_path / "19" / "198").mkdir(parents=True)
    write_textgrid(tmp_path / "19" / "198" / "u1.TextGrid", {"words": ALIGNED[:3]}, duration=3.0)
    write_ctm(
        tmp_path / "all.ctm", [CtmWord("u2", "1", i, 0.5, word) for i, word in enumerate(["one", "two", "three"])]
    )
    return str(tmp_path)


def test_auto_takes_the_best_there_is(alignment_dir):
    own = ((0.0, 0.2), (0.2, 0.4), (0.4, 3.0))
    records = [
        record("u1", word_times=own),
        record("u1", word_times=own[:2]),  # not one for each word: of no use
        record("sub/u1"),
        record("u2", audio="/a/u2.wav"),
        record("u3", audio="/a/u3.wav"),
        record("u4", text="..."),
        record("u1", text="quite another text is here", audio="/a/u3.wav"),
    ]
    aligner = WordAligner("auto", alignment_dir)
    times = [aligned.word_times for aligned in aligner.align_records(records)]
    assert times[0] == own
    assert times[1] == times[2] == ((0.1, 0.5), (0.5, 1.0), (1.5, 2.0))
    assert times[3] == ((0.0, 0.5), (1.0, 1.5), (2.0, 2.5))
    assert times[4] == ((0.0, 1.0), (1.0, 2.0), (2.0, 3.0))
    assert times[5] == ()
    assert len(times[6]) == 5
    assert aligner.kinds == {"corpus": 1, "textgrid": 2, "ctm": 1, "uniform": 2, "no words": 1}


def test_a_segment_is_cut_out_of_the_alignment_of_its_recording(alignment_dir):
    segment = record("u1-0.4-2.0", text="two three", start=0.4, end=2.0)
    times = WordAligner("textgrid", alignment_dir).align(segment).word_times
    assert flat(times) == pytest.approx([0.1, 0.6, 1.1, 1.6])


def test_single_methods(alignment_dir):
    own = ((0.0, 0.2), (0.2, 0.4), (0.4, 3.0))
    assert WordAligner("uniform", alignment_dir).align(record(word_times=own)).word_times == tuple(
        uniform_times(3, 3.0)
    )
    by_letters = WordAligner("proportional", alignment_dir).align(record(word_times=own)).word_times
    assert by_letters == tuple(proportional_times(["ONE", "TWO", "THREE"], 3.0))
    assert WordAligner("corpus").align(record(word_times=own)).word_times == own
    assert WordAligner("textgrid", alignment_dir).align(record(word_times=own)).word_times[0] == (0.1, 0.5)
    for method in ("corpus", "textgrid", "ctm"):
        aligner = WordAligner(method, alignment_dir)
        assert aligner.align(record("u9", audio="/a/u9.wav")).word_times is None
        assert aligner.kinds == {"none": 1}


def test_without_alignments_auto_is_uniform():
    assert WordAligner().align(record()).word_times == tuple(uniform_times(3, 3.0))


@pytest.mark.parametrize("method", ["auto", "textgrid", "ctm"])
def test_a_wrong_folder_is_an_error(tmp_path, method):
    with pytest.raises(FlagError, match="--alignment_dir: no folder"):
        WordAligner(method, str(tmp_path / "none"))
    with pytest.raises(FlagError, match="--alignment_dir: no .* files in"):
        WordAligner(method, str(tmp_path))


def test_a_wrong_method_is_an_error():
    with pytest.raises(FlagError, match="one of auto, uniform"):
        WordAligner("guess")
    with pytest.raises(FlagError, match="--alignment_dir: is needed"):
        WordAligner("textgrid")


def record_of(text, word_times=None):
    return Record("one", FileAudio("one.wav"), 0.0, 4.0, "speaker", text, word_times)


def test_a_model_tells_the_word_times():
    times = [(0.5, 1.0), (1.0, 2.5)]
    aligner = WordAligner("model", hear=lambda record, words: times if words == ["GOOD", "DAY"] else None)
    aligned = aligner.align(record_of("good day", ((0.0, 1.0), (1.0, 2.0))))
    assert aligned.word_times == tuple(times)
    assert not aligned.times_guessed
    assert aligner.align(record_of("never heard")).word_times is None
    assert aligner.kinds == {"model": 1, "none": 1}


def test_a_model_that_aligns_must_be_named():
    with pytest.raises(FlagError, match="alignment_model"):
        WordAligner("model")
