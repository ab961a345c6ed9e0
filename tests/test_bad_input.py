"""Bad recordings and transcripts: training skips and counts them, transcription reports them and goes on."""

import copy
import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from bad_corpus import KINDS, RECORDINGS, USED, write_bad_corpus, write_recordings

from keras_stt.cli.main import main
from keras_stt.errors import FlagError, printable
from keras_stt.train.run import train

ROOT = Path(__file__).parent.parent
REASONS = Counter(kind.trained for kind in KINDS.values() if kind.trained != USED)
# Eight hours are only looked at in training: to transcribe their silence takes ten seconds and 2 GB.
TRANSCRIBED = {name: kind for name, kind in RECORDINGS.items() if name != "8 h of silence"}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return write_bad_corpus(tmp_path_factory.mktemp("bad"))


@pytest.fixture(scope="module")
def options_of(train_flags):
    """The options of a tiny run on a manifest that leaves all in a folder."""
    from keras_stt.train.options import TrainOptions

    def read(manifest, folder, *more: str):
        flags = copy.deepcopy(train_flags)
        places = [f"--data_dir={manifest}", f"--cache_dir={folder / 'cache'}", f"--output_dir={folder / 'run'}"]
        flags(["train_main.py", f"--flagfile={ROOT}/flags/tiny.cfg", "--dataset=manifest", *places, *more])
        return TrainOptions(**{flag.name: flag.value for flag in flags.get_flags_for_module("train_main")})

    return read


def rows_of(folder) -> list[dict]:
    with (folder / "skipped.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def reasons_of_kinds(rows) -> dict[str, str]:
    """For each kind the reason of the row that names its file."""
    return {
        name: next((row["reason"] for row in rows if f"/{kind.file}" in row["where"]), USED)
        for name, kind in KINDS.items()
    }


@pytest.fixture(scope="module")
def finished(manifest, options_of, tmp_path_factory):
    """The folder of a run on all kinds at once."""
    folder = tmp_path_factory.mktemp("trained")
    train(options_of(manifest, folder, "--epochs=1", "--steps_per_epoch=3", "--nogradient_norms"))
    return folder / "run"


def test_training_skips_what_cannot_be_used_and_counts_it_by_reason(finished):
    summary = json.loads((finished / "summary.json").read_text())
    assert summary["skipped_records"] == REASONS
    assert summary["test_unreadable"] == 0


def test_training_lists_what_it_skipped(finished):
    rows = rows_of(finished)
    assert reasons_of_kinds(rows) == {name: kind.trained for name, kind in KINDS.items()}
    assert {row["split"] for row in rows} == {"train"}
    assert len(rows) == REASONS.total()


def test_the_view_of_utterances_skips_the_same_and_lists_what_it_leaves_out_itself(manifest, options_of, tmp_path):
    from keras_stt.train.utterance.setup import prepare

    (tmp_path / "run").mkdir()
    view = ("--view=utterance", "--position=rotary", "--phone_weight=0", "--audio_blocks=2")
    setup = prepare(options_of(manifest, tmp_path, *view), tmp_path / "run")
    too_short = "too short for its text at 0.04 s a step"
    expected = {name: kind.trained for name, kind in KINDS.items()} | {"80 letters in 1.5 s": too_short}
    assert reasons_of_kinds(rows_of(tmp_path / "run")) == expected
    assert setup.left_out == {"unreadable audio": 6, too_short: 1}
    assert setup.splits["train"].skipped == REASONS


def test_too_many_skipped_records_stop_a_run_before_it_trains(manifest, options_of, tmp_path):
    found = len(KINDS) + 40
    with pytest.raises(FlagError) as error:
        train(options_of(manifest, tmp_path, "--max_skipped_share=0.2"))
    said = str(error.value)
    assert said.startswith(f"--max_skipped_share: {REASONS.total()} of {found} records cannot be used, ")
    assert all(f"{count} {reason}" in said for reason, count in REASONS.items())
    assert f"{tmp_path}/run/skipped.csv" in said
    assert len(rows_of(tmp_path / "run")) == REASONS.total()
    assert not (tmp_path / "run/summary.json").exists()


def test_a_corpus_without_faults_has_an_empty_list(options_of, tmp_path):
    from keras_stt.train.corpus import open_splits

    manifest = write_bad_corpus(tmp_path, kinds={}, good=(("train", 1), ("dev", 1), ("test", 1)))
    open_splits(options_of(manifest, tmp_path, "--max_skipped_share=0"), tmp_path)
    assert (tmp_path / "skipped.csv").read_text() == "split,reason,where\n"


def window_model(tiny_recognizer):
    return tiny_recognizer


def utterance_model(tiny_recognizer):
    from keras_stt.recognizer import UtteranceRecognizer
    from keras_stt.tokens import CharacterTokens

    tokens, size = CharacterTokens("ENOHRTW"), {"model_dim": 16, "audio_blocks": 2, "attention_heads": 2}
    return UtteranceRecognizer(tokens.to_config(), tokens.size, **size)


@pytest.mark.parametrize("make", [window_model, utterance_model])
def test_transcription_goes_on_after_every_bad_file(make, tiny_recognizer, tmp_path, capsys, caplog):
    make(tiny_recognizer).save(tmp_path / "model.keras")
    paths = write_recordings(tmp_path, TRANSCRIBED)
    assert main(["transcribe", str(tmp_path / "model.keras"), *map(str, paths.values())]) == 1
    said = capsys.readouterr()
    names = [line.partition("\t")[0] for line in said.out.splitlines()]
    assert names == [printable(str(paths[name])) for name, kind in TRANSCRIBED.items() if not kind.refused]
    refused = {name: kind for name, kind in TRANSCRIBED.items() if kind.refused}
    lines = said.err.splitlines()
    assert len(lines) == len(refused)
    for line, (name, kind) in zip(lines, refused.items(), strict=True):
        assert line.startswith(f"keras-stt: {' '.join(str(paths[name]).split())}: ")
        assert kind.refused in line
    cut = [message.partition(": cut short")[0] for message in caplog.messages if ": cut short" in message]
    expected = ("truncated FLAC", "FLAC that claims 1,193 h", "FLAC that claims 50 min")
    assert cut == [str(paths[name]) for name in expected]


def test_what_is_written_down_is_of_all_kinds_and_still_true():
    found = json.loads((ROOT / "benchmarks/results/bad_input.json").read_text(encoding="utf-8"))
    assert found["unexpected"] == []
    assert {row["kind"]: row["window"] for row in found["kinds"]} == {n: kind.trained for n, kind in KINDS.items()}
    assert found["skipped_records"]["window"] == found["skipped_records"]["utterance"] == REASONS
    assert found["transcription_exit_code"] == 1
