"""LibriSpeech through TFDS, on tiny archives of noise in the official layout."""

import gzip
import hashlib
import io
import os
import socket
import tarfile
import threading

import numpy as np
import pytest
import soundfile

from keras_stt.data import librispeech_subset
from keras_stt.data.librispeech_subset.archive import read_archive
from keras_stt.data.librispeech_subset.prepare import prepare_archive
from keras_stt.data.one_process import one_process_at_a_time
from keras_stt.data.records import Record
from keras_stt.data.sources import librispeech_tfds
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.errors import FlagError, InputError

SPEAKERS = {"train-clean-100": (19, 26, 27), "dev-clean": (84, 174), "test-clean": (61, 121)}


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A folder with `LibriSpeech/SUBSET/...` and, per subset, `{id: (samples, FLAC bytes, text)}`."""
    folder = tmp_path_factory.mktemp("corpus")
    return folder, {subset: _write_subset(folder, subset, SPEAKERS[subset]) for subset in SPEAKERS}


@pytest.fixture(scope="module")
def archives(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("archives")
    for subset in SPEAKERS:
        _pack(corpus[0], subset, folder)
    return folder


def _write_subset(folder, subset, speakers):
    chance, utterances = np.random.default_rng(len(subset)), {}
    for speaker in speakers:
        chapter_folder = folder / "LibriSpeech" / subset / str(speaker) / str(speaker + 1000)
        chapter_folder.mkdir(parents=True)
        lines = []
        for number in range(3):
            name = f"{speaker}-{speaker + 1000}-{number:04d}"
            samples = chance.integers(-3000, 3000, 4000 + chance.integers(4000)).astype(np.int16)
            buffer = io.BytesIO()
            soundfile.write(buffer, samples, 16000, format="FLAC", subtype="PCM_16")
            (chapter_folder / f"{name}.flac").write_bytes(buffer.getvalue())
            text = f"SPEAKER {speaker} SAYS NUMBER {number}"
            lines.append(f"{name} {text}")
            utterances[name] = (samples, buffer.getvalue(), text)
        (chapter_folder / f"{speaker}-{speaker + 1000}.trans.txt").write_text("\n".join(lines) + "\n")
    return utterances


def _pack(corpus_folder, subset, folder, texts_first=False, name=None):
    """An archive in the official layout; the transcripts come before or after the audio of all chapters."""
    path = folder / f"{name or subset}.tar.gz"
    files = sorted((corpus_folder / "LibriSpeech" / subset).rglob("*.*"))
    files.sort(key=lambda file: (file.suffix == ".flac") == texts_first)
    with tarfile.open(path, "w:gz") as archive:
        for file in files:
            archive.add(file, os.fspath(file.relative_to(corpus_folder)))
    return path


def _options(**fields):
    return CorpusOptions("librispeech", **{name: os.fspath(value) for name, value in fields.items()})


def _assert_equal(records, utterances):
    records = list(records)
    assert {record.id for record in records} == set(utterances)
    assert len(records) == len(utterances)
    for record in records:
        samples, _, text = utterances[record.id]
        assert record.text == text
        assert record.speaker == record.id.split("-")[0]
        assert record.duration == len(samples) / 16000
        np.testing.assert_array_equal(record.read(), samples / np.float32(32768))
        np.testing.assert_array_equal(record.audio.read(0.05, 0.15), samples[800:2400] / np.float32(32768))
        again = Record.from_json(record.to_json())
        assert again.audio == record.audio
        np.testing.assert_array_equal(again.audio.read(0.0, None), samples / np.float32(32768))


def test_archives_become_records(corpus, archives, tmp_path):
    splits = librispeech_tfds.splits(_options(archive_dir=archives, cache_dir=tmp_path))
    assert list(splits) == ["train", "dev", "test"]
    for split, subset in zip(splits, SPEAKERS, strict=True):
        assert splits[split].length_hint == len(corpus[1][subset])
        _assert_equal(splits[split], corpus[1][subset])
        _assert_equal(splits[split], corpus[1][subset])  # records can be read as often as one likes


def test_flac_bytes_are_kept_as_they_are(corpus, archives, tmp_path):
    import tensorflow_datasets as tfds

    folder = prepare_archive("dev-clean", archives, tmp_path)
    builder = tfds.builder_from_directory(folder)
    assert builder.info.full_name == "librispeech_subset/dev-clean/1.0.0"
    source = builder.as_data_source("dev_clean")
    for example in source:
        samples, flac, _ = corpus[1]["dev-clean"][example["id"].decode()]
        assert example["speech"] == flac
        assert example["duration"] == pytest.approx(len(samples) / 16000, abs=1e-6)
        assert f"{example['speaker_id']}-{example['chapter_id']}" in example["id"].decode()


def test_two_archives_are_enough(corpus, tmp_path, caplog):
    for subset in ("train-clean-100", "dev-clean"):
        _pack(corpus[0], subset, tmp_path)
    splits = librispeech_tfds.splits(_options(archive_dir=tmp_path, cache_dir=tmp_path / "cache"))
    _assert_equal(splits["train"], corpus[1]["train-clean-100"])
    dev, test = list(splits["dev"]), list(splits["test"])
    assert {record.speaker for record in dev} == {"174"}
    assert {record.speaker for record in test} == {"84"}
    assert len(dev) + len(test) == len(corpus[1]["dev-clean"])
    assert sum("half the speakers" in line for line in caplog.messages) == 1


def test_a_prepared_archive_is_not_prepared_again(corpus, archives, tmp_path, monkeypatch):
    options = _options(archive_dir=archives, cache_dir=tmp_path)
    librispeech_tfds.splits(options)
    monkeypatch.setattr("keras_stt.data.librispeech_subset.archive.read_archive", None)
    _assert_equal(librispeech_tfds.splits(options)["test"], corpus[1]["test-clean"])
    without_archives = librispeech_tfds.splits(_options(cache_dir=tmp_path))
    _assert_equal(without_archives["train"], corpus[1]["train-clean-100"])


def test_another_archive_of_that_name_is_prepared_anew(corpus, tmp_path, caplog):
    root = tmp_path / "cache"
    small = tmp_path / "small"
    _write_subset(small, "dev-clean", (7,))
    _pack(small, "dev-clean", tmp_path)
    prepare_archive("dev-clean", tmp_path, root)
    _pack(corpus[0], "dev-clean", tmp_path)
    folder = prepare_archive("dev-clean", tmp_path, root)
    _assert_equal(librispeech_tfds.read_prepared([(folder, "dev_clean")]), corpus[1]["dev-clean"])
    assert "has changed" in caplog.text


def test_where_nothing_can_be_written(archives, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot prepare dev-clean.tar.gz there .*; choose another folder"):
        prepare_archive("dev-clean", archives, tmp_path / "file")


def test_what_a_killed_process_left_is_removed(archives, tmp_path):
    left = tmp_path / "librispeech_subset" / "dev-clean" / "incomplete.ABC123_1.0.0"
    left.mkdir(parents=True)
    prepare_archive("dev-clean", archives, tmp_path)
    assert not left.exists()


def test_processes_prepare_one_after_the_other(tmp_path, caplog):
    entered = threading.Event()

    def second():
        with one_process_at_a_time(tmp_path / "lock", "dev-clean"):
            entered.set()

    with one_process_at_a_time(tmp_path / "lock", "dev-clean"):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.2)
    thread.join(10)
    assert entered.is_set()
    assert "waiting for the process that prepares dev-clean" in caplog.text


@pytest.mark.parametrize("texts_first", [True, False])
def test_transcripts_before_or_after_audio(corpus, tmp_path, texts_first):
    path = _pack(corpus[0], "dev-clean", tmp_path, texts_first)
    read = {utterance.id: (utterance.flac, utterance.text) for utterance in read_archive(path, "dev-clean")}
    assert read == {name: (flac, text) for name, (_, flac, text) in corpus[1]["dev-clean"].items()}


@pytest.mark.parametrize("keep", [0.3, 0.999])
def test_archive_cut_short(archives, corpus, tmp_path, keep):
    data = (archives / "dev-clean.tar.gz").read_bytes()
    (tmp_path / "dev-clean.tar.gz").write_bytes(data[: int(len(data) * keep)])
    root = tmp_path / "cache"
    with pytest.raises(InputError, match=r"dev-clean.tar.gz: cut short or damaged .*; fetch it again") as raised:
        prepare_archive("dev-clean", tmp_path, root)
    assert "\n" not in str(raised.value)
    assert not list(root.rglob("dataset_info.json"))
    assert not list(root.rglob("*array_record*"))
    (tmp_path / "dev-clean.tar.gz").write_bytes(data)
    folder = prepare_archive("dev-clean", tmp_path, root)
    _assert_equal(librispeech_tfds.read_prepared([(folder, "dev_clean")]), corpus[1]["dev-clean"])


def test_archive_with_a_flipped_bit(archives, tmp_path):
    data = bytearray((archives / "dev-clean.tar.gz").read_bytes())
    data[len(data) // 2] ^= 8
    path = tmp_path / "dev-clean.tar.gz"
    path.write_bytes(data)
    with pytest.raises(InputError, match="cut short or damaged"):
        list(read_archive(path, "dev-clean"))


def test_archives_that_are_none(corpus, tmp_path):
    path = tmp_path / "dev-clean.tar.gz"
    with pytest.raises(InputError, match="no such file; fetch dev-clean.tar.gz from"):
        list(read_archive(path, "dev-clean"))
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(InputError, match="damaged"):
        list(read_archive(path, "dev-clean"))
    with gzip.open(path, "wb") as file, tarfile.open(fileobj=file, mode="w"):
        pass
    with pytest.raises(InputError, match="no LibriSpeech utterances in it"):
        list(read_archive(path, "dev-clean"))
    renamed = _pack(corpus[0], "test-clean", tmp_path, name="train-clean-100")
    with pytest.raises(InputError, match="it holds test-clean, not train-clean-100"):
        list(read_archive(renamed, "train-clean-100"))


def test_audio_without_transcript(corpus, tmp_path):
    folder = tmp_path / "copy"
    _write_subset(folder, "dev-clean", (84,))
    transcript = next(folder.rglob("*.trans.txt"))
    transcript.write_text("\n".join(transcript.read_text().splitlines()[:2]))
    with pytest.raises(InputError, match="84-1084-0002.flac has no line in its .trans.txt"):
        list(read_archive(_pack(folder, "dev-clean", tmp_path), "dev-clean"))
    transcript.unlink()
    with pytest.raises(InputError, match="84-1084-0000.flac has no .trans.txt"):
        list(read_archive(_pack(folder, "dev-clean", tmp_path), "dev-clean"))


def test_only_an_unofficial_sum_is_worth_a_line(archives, monkeypatch, caplog):
    path = archives / "dev-clean.tar.gz"
    list(read_archive(path, "dev-clean"))
    assert "not the official archive" in caplog.text
    caplog.clear()
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    monkeypatch.setitem(librispeech_subset.SUBSETS, "dev-clean", librispeech_subset.Subset("dev_clean", md5))
    list(read_archive(path, "dev-clean"))
    assert not caplog.messages


def _prepare_tfds_own(corpus_folder, data_dir, config, file_format, monkeypatch):
    """TFDS's own builder, with folders in place of the download and soundfile in place of pydub."""
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.features import audio_feature

    for name in ("SPEAKERS.TXT", "CHAPTERS.TXT"):
        (corpus_folder / "LibriSpeech" / name).write_text("")
    roots = {}
    for subset in SPEAKERS:  # TFDS reads every subset below a folder, so each gets a folder of its own
        folder = data_dir / "extracted" / subset / "LibriSpeech"
        folder.mkdir(parents=True)
        for name in (subset, "SPEAKERS.TXT", "CHAPTERS.TXT"):
            (folder / name).symlink_to(corpus_folder / "LibriSpeech" / name)
        roots[librispeech_subset.SUBSETS[subset].split] = folder.parent
    monkeypatch.setattr(tfds.download.DownloadManager, "download_and_extract", lambda *_: roots)
    monkeypatch.setattr(
        audio_feature, "_pydub_load_audio", lambda file, *_: soundfile.read(io.BytesIO(file.read()), dtype="int16")[0]
    )
    builder = tfds.builder(f"librispeech/{config}", data_dir=data_dir, file_format=file_format)
    download = tfds.download.DownloadConfig(num_shards=2, try_download_gcs=False)
    builder.download_and_prepare(download_dir=data_dir / "downloads", download_config=download)
    return builder


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
@pytest.mark.parametrize("config", ["default", "lazy_decode"])
def test_what_tfds_itself_prepared(corpus, tmp_path, monkeypatch, config, file_format):
    import tensorflow_datasets as tfds

    builder = _prepare_tfds_own(corpus[0], tmp_path, config, file_format, monkeypatch)
    splits = librispeech_tfds.splits(_options(data_dir=tmp_path))
    kind = {"tfrecord": "tfrecord", "array_record": "tfds"}[file_format]
    for split, subset in zip(splits, SPEAKERS, strict=True):
        assert {record.audio.kind for record in splits[split]} == {kind}
        _assert_equal(splits[split], corpus[1][subset])
    if file_format == "array_record":
        in_order = builder.as_data_source("train_clean100", decoders={"speech": tfds.decode.SkipDecoding()})
    else:
        in_order = builder.as_dataset(
            split="train_clean100",
            decoders=tfds.decode.PartialDecoding({"id"}),
            read_config=tfds.ReadConfig(interleave_cycle_length=1),
        ).as_numpy_iterator()
    assert [record.id for record in splits["train"]] == [example["id"].decode() for example in in_order]


