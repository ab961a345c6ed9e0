"""`train_main.py --help`: every flag by theme, with its unit, default and choices; and what is said of wrong ones."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from keras_stt.cli.flag_help import help_of, told_of
from keras_stt.train import option_checks

ROOT = Path(__file__).parent.parent
NAMED = re.compile(r"--(?:\[no\])?([a-z]\w+)")


def train_main(*arguments: str, **environment):
    command = [sys.executable, "train_main.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment})


@pytest.fixture(scope="module")
def groups(train_flags):
    return sys.modules["train_main"].groups


@pytest.fixture(scope="module")
def flags(train_flags):
    return train_flags.get_flags_for_module("train_main")


def test_every_flag_is_in_one_group(groups, flags):
    listed = [flag.name for members in groups.all().values() for flag in members]
    assert sorted(listed) == sorted(flag.name for flag in flags)
    assert all(len(members) > 0 for members in groups.all().values())


def test_every_number_has_a_unit(flags):
    """The help of a number ends with its unit: "Audio in a step. [seconds]"."""
    without = [
        flag.name for flag in flags if flag.flag_type() in ("int", "float") and told_of(flag).takes == flag.flag_type()
    ]
    assert without == []


def test_choices_are_those_that_are_checked(flags):
    offered = {flag.name: tuple(flag.parser.enum_values) for flag in flags if hasattr(flag.parser, "enum_values")}
    checked = {name: tuple(choices) for name, choices in option_checks._CHOICES.items()}
    assert {name: sorted(choices) for name, choices in offered.items()} == {
        name: sorted(choices) for name, choices in checked.items()
    }


def test_flags_that_help_speaks_of_are_there(flags):
    known = {flag.name for flag in flags} | {"flagfile"}
    for flag in flags:
        assert set(NAMED.findall(flag.help)) <= known, flag.name


@pytest.mark.parametrize("width", [40, 80, 120])
def test_help_fits_the_terminal(groups, width):
    lines = help_of(groups, "usage: it", width).splitlines()
    assert not [line for line in lines if len(line) > width and " " in line.strip()]
    text = help_of(groups, "usage: it", 120)
    assert "  --max_seconds  (seconds; default: 20.0)\n      Longer train utterances" in text
    assert "  --[no]residual  (yes or no; default: yes)\n" in text
    assert "  --keep  (best, last; default: best)\n      Weights that are saved" in text


def test_help_ends_well_and_needs_no_keras():
    done = train_main("--help", COLUMNS="100")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\nPositions:\n  --position  (" in done.stdout
    assert "pdb" not in done.stdout  # absl's own
    program = "import sys, train_main; print({'keras', 'tensorflow', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT).stdout == "set()\n"


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("--epoch=3", "--epoch: no such flag; did you mean --epochs?"),
        ("--noresidul", "--noresidul: no such flag; did you mean --noresidual?"),
        ("--view=utterence", "--view: 'utterence' is not one of window, utterance; did you mean utterance?"),
        ("--epochs=ten", "--epochs: 'ten' is no whole number; give epochs"),
        ("--max_seconds=long", "--max_seconds: 'long' is no number; give seconds"),
        ("--download=perhaps", "--download: 'perhaps' is no yes or no"),
        ("--flagfile=none.cfg", "--flagfile: 'none.cfg' cannot be read (No such file or directory); check the path"),
    ],
)
def test_wrong_flags_are_one_line_with_the_fix(argument, told):
    done = train_main(argument)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"train_main.py: {told}; see train_main.py --help\n"
