"""`keras-stt --help` and `keras-stt VERB --help`: groups, units, defaults, examples; and what wrong usage is told."""

import argparse
import re
import shlex

import pytest

from keras_stt.cli.examples import EXAMPLES, GROUPS
from keras_stt.cli.main import VERBS, build_parser, main
from keras_stt.cli.parser import parsers_below


def options_of(verb: str) -> list[argparse.Action]:
    return [action for parser in parsers_below(build_parser(verb).verb(verb)) for action in parser._actions]


def printed(capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit, match="0"):
        main(list(arguments))
    return capsys.readouterr().out


def test_every_verb_is_in_one_group(capsys):
    named = [verb for verbs in GROUPS.values() for verb in verbs]
    assert sorted(set(named)) == sorted(named)
    assert set(VERBS) <= set(named)
    listed = printed(capsys, "--help")
    assert "more:" not in listed
    assert [listed.index(f"\n  {verb} ") for verb in named if verb in VERBS] == sorted(
        listed.index(f"\n  {verb} ") for verb in VERBS
    )


@pytest.mark.parametrize("verb", VERBS)
def test_examples_are_commands(verb, capsys):
    """Each is there, is shown as it is typed, and has arguments that the verb takes."""
    shown = printed(capsys, verb, "--help")
    for example in EXAMPLES[verb]:
        assert f"\n  {example}\n" in shown
        program, *arguments = shlex.split(re.split(" [<>] ", example)[0])
        assert program == "keras-stt"
        assert callable(build_parser(verb).parse_args(arguments).run)


@pytest.mark.parametrize("verb", VERBS)
def test_every_flag_is_explained_and_every_number_has_a_unit(verb):
    """The unit of a number stands in the place of its value: --hop_ms MILLISECONDS."""
    for action in options_of(verb):
        assert action.help, (verb, action.dest)
        if action.type in (int, float):
            assert action.metavar, f"{verb}: give {action.option_strings} a metavar that is its unit"


def test_help_may_be_asked_for_in_any_place(capsys):
    shown = printed(capsys, "fill", "--help")
    assert shown == printed(capsys, "help", "fill") == printed(capsys, "fill", "model", "-h")
    assert printed(capsys, "help") == printed(capsys, "--help")


def test_defaults_are_shown(capsys):
    shown = " ".join(printed(capsys, "evaluate", "--help").split())
    assert "--limit UTTERANCES evaluate only the first so many utterances; 0: all (default: 0)" in shown
    assert shown.count("(default: 600)") == 1
    assert re.search(r"corpus: --data_dir PATH .* decoding: --passes PASSES ", shown)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "give a command"),
        (["transcibe", "m", "f"], "'transcibe' is no command; did you mean transcribe?"),
        (["--vrsion", "words", "digits"], "--vrsion: no such flag; did you mean --version?"),
        (["transcribe", "m", "f", "--passs=2"], "--passs: no such flag; did you mean --passes?"),
        (["transcribe", "m", "f", "--pass=2"], "--pass: no such flag; did you mean --passes?"),
        (["transcribe", "m", "f", "--format=sub"], "argument --format: 'sub' is not one of "),
        (
            ["evaluate", "m", "--dataset=digits", "--split=tset"],
            "'tset' is not one of train, dev, test; did you mean test?",
        ),
        (["align", "m", "f", "two", "words"], "'words' is one argument too many; quote what has spaces"),
        (["transcribe", "m"], "the following arguments are required: FILE"),
        (["evaluate", "m", "--dataset=digits", "--limit=few"], "argument --limit: invalid int value: 'few'"),
        (["bulk", "transcibe"], "'transcibe' is not one of transcribe, prepare; did you mean transcribe?"),
        (["completion", "csh"], "'csh' is not one of bash, zsh, fish, tcsh"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_fix(arguments, told, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert told in lines[0]
    assert re.fullmatch(r"keras-stt( \w+)*: error: .*; see keras-stt( \w+)* --help", lines[0])