def test_a_record_file_cut_short(corpus, tmp_path, monkeypatch):
    _prepare_tfds_own(corpus[0], tmp_path, "lazy_decode", "tfrecord", monkeypatch)
    records = list(librispeech_tfds.splits(_options(data_dir=tmp_path))["dev"])
    last = max(records, key=lambda record: (record.audio.path, record.audio.offset))
    with open(last.audio.path, "r+b") as file:
        file.truncate(last.audio.offset + last.audio.length - 1)
    with pytest.raises(InputError, match="prepare the corpus again"):
        last.read()
    with pytest.raises(InputError, match="cut short at byte"):
        list(librispeech_tfds.splits(_options(data_dir=tmp_path))["dev"])


def test_subsets_by_name(corpus, archives, tmp_path):
    named = (("train", "train-clean-100,test_clean"), ("dev", "dev_clean"))
    options = CorpusOptions("librispeech", archive_dir=str(archives), cache_dir=str(tmp_path), splits=named)
    train = {record.id for record in librispeech_tfds.splits(options)["train"]}
    assert train == set(corpus[1]["train-clean-100"]) | set(corpus[1]["test-clean"])
    with pytest.raises(FlagError, match="train_clean1000.*it has train-clean-100"):
        librispeech_tfds.splits(CorpusOptions("librispeech", splits=(("train", "train_clean1000"),)))
    missing = CorpusOptions("librispeech", archive_dir=str(archives), splits=(("train", "train-clean-360"),))
    with pytest.raises(FlagError, match="no train-clean-360.tar.gz in .*; fetch it from"):
        librispeech_tfds.splits(missing)


