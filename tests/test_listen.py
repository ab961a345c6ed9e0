"""`keras-stt listen`: what it tells of an utterance is true, and the clip is the recording's own sound."""

import re
import sys

import numpy as np
import pytest
import soundfile

from keras_stt.audio import SAMPLE_RATE
from keras_stt.cli.listen_corpus import PADDING, places
from keras_stt.cli.main import main
from keras_stt.data.locations import FileAudio, JoinedAudio
from keras_stt.data.sources import open_corpus
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.data.tfds_audio import TFDSAudio
from keras_stt.data.tfrecord_audio import TFRecordAudio
from keras_stt.formats.stm import StmSegment, write_stm
from keras_stt.formats.textgrid import write_textgrid

ID = "3-5-0001"
WORDS = [(0.25, 0.5, "the"), (0.5, 1.0, "cat"), (1.5, 1.95, "slept")]  # of 2 s


def noise(seconds, seed):
    """16-bit samples of full scale, its ends included: what a conversion could change."""
    samples = np.random.default_rng(seed).integers(-(2**15), 2**15, round(seconds * SAMPLE_RATE), np.int16)
    samples[:2] = -(2**15), 2**15 - 1
    return samples


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """LibriSpeech's layout: the utterance `ID` in dev, with a TextGrid, after one in train and one without audio."""
    root = tmp_path_factory.mktemp("LibriSpeech")
    for subset, speaker in (("train-clean-100", 1), ("dev-clean", 3)):
        chapter = root / subset / str(speaker) / "5"
        chapter.mkdir(parents=True)
        soundfile.write(chapter / f"{speaker}-5-0001.flac", noise(2, speaker), SAMPLE_RATE)
        lines = f"{speaker}-5-0000 NO AUDIO\n{speaker}-5-0001 THE CAT SLEPT\n"
        (chapter / f"{speaker}-5.trans.txt").write_text(lines)
    (root / "alignments").mkdir()
    write_textgrid(root / "alignments" / f"{ID}.TextGrid", {"words": WORDS}, duration=2.0)
    return root


