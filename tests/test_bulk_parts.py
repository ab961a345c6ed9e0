"""Inputs in parts: named by what they are of, whole or not there, joined with every input once."""

import json
import os
import socket
import sys
from pathlib import Path

import pytest

from keras_stt.bulk.engine import Engine, connected
from keras_stt.bulk.parts import divide, file_identity, join_json_lines, missing, read_part, write_part
from keras_stt.bulk.work import DEATHS, JOURNAL, make_part
from keras_stt.errors import FlagError, InputError
from keras_stt.recordings import find_recordings

NAMES = ["a", "b", "c", "d", "e"]


def parts_of(folder, names=NAMES, size=2, work="upper", identities=None):
    return divide(names, identities or names, size, folder, work)


class Upper:
    """Says each name in capitals; "c" is a bad input."""

    def identity(self):
        return "upper"

    def open(self):
        return self.make

    def make(self, name):
        if name == "c":
            raise InputError("c: bad")
        return name.upper()

    def content(self, inputs, results):
        told = [("error" if isinstance(result, InputError) else "said", str(result)) for result in results]
        return b"".join(
            json.dumps({"name": name, key: value}).encode() + b"\n"
            for name, (key, value) in zip(inputs, told, strict=True)
        )


def make_all(parts):
    for part in parts:
        make_part(Upper(), Upper().open(), part)


def test_parts_hold_every_input_once_in_order_and_are_the_same_each_time(tmp_path):
    parts = parts_of(tmp_path)
    assert [part.inputs for part in parts] == [["a", "b"], ["c", "d"], ["e"]]
    assert parts == parts_of(tmp_path)
    assert parts_of(tmp_path, []) == []


def test_a_changed_input_changes_the_name_of_its_part_alone(tmp_path):
    before, after = parts_of(tmp_path), parts_of(tmp_path, identities=["a", "b", "c", "changed", "e"])
    assert [one.path == other.path for one, other in zip(before, after, strict=True)] == [True, False, True]


def test_other_work_changes_all_names(tmp_path):
    before, after = parts_of(tmp_path), parts_of(tmp_path, work="lower")
    assert not {part.path for part in before} & {part.path for part in after}


def test_a_file_that_is_written_anew_is_another_input(tmp_path):
    path = tmp_path / "x.wav"
    absent = file_identity(str(path))
    path.write_bytes(b"one")
    first = file_identity(str(path))
    os.utime(path, (1, 1))
    assert len({absent, first, file_identity(str(path))}) == 3


def test_what_is_joined_has_each_input_and_tells_what_failed(tmp_path):
    parts = parts_of(tmp_path)
    make_all(parts)
    assert join_json_lines(parts, tmp_path / "all.jsonl", "name") == 1
    lines = list(map(json.loads, (tmp_path / "all.jsonl").read_text().splitlines()))
    assert [line["name"] for line in lines] == NAMES
    assert lines[2] == {"name": "c", "error": "c: bad"}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".") or path.name.endswith(JOURNAL)]


@pytest.mark.parametrize("harm", ["cut", "byte", "empty", "gone"])
def test_a_damaged_part_is_noticed_and_made_again(tmp_path, harm):
    parts = parts_of(tmp_path)
    make_all(parts)
    path = Path(parts[1].path)
    whole = path.read_bytes()
    damaged = {"cut": whole[:-7], "byte": b"X" + whole[1:], "empty": b""}
    path.unlink() if harm == "gone" else path.write_bytes(damaged[harm])
    assert missing(parts) == [parts[1]]
    with pytest.raises(InputError, match="0 results for 2 inputs"):
        join_json_lines(parts, tmp_path / "all.jsonl", "name")
    assert not (tmp_path / "all.jsonl").exists()
    make_all(parts)
    assert path.read_bytes() == whole
    assert not missing(parts)


def test_a_part_that_is_whole_is_not_made_again(tmp_path):
    parts = parts_of(tmp_path)
    make_all(parts)

    def never(name):
        raise AssertionError(name)

    for part in parts:
        make_part(Upper(), never, part)


