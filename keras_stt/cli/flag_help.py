"""The help of `train_main.py`: its flags by theme, with units and defaults, and what is said of a misspelled one."""

import dataclasses
import difflib
import re
import shutil
import sys
import textwrap

from absl import flags

WIDEST, NARROWEST = 120, 40  # characters of a line, however wide the terminal
INDENT = " " * 6
_UNIT = re.compile(r"\s*\[([^\[\]]+)\]$")  # what the help of a number ends with
_CHOICES = re.compile(r"^<[^<>]*\|[^<>]*>: ")  # what absl has the help of choices begin with
_REFUSED = re.compile(r"flag --(\w+)=(.*?): (.*)")
_UNREADABLE = re.compile(r"Unable to open flagfile: \[Errno \d+\] (.*): '(.*)'")
_KINDS = {"bool": "yes or no", "string": "text", "comma separated list of strings": "texts, comma-separated"}


class FlagGroups:
    """Which theme each flag of a module belongs to: that which was begun last before the flag was defined."""

    def __init__(self, values: flags.FlagValues, module):
        self._values, self._module = values, module
        self._begun: list[tuple[str, int]] = []

    def begin(self, title: str) -> None:
        """The flags defined from now on belong to this one."""
        self._begun.append((title, len(self._defined())))

    def all(self) -> dict[str, list[flags.Flag]]:
        """The flags of the module by group, both in the order of their definition."""
        defined, ends = self._defined(), [start for _, start in self._begun[1:]]
        return {
            title: defined[start:end] for (title, start), end in zip(self._begun, [*ends, len(defined)], strict=True)
        }

    def _defined(self) -> list[flags.Flag]:
        return self._values.get_flags_for_module(self._module)


@dataclasses.dataclass(frozen=True)
class Told:
    """What help tells of a flag.

    Attributes:
        name: as it is typed: `--seed`, `--[no]residual`.
        takes: the unit of a number, the choices, or the kind of value.
        default: as it would be typed; empty for an empty text.
        text: what it is for.
    """

    name: str
    takes: str
    default: str
    text: str


def told_of(flag: flags.Flag) -> Told:
    """Reads it off the flag's definition; the help of a number ends with its unit in brackets."""
    unit = _UNIT.search(flag.help)
    choices = getattr(flag.parser, "enum_values", None)
    takes = unit[1] if unit else ", ".join(choices) if choices else _KINDS.get(flag.flag_type(), flag.flag_type())
    if flag.boolean:
        return Told(f"--[no]{flag.name}", takes, "yes" if flag.default else "no", flag.help)
    default = ",".join(flag.default) if isinstance(flag.default, list) else str(flag.default)
    return Told(f"--{flag.name}", takes, default, _CHOICES.sub("", _UNIT.sub("", flag.help)))


def help_of(groups: FlagGroups, usage: str, width: int) -> str:
    """The page that `--help` prints.

    Args:
        usage: what the program does, and how it is called.
        width: characters of a line.
    """
    parts = [usage.rstrip()]
    for title, members in groups.all().items():
        parts += ["", *_wrapped(f"{title}:", "", "  ", width)]
        for flag in members:
            told = told_of(flag)
            default = f"; default: {told.default}" if told.default else ""
            parts += _wrapped(f"{told.name}  ({told.takes}{default})", "  ", INDENT, width)
            parts += _wrapped(told.text, INDENT, INDENT, width)
    end = _wrapped("Flags may stand in a file: --flagfile=PATH. Of a flag given twice the later counts.", "", "", width)
    return "\n".join([*parts, "", *end, ""])


def _wrapped(text: str, first: str, others: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )


class HelpFlag(flags.BooleanFlag):
    """`--help` and `-h`, in place of absl's, which prints its own flags too and ends with an error code."""

    def __init__(self, groups: FlagGroups, usage: str):
        super().__init__("help", False, "show this help", short_name="h", allow_override=True)
        self._groups, self._usage = groups, usage

    def parse(self, argument) -> None:
        super().parse(argument)
        if self.value:
            width = max(NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))
            sys.stdout.write(help_of(self._groups, self._usage, width))
            sys.exit(0)


def define_help(groups: FlagGroups, usage: str) -> None:
    """Puts our `--help` in the place of absl's; call it when absl has defined its own."""
    flags.DEFINE_flag(HelpFlag(groups, usage))


def refused_flag(error: Exception, values: flags.FlagValues) -> str:
    """One line about what absl does not take: the flag, what is wrong with it, and what could be meant."""
    if isinstance(error, flags.UnrecognizedFlagError):
        return f"--{error.flagname}: no such flag{_did_you_mean(error.flagname, values)}"
    text = str(error).strip().splitlines()[0]
    if found := _UNREADABLE.search(text):
        return f"--flagfile: {found[2]!r} cannot be read ({found[1]}); check the path"
    found = _REFUSED.match(text)
    if found is None or found[1] not in values:
        return text
    name, value, told = found[1], found[2], told_of(values[found[1]])
    choices = getattr(values[name].parser, "enum_values", None)
    if choices:
        return f"--{name}: {value!r} is not one of {', '.join(choices)}{_did_you_mean(value, choices, '')}"
    kind = {"int": f"whole number; give {told.takes}", "float": f"number; give {told.takes}", "bool": "yes or no"}
    return f"--{name}: {value!r} is no {kind[values[name].flag_type()]}"


def _did_you_mean(name: str, known, dashes: str = "--") -> str:
    for beginning in ("no", "") if name.startswith("no") else ("",):  # --noresidual is --residual, refused
        close = difflib.get_close_matches(name.removeprefix(beginning), list(known), n=1)
        if close:
            return f"; did you mean {dashes}{beginning}{close[0]}?"
    return ""
