"""Properties of every file format: what is written reads back, and whatever the bytes are, they are read or refused."""

import base64
import dataclasses
import json
import os
from pathlib import Path

import pytest
from format_contract import FORMATS, check_any_bytes, seed_bytes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_stt.formats.ctm import CtmWord
from keras_stt.formats.manifest import ManifestRow
from keras_stt.formats.stm import StmSegment
from keras_stt.formats.textgrid import IntervalTier
from keras_stt.formats.trn import TrnUtterance

FOUND = Path(__file__).parent.parent / "benchmarks" / "results" / "fuzz.json"
LINES = ("stm", "ctm", "trn", "jsonl")
# What has broken parsers before, here and elsewhere.
NASTY = (
    *(b"1e999", b"-1e999", b"nan", b"+inf", b"-1", b"1_0", "٣".encode(), b"9" * 5_000, b"0." + b"1" * 5_000),
    *(b"\xff", b"\x00", b"\r", b"\x1c", b"\n", "\u2028".encode(), b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80"),
    *(b'"', b'""', b"\\", b"\\ud800", b"\\u0000", b";;", b"<a>", b"(a)", b"!", b"\t", b",", b"null", b"NaN"),
    *(b"[" * 3_000, b'{"a":' * 3_000, b'"' * 999, b"x" * 200_000, b"<exists>", b"<absent>"),
)
characters = st.characters(exclude_categories=["Cs"])
texts = st.text(characters, max_size=12)
fields = st.one_of(
    texts.map(lambda text: "".join(text.split())).filter(bool),
    st.sampled_from(["\ufeff", "<a>", "<", ">", "(a)", '"', "NA", "a;;", "1_0", "#"]),
)
words = st.lists(fields, max_size=5).map(" ".join)
seconds = st.floats(0, 1e9)
spans = st.tuples(seconds, seconds).filter(lambda span: span[0] != span[1]).map(sorted)
names = fields.filter(lambda field: not field.startswith(";;"))  # a comment would begin there
# A run is the same each time, and says nothing of a slow machine.
repeatable = settings(
    derandomize=True, database=None, deadline=None, max_examples=200, suppress_health_check=HealthCheck
)


def is_written(segment: StmSegment) -> bool:
    """Whether a segment's text does not read as a label."""
    first = segment.text.partition(" ")[0]
    return bool(segment.label) or not (first.startswith("<") and first.endswith(">"))


def intervals(bounds: set[float], labels: list[str]):
    times = sorted({0.0, 100.0, *bounds})
    return [(*span, label) for span, label in zip(zip(times, times[1:], strict=False), labels, strict=False)]


def values_of(name: str, folder: str):
    """A strategy for lists of what a file of the format holds."""
    if name == "stm":
        labels = st.one_of(st.just(""), fields.map("<{}>".format))
        segments = st.builds(
            lambda file, channel, speaker, span, label, text: StmSegment(file, channel, speaker, *span, label, text),
            *(names, fields, fields, spans, labels, words),
        )
        return st.lists(segments.filter(is_written), max_size=4)
    if name == "ctm":
        confidence = st.none() | st.floats(0, 1)
        return st.lists(st.builds(CtmWord, names, fields, seconds, seconds, fields, confidence), max_size=4)
    if name == "trn":
        ids = fields.map(lambda field: field.replace("(", "").replace(")", "")).filter(bool)
        texts_of_lines = words.filter(lambda text: not text.startswith(";;"))
        return st.lists(st.builds(TrnUtterance, ids, texts_of_lines), max_size=4)
    if name == "TextGrid":
        tier = st.builds(
            lambda name, bounds, labels: IntervalTier(name, intervals(bounds, labels)),
            *(texts, st.sets(st.floats(0, 100), max_size=3), st.lists(texts, min_size=4, max_size=4)),
        )
        return st.lists(tier, max_size=3, unique_by=lambda tier: tier.name)
    stripped = texts.map(str.strip)
    audio = st.sampled_from(["/", folder + "/", folder + "//", "/x/"]).flatmap(lambda root: texts.map(root.__add__))
    row = st.builds(
        lambda id, audio, text, span, open_end, speaker, split: ManifestRow(
            id, audio, text, span[0], None if open_end else span[1], speaker, split
        ),
        *(texts.filter(bool), audio, stripped, spans, st.booleans(), stripped, stripped),
    )
    return st.lists(row, max_size=4, unique_by=lambda row: row.id)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    return os.fspath(tmp_path_factory.mktemp("formats"))


WRITTEN = [form for form in FORMATS.values() if form.write]


@pytest.mark.parametrize("form", WRITTEN, ids=lambda form: form.name)
@repeatable
@given(data=st.data())
def test_what_is_written_reads_back(form, folder, data):
    path = Path(folder, f"written.{form.name}")
    values = data.draw(values_of(form.name, folder))
    form.write(path, values)
    assert form.parse(path) == values


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)
@repeatable
@given(
    content=st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode(errors="replace")))
)
def test_any_bytes_are_read_or_refused(form, folder, content):
    check_any_bytes(form, folder, content)


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)
@repeatable
@given(data=st.data())
def test_nearly_valid_files_are_read_or_refused(form, folder, data):
    content = data.draw(st.sampled_from(seed_bytes(form, Path(folder))))
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        stop = start + data.draw(st.integers(0, 12))
        content = content[:start] + data.draw(st.sampled_from(NASTY) | st.binary(max_size=3)) + content[stop:]
    check_any_bytes(form, folder, content)


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)
def test_valid_files_are_read(form, folder):
    """So that the tests above begin with what is no refusal."""
    for content in seed_bytes(form, Path(folder)):
        assert check_any_bytes(form, folder, content)


