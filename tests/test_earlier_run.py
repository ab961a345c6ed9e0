"""A second run in a folder: what the first one left is kept, whole and apart."""

import dataclasses

from tone_manifest import write_tone_manifest

from keras_stt.train.earlier_run import put_by
from keras_stt.train.run import train


def test_only_what_learned_something_is_put_by(tmp_path):
    (tmp_path / "flags.cfg").write_text("--epochs=1")
    (tmp_path / "check.json").write_text("{}")
    assert put_by(tmp_path) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["check.json", "flags.cfg"]


def test_each_run_gets_a_folder_and_files_of_others_stay(tmp_path):
    for number in (1, 2):
        (tmp_path / "checkpoint").mkdir()
        (tmp_path / "checkpoint" / "a.npz").write_text(str(number))
        (tmp_path / "flags.cfg").write_text(f"--seed={number}")
        (tmp_path / "notes.txt").write_text("mine")
        assert put_by(tmp_path) == tmp_path / f"earlier-{number}"
        assert (tmp_path / f"earlier-{number}/flags.cfg").read_text() == f"--seed={number}"
        assert (tmp_path / f"earlier-{number}/checkpoint/a.npz").read_text() == str(number)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["earlier-1", "earlier-2", "notes.txt"]


def test_a_run_begins_in_a_folder_without_what_another_left(options_of, tmp_path, capsys):
    size = ("--model_dim=8", "--audio_blocks=2", "--middle_weight=0", "--refiner_blocks=0", "--attention_heads=2")
    folders = (f"--data_dir={write_tone_manifest(tmp_path)}", f"--cache_dir={tmp_path}/cache")
    course = ("--epochs=1", "--steps_per_epoch=1", "--nogradient_norms", "--warmup_steps=1", "--test_utterances=1")
    batches = ("--batch_seconds=2", f"--output_dir={tmp_path}/run")
    given = ("--view=utterance", "--dataset=manifest", "--phone_weight=0", "--position=rotary", "--subsampling=2")
    options = options_of(*given, *size, *folders, *course, *batches)
    train(options, "--seed=0\n")
    said = capsys.readouterr().out
    assert "earlier run" not in said
    model = (tmp_path / "run/model.keras").read_bytes()
    train(dataclasses.replace(options, seed=1), "--seed=1\n")
    assert f"what an earlier run left in {tmp_path}/run is in {tmp_path}/run/earlier-1 now" in capsys.readouterr().out
    assert (tmp_path / "run/earlier-1/model.keras").read_bytes() == model
    assert (tmp_path / "run/earlier-1/flags.cfg").read_text().startswith("--seed=0\n")
    assert (tmp_path / "run/flags.cfg").read_text().startswith("--seed=1\n")
    train(dataclasses.replace(options, seed=1, resume=True), "--seed=1\n")  # the same run: nothing is put by
    assert not (tmp_path / "run/earlier-2").exists()
