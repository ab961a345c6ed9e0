"""docs/flags.md tells of every flag as it is."""

from pathlib import Path

from keras_stt.cli.main import VERBS, build_parser
from keras_stt.cli.parser import parsers_below

ROOT = Path(__file__).parent.parent


def test_the_page_is_up_to_date(benchmark):
    """After a change: python benchmarks/flags_page.py"""
    assert benchmark("flags_page").page() == (ROOT / "docs/flags.md").read_text(encoding="utf-8")


def test_the_page_has_every_flag(train_flags):
    text = (ROOT / "docs/flags.md").read_text(encoding="utf-8")
    for flag in train_flags.get_flags_for_module("train_main"):
        assert f"`--{flag.name}`" in text or f"`--[no]{flag.name}`" in text
    parsers = parsers_below(build_parser(*VERBS))
    names = {name for parser in parsers for action in parser._actions for name in action.option_strings}
    assert len(names) > 50
    assert not [
        name for name in names - {"-h", "--help", "--version"} if f"`{name}" not in text and f" {name}" not in text
    ]
