"""argparse as the commands use it: one line for what is wrong, with the near one, and help with units and defaults."""

import argparse
import difflib

SUPPRESSED = (None, "", False, argparse.SUPPRESS)  # defaults that tell nothing


class HelpFormatter(argparse.HelpFormatter):
    """Adds the default to what the help of a flag says, unless it speaks of it itself; keeps the lines of an epilog."""

    def _get_help_string(self, action):
        told = action.help or ""
        takes_value = action.option_strings and action.nargs != 0
        if not takes_value or "default" in told or any(action.default is one for one in SUPPRESSED):
            return told
        return f"{told} (default: %(default)s)" if action.default not in ((), []) else told

    def _fill_text(self, text, width, indent):
        if "\n  " not in text:
            return super()._fill_text(text, width, indent)
        return "".join(f"{indent}{line}\n" for line in text.splitlines())


class Parser(argparse.ArgumentParser):
    """A parser without abbreviated flags, which nobody could add a flag beside; its verbs are of the same kind."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"allow_abbrev": False, "formatter_class": HelpFormatter, **kwargs})

    def error(self, message):
        """One line, and exit code 2."""
        self.exit(2, f"{self.prog}: error: {' '.join(message.split())}; see {self.prog} --help\n")

    def parse_known_args(self, args=None, namespace=None):
        """Refuses what it does not know, here, where the flags that could be meant are known."""
        namespace, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(self._refusal(unknown[0]))
        return namespace, unknown

    def verb(self, name: str) -> argparse.ArgumentParser:
        """The parser of one of its verbs."""
        return next(action for action in self._actions if isinstance(action, argparse._SubParsersAction)).choices[name]

    def _refusal(self, argument: str) -> str:
        if not argument.startswith("-") or argument in ("-", "--"):
            return f"{argument!r} is one argument too many; quote what has spaces"
        flag = argument.partition("=")[0]
        return f"{flag}: no such flag{did_you_mean(flag, self._option_string_actions)}"

    def _check_value(self, action, value):
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            hint = did_you_mean(str(value), known)
            raise argparse.ArgumentError(action, f"{value!r} is not one of {', '.join(known)}{hint}")


def section(parser, title: str):
    """A group of a parser's flags, listed under its title; what is a group already, which holds no other, as it is."""
    return parser.add_argument_group(title) if isinstance(parser, argparse.ArgumentParser) else parser


def did_you_mean(word: str, known) -> str:
    """`; did you mean X?` where one of the known is like the word, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def parsers_below(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """The parser and those of its verbs, of their verbs, and so on, in order."""
    found = [parser]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found += [one for child in action.choices.values() for one in parsers_below(child)]
    return found
