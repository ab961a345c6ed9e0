"""Files that are wrong somewhere: what was once not refused in one line, and how tools go on without a line."""

import pickle

import pytest

from keras_stt.errors import InputError
from keras_stt.formats.ctm import CtmWord, parse_ctm, write_ctm
from keras_stt.formats.lines import parse_seconds, write_text
from keras_stt.formats.manifest import ManifestRow, parse_manifest, write_manifest
from keras_stt.formats.stm import StmSegment, parse_stm, write_stm
from keras_stt.formats.textgrid import parse_tiers, write_textgrid
from keras_stt.formats.trn import TrnUtterance, parse_trn, write_trn

TEXTGRID = '"ooTextFile"\n"TextGrid"\n0\n2\n<exists>\n1\n"IntervalTier"\n"words"\n0\n2\n{count}\n0\n{end}\n{text}\n'


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "text", ["1_0", "nan", "inf", "+infinity", "1e999", "1e10", "٣", "0x1", "1,5", " 1", "--1", ""]
)
def test_what_is_no_number_of_seconds(text):
    assert parse_seconds(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), (".5", 0.5), ("1.", 1), ("1e-3", 1e-3), ("+2", 2), ("1e9", 1e9)]
)
def test_numbers_of_seconds(text, seconds):
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"count": "1e999"}, "inf where a count is needed"),
        ({"count": "1.5"}, "1.5 where a count is needed"),
        ({"count": "-1"}, "-1.0 where a count is needed"),
        ({"count": "1e15"}, "the file ends where a number is needed"),
        ({"end": "1e999"}, "an interval from 0.0 to inf"),
        ({"end": "+nan"}, "where a number is needed"),
        ({"end": "1_0"}, "where a number is needed"),
        ({"text": '"never closed'}, "the file ends where a text in quotes is needed"),
        ({"text": '"""'}, "the file ends where a text in quotes is needed"),
    ],
)
def test_textgrids_with_impossible_values(tmp_path, fields, reason):
    valid = {"count": "1", "end": "2", "text": '"a"'}
    path = write(tmp_path / "a.TextGrid", TEXTGRID.format(**valid))
    assert parse_tiers(path)[0].intervals == [(0.0, 2.0, "a")]
    with pytest.raises(InputError, match=reason):
        parse_tiers(write(path, TEXTGRID.format(**{**valid, **fields})))


def test_a_long_textgrid_that_closes_no_quote_takes_no_time(tmp_path):
    path = write(tmp_path / "a.TextGrid", TEXTGRID.format(count=1, end=2, text='"' + 'a "" b ' * 100_000))
    with pytest.raises(InputError, match="the file ends"):
        parse_tiers(path)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"audio": "a", "text": "x", "start": ' + "9" * 5_000 + "}", "is not a number of seconds"),
        ("[" * 100_000, "not JSON .nested too deeply"),
        ('{"audio": "a", "text": ' + '{"a": ' * 900 + "1" + "}" * 901, "text is of type dict"),
        (r'{"audio": "a", "text": "\ud800"}', "half of a character"),
        (r'{"audio": "\udcff", "text": "x"}', "half of a character"),
        ('{"audio": "a", "text": true}', "text is of type bool"),
        ('{"' + "x" * 100_000 + '": 1}', "no column audio; it has x+; add audio"),
    ],
)
def test_json_that_python_reads_and_we_cannot_use(tmp_path, line, reason):
    path = write(tmp_path / "m.jsonl", line)
    with pytest.raises(InputError, match=reason) as caught:
        parse_manifest(path)
    assert len(str(caught.value)) < 600


def test_json_numbers_stay_as_they_are_written(tmp_path):
    path = write(tmp_path / "m.jsonl", '{"audio": 1, "text": 1.50, "id": 123456789012345678901234567890}\n')
    (row,) = parse_manifest(path)
    assert (row.audio, row.text, row.id) == (str(tmp_path / "1"), "1.50", "123456789012345678901234567890")


def test_paths_in_manifests_are_taken_letter_by_letter(tmp_path):
    audio = [" a.wav", "b\nc.wav", 'd".wav', "é '.wav", "\u2028.wav"]
    rows = [ManifestRow(name, str(tmp_path / name), "x") for name in audio]
    write_manifest(tmp_path / "m.jsonl", rows)
    assert parse_manifest(tmp_path / "m.jsonl") == rows
    table = 'audio,text\n"b\nc.wav",x\n"d"".wav","two\nlines"\né \'.wav,x\n'
    found = parse_manifest(write(tmp_path / "m.csv", table))
    assert [row.audio for row in found] == [str(tmp_path / name) for name in audio[1:4]]


@pytest.mark.parametrize(
    ("write_values", "values"),
    [
        (write_stm, [StmSegment("a", "1", "S", 0.0, 1.0, text="\ud800")]),
        (write_stm, [StmSegment("a", "1", "S", 0.0, float("inf"))]),
        (write_ctm, [CtmWord("a", "1", float("inf"), 0.1, "x")]),
        (write_ctm, [CtmWord("a", "1", float("nan"), 0.1, "x")]),
        (write_ctm, [CtmWord("a", "1", 0.0, 0.1, "x", 1.5)]),
        (write_trn, [TrnUtterance("a", "\udcff")]),
        (lambda path, tiers: write_textgrid(path, tiers, 1.0), {"words": [(0.0, float("nan"), "a")]}),
        (lambda path, tiers: write_textgrid(path, tiers, float("inf")), {"words": []}),
        (lambda path, rows: write_manifest(path.with_suffix(".jsonl"), rows), [ManifestRow("\ud800", "/a", "x")]),
    ],
)
def test_what_would_not_read_back_is_refused(tmp_path, write_values, values):
    with pytest.raises(InputError):
        write_values(tmp_path / "out", values)
    assert list(tmp_path.iterdir()) == []


