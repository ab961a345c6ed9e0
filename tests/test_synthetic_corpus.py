"""The embedded synthetic corpus: espeak-ng, the grammar, the builder, and the source that keeps it whole."""

import collections
import concurrent.futures
import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from keras_stt.audio import SAMPLE_RATE
from keras_stt.data.espeak import speak
from keras_stt.data.locations import location_from_json
from keras_stt.data.records import require_disjoint_speakers
from keras_stt.data.sources import synthetic
from keras_stt.data.sources.options import SPLITS, CorpusOptions
from keras_stt.data.synthetic_sentences import (
    DIGITS,
    LONGEST,
    SHORTEST,
    digit_strings,
    sentences,
    utterances,
    vocabulary,
)
from keras_stt.data.synthetic_speech.speakers import ACCENTS, VARIANTS, speakers
from keras_stt.data.synthetic_speech.synthetic_speech_dataset_builder import Builder
from keras_stt.data.tfds_audio import TFDSAudio
from keras_stt.errors import InputError


def corpus(cache_dir):
    options = CorpusOptions(dataset="synthetic_tiny", cache_dir=str(cache_dir))
    return {split: list(records) for split, records in synthetic.splits(options).items()}


def content(cache_dir):
    (path,) = cache_dir.glob(f"synthetic_speech/tiny/*/{synthetic.CHECKSUMS}")
    return json.loads(path.read_text())["content"]


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    corpus(folder)
    return folder


@pytest.fixture(scope="session")
def records(cache):
    return corpus(cache)


# espeak-ng


def test_every_word_has_a_time_of_its_own():
    text = "Top of the morning, he was in the house with twenty-one dogs for $5 on a boat."
    speech = speak(text)
    starts, ends = np.array(speech.word_times).T
    assert len(starts) == len(text.split())
    assert (starts < ends).all()
    assert (ends[:-1] <= starts[1:]).all()
    assert ends[-1] <= len(speech.samples) / speech.sample_rate
    assert starts[4] - ends[3] > 0.1  # the comma's pause is in neither word


def test_joined_words_are_parted_by_their_sounds():
    together = speak("the cat in the house").word_times
    apart = speak("the cat in my house").word_times
    length = np.diff(np.array(together), axis=1)[:, 0]
    assert abs(length[2] - np.diff(apart[2])[0]) < 0.05
    assert 0.05 < length[3] < 0.2


def test_speech_does_not_depend_on_what_was_spoken_before():
    first = speak("a small dog slept", "en-us+f4", 150, 60)
    speak("something else entirely, and much longer", "en+m1")
    again = speak("a small dog slept", "en-us+f4", 150, 60)
    np.testing.assert_array_equal(first.samples, again.samples)
    assert first.word_times == again.word_times


def test_unknown_voice_and_missing_library_are_told(monkeypatch):
    for voice in ("en-us+nobody", "nowhere+f1", "nowhere"):
        with pytest.raises(InputError, match=f"no voice {voice!r}".replace("+", r"\+")):
            speak("hello", voice)
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(InputError, match="pip install espeakng-loader"):
        speak("hello")


# the grammar and the speakers


def test_sentences_are_unseen_and_every_word_can_be_learned():
    sizes = {"train": 4500, "dev": 200, "test": 400}
    by_split = sentences(sizes)
    train = set(by_split["train"])
    for split in ("dev", "test"):
        assert not train & set(by_split[split])
        assert len(set(by_split[split])) == len(by_split[split])
    assert not set(by_split["dev"]) & set(by_split["test"])
    words = [[word.strip(",") for word in sentence.split()] for sentence in by_split["train"]]
    assert all(SHORTEST <= len(sentence) <= LONGEST for sentence in words)
    counts = collections.Counter(word for sentence in words for word in sentence)
    assert sorted(counts) == vocabulary()
    assert len(counts) == 100
    assert min(counts.values()) >= 150
    assert counts["the"] > 0.1 * counts.total()
    assert sentences(sizes) == by_split


def test_utterances_are_one_to_four_sentences():
    sizes = Builder.BUILDER_CONFIGS[0].sizes()
    by_split = utterances(sizes)
    assert {split: len(texts) for split, texts in by_split.items()} == sizes
    words = [len(text.split()) for text in by_split["train"]]
    assert min(words) >= SHORTEST
    assert max(words) > 2 * LONGEST  # some outlast a window of 7.7 s
    assert not set(by_split["train"]) & set(by_split["test"])
    assert utterances(sizes) == by_split


def test_digit_strings_have_three_to_seven_digits():
    strings = digit_strings({"train": 300, "dev": 20, "test": 20})["train"]
    lengths = collections.Counter(len(string.replace(",", "").split()) for string in strings)
    assert sorted(lengths) == [3, 4, 5, 6, 7]
    assert {word for string in strings for word in string.replace(",", "").split()} == set(DIGITS)


@pytest.mark.parametrize("accent", ACCENTS)
def test_no_two_words_sound_alike(accent):
    assert len({speak(word, accent).samples.tobytes() for word in vocabulary()}) == len(vocabulary())