@pytest.fixture
def listen(folder, tmp_path, capsys):
    """Runs the command on the folder: its exit code, what it printed, its errors, and the clip if one was written."""

    def run(*arguments, id=ID):
        clip = tmp_path / "clip.wav"
        code = main(["listen", "librispeech_folder", id, f"--data_dir={folder}", f"--output={clip}", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err, read_clip(clip) if clip.exists() else None

    return run


def read_clip(path):
    info = soundfile.info(path)
    assert (info.format, info.subtype, info.samplerate, info.channels) == ("WAV", "PCM_16", SAMPLE_RATE, 1)
    return soundfile.read(path, dtype="int16")[0]


def slice_of(samples, start, end):
    return samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]


def word_lines(printed):
    """Number, start, end and word of every line of the table."""
    rows = re.findall(r"^ +(\d+) +([\d.]+) +([\d.]+)  (\S+)$", printed, re.MULTILINE)
    return [(int(number), float(start), float(end), word) for number, start, end, word in rows]


def test_an_utterance_of_a_folder(listen, folder):
    code, printed, error, clip = listen(f"--alignment_dir={folder / 'alignments'}")
    assert (code, error) == (0, "")
    for fact in (ID, str(folder / "dev-clean" / "3" / "5" / f"{ID}.flac"), "0.000 to 2.000 s", "THE CAT SLEPT"):
        assert fact in printed
    assert re.search("^split +dev$", printed, re.MULTILINE)
    assert re.search("^speaker +3$", printed, re.MULTILINE)
    assert "from a TextGrid" in printed
    assert "GUESSED" not in printed
    assert word_lines(printed) == [(i, start, end, word.upper()) for i, (start, end, word) in enumerate(WORDS, 1)]
    np.testing.assert_array_equal(clip, noise(2, 3))


@pytest.mark.parametrize(
    ("asked", "numbers", "start", "end"),
    [
        ("--word=2", [2], 0.5 - PADDING, 1.0 + PADDING),
        ("--words=1-2", [1, 2], 0.25 - PADDING, 1.0 + PADDING),
        ("--word=3", [3], 1.5 - PADDING, 2.0),  # the padding ends with the utterance
    ],
)
def test_words_are_cut_out_with_padding(asked, numbers, start, end, listen, folder):
    code, printed, _, clip = listen(f"--alignment_dir={folder / 'alignments'}", asked)
    assert code == 0
    assert [number for number, *_ in word_lines(printed)] == numbers
    assert f"clip.wav: {start:.3f} to {end:.3f} s" in printed
    np.testing.assert_array_equal(clip, slice_of(noise(2, 3), start, end))


def test_guessed_times_are_called_so(listen):
    _, printed, _, _ = listen()
    assert "GUESSED, an equal share" in printed
    assert [times for _, *times, _ in word_lines(printed)] == [[0, 0.667], [0.667, 1.333], [1.333, 2]]
    assert "GUESSED" in listen("--alignment=proportional")[1]


def test_times_nobody_has_are_not_made_up(listen):
    code, printed, _, clip = listen("--alignment=corpus")
    assert code == 0
    assert "times unknown" in printed
    assert "SLEPT" in printed
    assert word_lines(printed) == []
    assert len(clip) == 2 * SAMPLE_RATE


def test_without_a_way_to_play_one_line_tells_what_to_do(listen, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    code, printed, error, clip = listen("--play", "--word=2")
    assert code == 2
    assert "playing   " in printed
    assert error == (
        "keras-stt: to play, install sounddevice: pip install 'keras_stt[live]'; or --output=CLIP.wav writes the clip "
        "instead\n"
    )
    assert len(clip)  # what else was asked for is done


def test_nothing_is_written_unless_asked(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["listen", "librispeech_folder", ID, f"--data_dir={folder}"]) == 0
    assert "clip" not in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_segment_keeps_the_times_of_its_recording(tmp_path, capsys):
    samples = noise(6, 0)
    soundfile.write(tmp_path / "talk.wav", samples, SAMPLE_RATE)
    segments = [StmSegment("talk", "1", "anna", 0, 1.5, "", "HELLO"), StmSegment("talk", "1", "anna", 2, 4, "", "A B")]
    write_stm(tmp_path / "talk.stm", segments)
    arguments = ["listen", "stm", "talk-1-00002000-00004000", f"--data_dir={tmp_path}"]
    clip = tmp_path / "clip.wav"
    assert main([*arguments, f"--output={clip}"]) == 0
    printed = capsys.readouterr().out
    assert "2.000 to 4.000 s of the recording" in printed
    assert word_lines(printed) == [(1, 2.0, 3.0, "A"), (2, 3.0, 4.0, "B")]
    np.testing.assert_array_equal(read_clip(clip), slice_of(samples, 2, 4))
    assert main([*arguments, f"--output={clip}", "--word=1"]) == 0
    np.testing.assert_array_equal(read_clip(clip), slice_of(samples, 2, 3 + PADDING))
    assert main([*arguments, f"--output={clip}", "--word=2"]) == 0
    np.testing.assert_array_equal(read_clip(clip), slice_of(samples, 3 - PADDING, 4))


def test_the_embedded_corpus(tmp_path, capsys):
    options = CorpusOptions("synthetic_tiny", cache_dir=str(tmp_path / "cache"))
    record = list(open_corpus(options)["test"])[-1]
    capsys.readouterr()
    clip = tmp_path / "word.WAV"
    arguments = ["listen", "synthetic_tiny", record.id, f"--cache_dir={options.cache_dir}"]
    assert main([*arguments, f"--output={clip}", "--word=2"]) == 0
    printed = capsys.readouterr().out
    assert "from the corpus" in printed
    assert f"{record.audio.builder_dir}, split test, row {record.audio.row}" in printed
    start, end = record.word_times[1]
    assert word_lines(printed) == [(2, round(start, 3), round(end, 3), record.text.upper().split()[1])]
    expected = slice_of(record.read() * 2.0**15, start - PADDING, end + PADDING)
    np.testing.assert_array_equal(read_clip(clip), expected)
    assert main([*arguments, "--split=train"]) == 2
    assert "in train; did you mean train" in capsys.readouterr().err


def test_where_audio_lies():
    pieces = JoinedAudio(((FileAudio("/d/1.wav"), 0.1), (FileAudio("/d/2.wav"), 0.25)))
    assert places(pieces) == ["/d/1.wav, after a pause of 0.100 s", "/d/2.wav, after a pause of 0.250 s"]
    assert places(TFDSAudio("/t/1.0.0", "dev", 7)) == ["/t/1.0.0, split dev, row 7"]
    assert places(TFRecordAudio("/t/a.tfrecord", 12, 345, "/t")) == ["/t/a.tfrecord, 345 bytes from byte 12"]


@pytest.mark.parametrize(
    ("arguments", "id", "words"),
    [
        ([], "3-5-001", "in train, dev, test; did you mean 3-5-0001?"),
        ([], "3-5-0000", "; dev: 1 records skipped: 1 no audio file"),
        ([], "hello", "its ids look like 1-5-0001"),
        (["--split=train"], ID, f"no utterance {ID!r} in train; did you mean 1-5-0001?"),
        (["--split=test"], ID, "in test; it has no utterance"),
        (["--word=4"], ID, f"--word: no word 4: {ID} has 3; give 1 to 3"),
        (["--words=2-9"], ID, "give 1 to 3"),
        (["--word=0"], ID, "counted from 1"),
        (["--words=3-2"], ID, "give N or FROM-TO"),
        (["--word=THE"], ID, "give N or FROM-TO"),
        (["--word=1", "--alignment=corpus"], ID, "--alignment: has no word times for"),
        (["--alignment=ctm"], ID, "--alignment_dir: is needed"),
        (["--output=clip.mp3"], ID, "--output: clip.mp3 is no WAV file"),
        (["--output=no/such/clip.wav"], ID, "--output: no/such/clip.wav cannot be written (no folder no/such)"),
    ],
)
def test_bad_input_is_told_in_one_line(arguments, id, words, listen):
    code, _, error, clip = listen(*arguments, id=id)
    assert code == 2
    assert words in error
    assert error.count("\n") == 1
    assert clip is None