def test_a_text_that_begins_with_a_byte_order_mark_keeps_it(tmp_path):
    write_text(tmp_path / "a.trn", "\ufeffa (b)\n")
    assert parse_trn(tmp_path / "a.trn") == [TrnUtterance("b", "\ufeffa")]


def test_messages_are_one_line_and_errors_travel_between_processes(tmp_path):
    path = tmp_path / "two\nlines"
    path.write_text("x")
    with pytest.raises(InputError) as caught:
        parse_stm(path)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert len(str(copy).splitlines()) == 1
    assert (copy.kind, copy.where) == ("too few fields", f"{path}:1")


@pytest.mark.parametrize(
    ("name", "parse", "lines", "kinds"),
    [
        (
            "a.stm",
            parse_stm,
            [b"a 1 S 0 1 one", b"a 1 S 0", b"a 1 S x 1", b"a 1 S 2 1", b"\xff", b"a 1 S 5 6 two"],
            ["too few fields", "time that is no number", "end that is not after its start", "text that is not UTF-8"],
        ),
        (
            "a.ctm",
            parse_ctm,
            [b"a 1 0 1 one", b"a 1 0 1", b"a 1 x 1 b", b"a 1 0 1 b 7", b"a 1 5 6 two"],
            ["too few fields", "time that is no number", "confidence that is not from 0 to 1"],
        ),
        ("a.trn", parse_trn, [b"one (a)", b"two", b"three (b)"], ["no utterance id"]),
        (
            "m.jsonl",
            parse_manifest,
            [
                *(b'{"audio": "a", "text": ""}', b"{", b"[]", b'{"audio": "b"}', b'{"audio": "c", "text": []}'),
                *(b'{"audio": "d", "text": "\\ud800"}', b'{"audio": "", "text": ""}', b'{"audio": "a", "text": ""}'),
                *(b'{"audio": "e", "text": "", "start": "x"}', b'{"audio": "f", "text": "", "end": 0}', b"\xff"),
                b'{"audio": "g", "text": ""}',
            ],
            [
                *("row that is not JSON", "row that is not JSON", "no audio or text", "neither a text nor a number"),
                *("text that is not Unicode", "no audio path", "duplicate id", "time that is no number"),
                *("end that is not after its start", "text that is not UTF-8"),
            ],
        ),
        (
            "m.tsv",
            parse_manifest,
            [b"audio\ttext", b"a\t", b"b", b"a\tx", b"c\ty\tz", b'd\t"'],
            ["wrong number of fields", "duplicate id", "wrong number of fields"],
        ),
        (
            "m.csv",
            parse_manifest,
            [b"audio,text", b"a,", b'b,"x"y', b"c,x,y", b"\xff,x", b"d,"],
            ["row that is not CSV", "wrong number of fields", "text that is not UTF-8"],
        ),
    ],
)
def test_malformed_lines_are_told_of_and_left_out(tmp_path, name, parse, lines, kinds):
    path = write(tmp_path / name, b"\n".join(lines))
    told = []
    assert len(parse(path, told.append)) == 2
    assert [error.kind for error in sorted(told, key=lambda error: int(error.where.rpartition(":")[2]))] == kinds
    with pytest.raises(InputError):
        parse(path)


@pytest.mark.parametrize("name", ["a.stm", "a.ctm", "a.trn", "m.jsonl", "m.csv"])
def test_a_file_of_another_kind_is_refused_though_lines_may_be_left_out(tmp_path, name):
    parse = {"stm": parse_stm, "ctm": parse_ctm, "trn": parse_trn}.get(name.partition(".")[2], parse_manifest)
    for content in (b"\x89PNG\r\n\x1a\n\x00\x00", b"one\ntwo\nthree\n"):
        told = []
        with pytest.raises(InputError):
            parse(write(tmp_path / name, content), told.append)
        assert told == []


def test_a_quote_that_nothing_closes_costs_one_row_of_a_csv(tmp_path):
    rows = ['a.wav,"one', "b.wav,two", 'c.wav,"three, ""3"""', 'd.wav,"never', "e.wav,five"]
    path, told = write(tmp_path / "m.csv", "\n".join(["audio,text", *rows])), []
    found = parse_manifest(path, told.append)
    assert [row.text for row in found] == ["two", 'three, "3"', "five"]
    assert [error.where for error in told] == [f"{path}:2", f"{path}:5"]


def test_megabytes_of_text_are_read_but_in_csv(tmp_path):
    """There the limit of a field bounds what a quote that nothing closes can swallow."""
    text = "x" * 2_000_000
    assert parse_trn(write(tmp_path / "a.trn", f"{text} (a)"))[0].text == text
    assert parse_manifest(write(tmp_path / "m.tsv", f"audio\ttext\na\t{text}"))[0].text == text
    with pytest.raises(InputError, match=r"m.csv:2: not CSV \(field larger"):
        parse_manifest(write(tmp_path / "m.csv", f"audio,text\na,{text}"))
