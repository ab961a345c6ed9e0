"""Writes docs/flags.md: every flag of train_main.py and of each verb, from the definitions that they are parsed by.

python benchmarks/flags_page.py
"""

import argparse
from pathlib import Path

from keras_stt.cli.completion import training_flags
from keras_stt.cli.examples import EXAMPLES, GROUPS
from keras_stt.cli.flag_help import told_of
from keras_stt.cli.main import VERBS, build_parser
from keras_stt.cli.parser import parsers_below
from keras_stt.formats.lines import write_text

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/flags.md"
HEADING = """\
# Every flag

Written by `python benchmarks/flags_page.py` from the definitions that the commands are parsed by; `--help` says the
same. A number's unit stands in the place of its value. Flags are not abbreviated.

- [Training: train_main.py](#training-train_mainpy)
"""


def page() -> str:
    """The text of the page."""
    parser = build_parser(*VERBS)
    parts = [HEADING + "".join(f"- [keras-stt {verb}](#keras-stt-{verb})\n" for verb in _verbs())]
    parts += [_training(), *(_verb(verb, parser.verb(verb)) for verb in _verbs())]
    return "\n".join(parts)


def _verbs() -> list[str]:
    named = [verb for verbs in GROUPS.values() for verb in verbs if verb in VERBS]
    return [*named, *(verb for verb in VERBS if verb not in named)]


def _training() -> str:
    lines = ["## Training: train_main.py", "", "```text", "python train_main.py --flagfile=flags/base.cfg", "```", ""]
    lines += ["Flags may stand in a file, `--flagfile=PATH`; of a flag given twice the later counts.", ""]
    for title, members in training_flags().items():
        told = [told_of(flag) for flag in members]
        rows = [[f"`{one.name}`", _cell(one.takes), _code(one.default), _cell(one.text)] for one in told]
        lines += [f"### {title}", "", *_table("flag | unit or choices | default | what it is for", rows), ""]
    return "\n".join(lines)


def _verb(verb: str, parser: argparse.ArgumentParser) -> str:
    lines = [f"## keras-stt {verb}", ""]
    for one in parsers_below(parser):
        if one is not parser:
            lines += [f"### {one.prog}", ""]
        lines += [_cell(one.description or VERBS[verb]), ""]
        rows = [
            _row(one, action) for action in one._actions if action.dest != "help" and action.help != argparse.SUPPRESS
        ]
        lines += [*_table("argument | what it is for", rows), ""] if rows else []
    return "\n".join([*lines, "```text", *EXAMPLES.get(verb, ()), "```", ""] if verb in EXAMPLES else lines)


def _row(parser: argparse.ArgumentParser, action: argparse.Action) -> list[str]:
    """Its name with what it takes, and the words of its help."""
    choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else ""
    value = "" if action.nargs == 0 else choices or action.metavar or action.dest.upper()
    names = ", ".join(action.option_strings)
    help_string = parser._get_formatter()._get_help_string(action) if action.help else ""
    words = help_string % {**vars(action), "prog": parser.prog}
    return [_code(f"{names} {value}".strip()), _cell(words)]


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


def _cell(text: str) -> str:
    """Plain text in a table of Markdown."""
    for special in "\\|<>*_[]":
        text = text.replace(special, f"\\{special}")
    return " ".join(text.split())


def _table(head: str, rows: list[list[str]]) -> list[str]:
    columns = head.count("|") + 1
    return [f"| {head} |", "|" + "---|" * columns, *(f"| {' | '.join(row)} |" for row in rows)]


def main() -> None:
    write_text(PAGE, page())
    print(PAGE)


if __name__ == "__main__":
    main()