def test_results_of_other_inputs_are_never_joined(tmp_path):
    parts = parts_of(tmp_path)
    make_all(parts)
    swapped = read_part(parts[0]).splitlines(keepends=True)[::-1]
    write_part(parts[0], b"".join(swapped))
    with pytest.raises(InputError, match="a result of 'b' where 'a' is due"):
        join_json_lines(parts, tmp_path / "all.jsonl", "name")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    parts = parts_of(tmp_path)
    make_all(parts)
    join_json_lines(parts, tmp_path / "all.jsonl", "name")
    before = (tmp_path / "all.jsonl").read_bytes(), sorted(tmp_path.iterdir())
    write_part(parts[2], b'{"name": "other"}\n')
    with pytest.raises(InputError, match="where 'e' is due"):
        join_json_lines(parts, tmp_path / "all.jsonl", "name")
    assert ((tmp_path / "all.jsonl").read_bytes(), sorted(tmp_path.iterdir())) == before


def test_an_input_that_kills_its_workers_is_left_out_in_the_end(tmp_path):
    """A worker that is killed raises nothing here; what stands for it leaves the journal as a killed one does."""
    (part,) = parts_of(tmp_path, ["a", "b"], identities=["a", "b"])

    class Killed(BaseException):
        pass

    def deadly(name):
        if name == "b":
            raise Killed
        return name

    for _ in range(DEATHS):
        with pytest.raises(Killed):
            make_part(Upper(), deadly, part)
        assert missing([part])
    assert make_part(Upper(), deadly, part) == DEATHS
    said, left_out = map(json.loads, read_part(part).splitlines())
    assert said == {"name": "a", "said": "a"}
    assert "3 workers died at it" in left_out["error"]


def test_recordings_of_folders_lists_and_by_name_come_once(tmp_path):
    deep = tmp_path / "speech" / "with space" / "new\nline"
    deep.mkdir(parents=True)
    for path in (deep / "b.wav", tmp_path / "speech" / "a.FLAC", tmp_path / "odd.name", deep / "text.txt"):
        path.write_bytes(b"")
    (deep / "loop").symlink_to(tmp_path / "speech", target_is_directory=True)
    (deep / "away.wav").symlink_to(tmp_path / "nowhere")
    folder, odd, named = (str(tmp_path / name) for name in ("speech", "odd.name", "speech/a.FLAC"))
    listed = tmp_path / "list"
    listed.write_bytes(os.fsencode(f"{odd}\0{deep / 'b.wav'}\0"))
    found = find_recordings([folder, named, odd], str(listed))
    assert found == [named, str(deep / "away.wav"), str(deep / "b.wav"), odd]
    listed.write_text(f"{odd}\n\n{named}\n")
    assert find_recordings([], str(listed)) == [odd, named]


def test_nothing_to_do_is_said(tmp_path):
    with pytest.raises(InputError, match="no recordings"):
        find_recordings([str(tmp_path)])
    with pytest.raises(FlagError, match="--list: .*cannot be read"):
        find_recordings([], str(tmp_path / "none"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Ray itself
def test_an_address_where_nobody_listens_is_said_at_once():
    pytest.importorskip("ray", reason='ray is not installed: pip install "keras_stt[cluster]"')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # and not listening
        address = f"127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(FlagError, match=f"--ray_address: {address}: no answer"), connected(Engine(address)):
            pass
    with pytest.raises(FlagError, match="--ray_address: somewhere: no answer"), connected(Engine("somewhere")):
        pass


def test_without_ray_the_fix_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)  # as Python says that there is none
    with pytest.raises(InputError, match=r"ray is not installed; pip install"), connected(Engine()):
        pass


@pytest.mark.parametrize("wrong", [{"workers": -1}, {"cpus": 0}, {"gpus": -1.0}])
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(FlagError):
        Engine(**wrong)
