"""What is compared: one flagfile is one experiment, and its header says what it is about."""

import dataclasses
import itertools
import re
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from keras_stt.errors import InputError
from keras_stt.formats.lines import read_lines

# Each run has its own; given for all of them they would be without effect, or make all runs write to one folder.
SET_BY_COMPARE = ("seed", "output_dir", "budget_cpu_s", "resume")


@dataclasses.dataclass(frozen=True)
class Experiment:
    """One flagfile with the flags that are given to all experiments.

    Attributes:
        name: of the flagfile, without its ending.
        flagfile: as it was given.
        flags: all flags in the order in which they are read, those of nested flagfiles in their place. They tell
            whether the experiment is still the one that was run.
        extra_flags: the flags given to all experiments; they come after the flagfile's and win.
        description: the first sentence of the comment that the flagfile begins with; may be empty.
    """

    name: str
    flagfile: str
    flags: tuple[str, ...]
    extra_flags: tuple[str, ...]
    description: str


def read_experiments(flagfiles: Sequence[str], extra_flags: Sequence[str] = ()) -> list[Experiment]:
    """The experiments of these flagfiles, in their order.

    Raises:
        InputError: a flagfile cannot be read, two have one name, or a flag is given to all that each run has its own.
    """
    for flag in extra_flags:
        name = flag.lstrip("-").partition("=")[0]
        if name in SET_BY_COMPARE:
            raise InputError(f"{flag}: every run has its own --{name}; leave it out after --")
    experiments = [_read(flagfile, tuple(extra_flags)) for flagfile in flagfiles]
    seen: dict[str, str] = {}
    for experiment in experiments:
        if experiment.name in seen:
            both = f"{seen[experiment.name]} and {experiment.flagfile}"
            raise InputError(f"{both} would share the folder {experiment.name}; rename one")
        seen[experiment.name] = experiment.flagfile
    return experiments


def read_flags(path, extra_flags: Sequence[str] = ()) -> tuple[str, ...]:
    """The flags of a flagfile and those after it, as absl reads them: no comments, nested flagfiles in their place.

    Raises:
        InputError: it, or one that it names, cannot be read.
    """
    try:
        return tuple(flags.FlagValues().read_flags_from_files([f"--flagfile={path}", *extra_flags]))
    except (flags.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a flagfile ({error}); check the paths") from error


def last_value(flag_list: Sequence[str], name: str) -> str | None:
    """The value of the last `--name=value`, which is the one that counts; None without one."""
    found = [flag.partition("=")[2] for flag in flag_list if flag.startswith((f"--{name}=", f"-{name}="))]
    return found[-1] if found else None


def first_sentence(text: str) -> str:
    """Up to the first full stop, exclamation or question mark with a space after it; all of a text without one."""
    sentence = re.match(r".*?[.!?](?=\s|$)", text)
    return sentence.group() if sentence else text


def _read(flagfile: str, extra_flags: tuple[str, ...]) -> Experiment:
    path = Path(flagfile)
    return Experiment(path.stem, str(flagfile), read_flags(path, extra_flags), extra_flags, _description(path))


def _description(path: Path) -> str:
    lines = (line.strip() for _, line in read_lines(path))
    header = (line.lstrip("#").strip() for line in itertools.takewhile(lambda line: line.startswith("#"), lines))
    text = " ".join(itertools.takewhile(bool, header))
    return first_sentence(text)