def test_nothing_there(tmp_path):
    with pytest.raises(FlagError, match="--data_dir: no LibriSpeech .*TFDS.*--archive_dir.*--download"):
        librispeech_tfds.splits(_options(data_dir=tmp_path))
    with pytest.raises(FlagError, match=r"--archive_dir: no train-clean-100.tar.gz in .*; fetch it"):
        librispeech_tfds.splits(_options(archive_dir=tmp_path, cache_dir=tmp_path))
    with pytest.raises(FlagError, match="--archive_dir: no folder"):
        librispeech_tfds.splits(_options(archive_dir=tmp_path / "absent"))


def test_download_only_with_the_flag(corpus, archives, tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    asked = []

    def download(_, url):
        asked.append(url)
        return archives / url.rsplit("/", 1)[1]

    monkeypatch.setattr(tfds.download.DownloadManager, "download", download)
    options = CorpusOptions("librispeech", cache_dir=str(tmp_path), download=True)
    _assert_equal(librispeech_tfds.splits(options)["test"], corpus[1]["test-clean"])
    assert [url.rsplit("/", 1)[1] for url in asked] == [f"{subset}.tar.gz" for subset in SPEAKERS]
    librispeech_tfds.splits(options)
    assert len(asked) == 3

    def fail(_, url):
        raise OSError(f"no route\nto {url}")

    monkeypatch.setattr(tfds.download.DownloadManager, "download", fail)
    with pytest.raises(InputError, match=r"train-clean-100.tar.gz: cannot be downloaded \(no route\); try again"):
        librispeech_tfds.splits(CorpusOptions("librispeech", cache_dir=str(tmp_path / "other"), download=True))