def test_variants_are_heard_in_one_split_only():
    variants = {split: {speaker.voice.split("+")[1] for speaker in speakers(split)} for split in SPLITS}
    require_disjoint_speakers(variants)
    for split, least in {"train": 60, "dev": 10, "test": 12}.items():
        voices = [speaker.voice for speaker in speakers(split)]
        assert len(voices) == len(set(voices)) >= least
        assert variants[split] == {name for names in VARIANTS[split].values() for name in names.split()}


def test_variants_sound_different():
    names = [name for group in VARIANTS.values() for names in group.values() for name in names.split()]
    assert len({speak("a dog", f"en-us+{name}").samples.tobytes() for name in names}) == len(names)


# the corpus


def test_sizes_ids_and_speakers(records):
    assert {split: len(rows) for split, rows in records.items()} == {"train": 40, "dev": 10, "test": 12}
    assert len({record.id for rows in records.values() for record in rows}) == 62
    require_disjoint_speakers({split: {record.speaker for record in rows} for split, rows in records.items()})


def test_word_times_are_exact(records):
    for record in (record for rows in records.values() for record in rows):
        starts, ends = np.array(record.word_times).T
        assert len(starts) == len(record.text.split())
        assert set(record.text.split()) <= set(vocabulary())
        assert (starts < ends).all()
        assert (ends[:-1] <= starts[1:] + 1e-4).all()
        assert starts[0] >= 0.05
        assert ends[-1] <= record.duration
        power = np.square(record.read())
        before = power[: round(starts[0] * SAMPLE_RATE)].mean()
        for start, end in record.word_times:
            assert power[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)].mean() > 3 * before, record


def test_audio_reads_at_16_khz_whole_and_in_part(records):
    record = records["test"][0]
    whole = record.read()
    assert whole.dtype == np.float32
    assert len(whole) == round(record.duration * SAMPLE_RATE)
    np.testing.assert_array_equal(record.audio.read(0.5, 1.0), whole[8000:16000])
    assert location_from_json(json.loads(json.dumps(record.audio.to_json()))) == record.audio


def test_audio_reads_from_threads(records):
    rows = records["train"] * 3
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        lengths = list(pool.map(lambda record: len(record.read()), rows))
    assert lengths == [round(record.duration * SAMPLE_RATE) for record in rows]


def test_wrong_places_are_told(cache, records, tmp_path):
    with pytest.raises(InputError, match="no prepared TFDS dataset there"):
        TFDSAudio(str(tmp_path), "train", 0).read(0, None)
    folder = records["train"][0].audio.builder_dir
    with pytest.raises(InputError, match="no split 'nope'; it has dev, test, train"):
        TFDSAudio(folder, "nope", 0).read(0, None)
    with pytest.raises(InputError, match="no feature 'audio'"):
        TFDSAudio(folder, "train", 0, "audio").read(0, None)


# the cache


def test_a_second_build_is_the_same_and_damage_is_mended(cache, records, tmp_path, capfd):
    first = corpus(tmp_path)
    assert content(tmp_path) == content(cache)
    assert [record.id for record in first["train"]] == [record.id for record in records["train"]]
    folder = synthetic.prepare(tmp_path, "tiny")
    for damage in (_flip_a_byte, lambda folder: (folder / synthetic.CHECKSUMS).unlink()):
        damage(folder)
        capfd.readouterr()
        again = corpus(tmp_path)
        assert "incomplete or damaged; building it again" in capfd.readouterr().err
        assert again == first
        np.testing.assert_array_equal(again["test"][3].read(), records["test"][3].read())
        assert content(tmp_path) == content(cache)


def _flip_a_byte(folder):
    (path,) = folder.glob("*test.array_record*")
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)


BUILD = """
import os, signal, sys
from keras_stt.data.sources import synthetic
from keras_stt.data.synthetic_speech import synthetic_speech_dataset_builder as module
{kill}
print(synthetic.prepare(sys.argv[1], "tiny"))
"""
KILL = """
spoken = []
def record(*args):
    spoken.append(args)
    if len(spoken) == 50:
        os.kill(os.getpid(), signal.SIGKILL)
    return recorded(*args)
recorded, module.record = module.record, record
"""


def test_a_killed_build_is_not_taken_for_a_whole_one(cache, tmp_path):
    process = subprocess.run([sys.executable, "-c", BUILD.format(kill=KILL), tmp_path], capture_output=True)
    assert process.returncode == -signal.SIGKILL
    assert list(tmp_path.glob("synthetic_speech/.building-*"))
    assert len(corpus(tmp_path)["train"]) == 40
    assert content(tmp_path) == content(cache)
    assert not list(tmp_path.glob("synthetic_speech/.building-*"))


def test_two_builds_at_once_and_nothing_but_the_bar_is_said(cache, tmp_path):
    command = [sys.executable, "-W", "error", "-c", BUILD.format(kill=""), tmp_path]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert {out.strip() for out, _ in said} == {str(synthetic.prepare(tmp_path, "tiny"))}
    assert content(tmp_path) == content(cache)
    lines = [line for _, error in said for line in error.replace("\r", "\n").split("\n") if line]
    assert all("synthetic corpus" in line for line in lines), lines
    assert sum("84/84" in line for line in lines) <= 2
    assert not any("Traceback" in line or "Warning" in line for line in lines)


def test_a_cache_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="mend --cache_dir"):
        synthetic.prepare(tmp_path / "file", "tiny")