@pytest.mark.parametrize("name", LINES)
@settings(repeatable, max_examples=60)
@given(data=st.data())
def test_a_malformed_line_costs_no_other(name, folder, data):
    form = FORMATS[name]
    path = Path(folder, f"lines.{name}")
    values = data.draw(values_of(name, folder).filter(bool))
    form.write(path, values)
    lines = path.read_bytes().split(b"\n")[:-1]
    at = data.draw(st.integers(1, len(lines)))
    lines.insert(at, data.draw(st.sampled_from([b"\xff\xfe", b"x", b"\x00", b'{"audio": 1', b"()"])))
    path.write_bytes(b"\n".join(lines))
    told = []
    assert form.parse(path, told.append) == values
    assert [error.where for error in told] == [f"{path}:{at + 1}"]


def findings():
    if not FOUND.exists():
        return []
    formats = json.loads(FOUND.read_text())["formats"]
    return [(name, crash) for name, found in formats.items() for crash in found["crashes"]]


@pytest.mark.parametrize(("name", "crash"), findings(), ids=lambda value: value if isinstance(value, str) else "")
def test_what_fuzzing_has_found_stays_mended(name, crash, tmp_path):
    check_any_bytes(FORMATS[name], tmp_path, base64.b64decode(crash["input"]))


def test_the_contract_sees_a_parser_that_does_not_keep_it(tmp_path):
    """It fails for an error of another kind, and for a writer that loses something."""

    def with_parser(parse):
        return dataclasses.replace(FORMATS["stm"], parse=parse)

    with pytest.raises(ValueError, match="invalid literal"):
        check_any_bytes(with_parser(lambda path: int("x")), tmp_path, b"")
    with pytest.raises(AssertionError, match="reads back otherwise"):
        check_any_bytes(with_parser(lambda path, *told: [] if "any" in path else ["other"]), tmp_path, b"")
    with pytest.raises(AssertionError, match="not the same"):
        check_any_bytes(with_parser(lambda path, *told: list(told)), tmp_path, b"")
