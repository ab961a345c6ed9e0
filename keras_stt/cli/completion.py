"""`keras-stt completion`: scripts by which shells complete commands, flags and choices."""

import argparse
import importlib.util
import re
import sys

from keras_stt.errors import InputError

SHELLS = ("bash", "zsh", "fish", "tcsh")
PROGRAMS = ("keras-stt", "train_main.py")

# What bash needs beside. To it --flag=value is three words. And python train_main.py is completed as train_main.py is;
# what else follows python is completed as files are.
_BESIDE = r"""
_FUNCTION_words() {
  local at words=() place=$COMP_CWORD
  COMPREPLY=()
  for at in "${!COMP_WORDS[@]}"; do
    if [[ "${COMP_WORDS[at]}" != "=" ]]; then
      words+=("${COMP_WORDS[at]}")
    elif ((at == COMP_CWORD)); then
      words+=("")
    elif ((at < COMP_CWORD)); then
      place=$((place - 1))
    fi
  done
  if [[ "${words[0]##*/}" == python* ]]; then
    [[ "${words[1]}" == *train_main.py && "$place" -gt 1 ]] || return
    words=("${words[@]:1}")
    place=$((place - 1))
  fi
  COMP_WORDS=("${words[@]}")
  COMP_CWORD=$place
  _shtab_FUNCTION "${words[0]}" "${words[place]}" "${words[place - 1]}"
}
complete -o bashdefault -o default -F _FUNCTION_words PROGRAMS
"""


def add_parser(subparsers) -> None:
    """Adds the verb to the command line."""
    parser = subparsers.add_parser(
        "completion",
        help="print a script by which a shell completes commands",
        description="Prints a script for a shell, which then completes commands, flags and choices at once: nothing "
        "of this package is run for it. Print it again after an update.",
    )
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))
    words = "which is completed: keras-stt, or the flags of train_main.py (bash: after python, too)"
    parser.add_argument("--program", choices=PROGRAMS, default=PROGRAMS[0], help=words)
    parser.set_defaults(run=run, any_backend=True)


def run(args: argparse.Namespace) -> int:
    """Prints the script.

    Raises:
        InputError: what writes it is not installed, or there is no train_main.py.
    """
    try:
        import shtab
    except ModuleNotFoundError:
        raise InputError("shtab is not installed: pip install 'keras_stt[completion]'") from None
    parser = whole_parser() if args.program == PROGRAMS[0] else training_parser()
    print(shtab.complete(parser, args.shell))
    if args.shell == "bash":
        programs = f"{args.program} python python3" if args.program == PROGRAMS[1] else args.program
        function = re.sub(r"\W", "_", args.program)
        print(_BESIDE.replace("FUNCTION", function).replace("PROGRAMS", programs))
    return 0


def whole_parser() -> argparse.ArgumentParser:
    """The parser of keras-stt with the options of every verb; an argument that is a file or folder completes them."""
    from keras_stt.cli.main import VERBS, build_parser
    from keras_stt.cli.parser import parsers_below

    parser = build_parser(*VERBS)
    parser.epilog = None
    for one in parsers_below(parser):
        for action in one._actions:
            if isinstance(action, argparse._SubParsersAction):
                _describe_verbs(action)
            else:
                _complete_paths(action)
    return parser


def _describe_verbs(verbs: argparse._SubParsersAction) -> None:
    """In few words: a shell shows them in a line. It is told of no action that help does not list."""
    verbs.help = "what is to be done"
    for listed in verbs._choices_actions:
        verbs.choices[listed.dest].description = listed.help


def training_parser() -> argparse.ArgumentParser:
    """A parser with the flags of train_main.py.

    Raises:
        InputError: the package was installed without it.
    """
    from keras_stt.cli.flag_help import told_of
    from keras_stt.cli.parser import Parser

    parser = Parser(prog=PROGRAMS[1])
    parser.add_argument("--flagfile", help="file of flags").complete = _FILE
    for title, members in training_flags().items():
        group = parser.add_argument_group(title)
        for flag in members:
            words = told_of(flag).text.replace("%", "%%")
            if flag.boolean:
                group.add_argument(f"--{flag.name}", f"--no{flag.name}", action="store_true", help=words)
                continue
            choices = getattr(flag.parser, "enum_values", None)
            action = group.add_argument(f"--{flag.name}", choices=choices, help=words)
            _complete_paths(action)
    return parser


def training_flags() -> dict:
    """The flags of the train_main.py beside the package, by group."""
    from keras_stt.compare.schedule import trainer_command

    spec = importlib.util.spec_from_file_location("train_main", trainer_command()[-1])
    if spec.name not in sys.modules:  # its flags can be defined once
        sys.modules[spec.name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[spec.name])
    return sys.modules[spec.name].groups.all()


_FILE = {  # shtab.FILE, which may not be installed
    "bash": "_shtab_compgen_files",
    "zsh": "_files",
    "tcsh": "f",
    "fish": "(__fish_complete_path (commandline -ct))",
}
_PATHS = (  # a part of the name of an argument, or of its value's, that is a file or folder
    *("file", "folder", "dir", "model", "output", "input", "list", "text", "librispeech", "audio", "corpus"),
    *("warm_start", "reference", "hyp"),
)


def _complete_paths(action: argparse.Action) -> None:
    named = f"{action.dest} {action.metavar or ''}".lower()
    if action.choices is None and action.nargs != 0 and action.type is None and any(path in named for path in _PATHS):
        action.complete = _FILE
