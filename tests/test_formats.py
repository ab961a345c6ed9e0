"""The file formats: what is written reads back, and what is malformed is named by file and line."""

import json

import pytest

from keras_stt.errors import InputError
from keras_stt.formats.ctm import CtmWord, parse_ctm, write_ctm
from keras_stt.formats.manifest import ManifestRow, parse_manifest, write_manifest
from keras_stt.formats.stm import StmSegment, parse_stm, write_stm
from keras_stt.formats.textgrid import parse_textgrid, parse_tiers, spoken, write_textgrid
from keras_stt.formats.trn import TrnUtterance, parse_trn, write_trn


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_stm_round_trip(tmp_path):
    segments = [
        StmSegment("a/b-1", "1", "19", 0.0, 12.435, "<o,F0,F>", "HELLO WORLD"),
        StmSegment("a", "A", "x_y", 1e-05, 1 / 3, "", "ÉTÉ ; <unk> IT'S"),
        StmSegment("a", "A", "x_y", 100.5, 100000.25, "", ""),
        StmSegment("a", "A", "x_y", 1.0, 2.0, "<o>", ""),
        StmSegment("a", "A", "x_y", 3.0, 4.0, "<o>", "<unk> SAID SO"),
    ]
    path = tmp_path / "out.stm"
    write_stm(path, segments, header=["a comment"])
    assert parse_stm(path) == segments
    assert path.read_text().startswith(";; a comment\na/b-1 1 19 0.00 12.435 <o,F0,F> HELLO WORLD\n")
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.stm"]


def test_stm_comments_labels_and_ignored_segments(tmp_path):
    content = (
        "\ufeff;; a comment\r\n\r\n   ;; another\r\n"
        "talk 1 S1  0.0 2.50  <o,f0,male>   hello\tthere \r\n"
        "talk 1 inter_segment_gap 2.5 3 <o,f0,> ignore_time_segment_in_scoring\n"
        "talk 1 S1 3 4"
    )
    first, gap, empty = parse_stm(write(tmp_path / "t.stm", content))
    assert first == StmSegment("talk", "1", "S1", 0.0, 2.5, "<o,f0,male>", "hello there")
    assert not first.ignored
    assert gap.ignored
    assert (empty.label, empty.text, empty.end) == ("", "", 4.0)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"talk 1 S1 0.0", "4 fields where 5"),
        (b"talk 1 S1 zero 1.0 hello", "'zero' is not a number"),
        (b"talk 1 S1 0.0 nan hello", "'nan' is not a number"),
        (b"talk 1 S1 -1 1.0 hello", "'-1' is not a number"),
        (b"talk 1 S1 2.0 1.0 hello", "ends at 1.0, not after its start 2.0"),
        (b"talk 1 S1 2.0 2.0 hello", "not after its start"),
        (b"talk 1 S1 0 1 caf\xe9", "not UTF-8"),
    ],
)
def test_malformed_stm_names_the_line(tmp_path, line, reason):
    path = write(tmp_path / "bad.stm", b"talk 1 S1 0 1 fine\n;; c\n" + line + b"\n")
    with pytest.raises(InputError, match=reason) as caught:
        parse_stm(path)
    assert str(caught.value).startswith(f"{path}:3: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "segment",
    [
        StmSegment("my file", "1", "S", 0.0, 1.0),
        StmSegment("a", "", "S", 0.0, 1.0),
        StmSegment(";;a", "1", "S", 0.0, 1.0),
        StmSegment("a", "1", "S", 1.0, 1.0),
        StmSegment("a", "1", "S", 0.0, 1.0, label="o,f0"),
        StmSegment("a", "1", "S", 0.0, 1.0, text="<unk> reads as a label"),
    ],
)
def test_what_would_not_read_back_is_not_written(tmp_path, segment):
    path = write(tmp_path / "old.stm", "old")
    with pytest.raises(InputError):
        write_stm(path, [segment])
    assert path.read_text() == "old"


def test_missing_files_and_folders_are_input_errors(tmp_path):
    for parse in (parse_stm, parse_ctm, parse_textgrid):
        with pytest.raises(InputError, match="No such file"):
            parse(tmp_path / "none")
    with pytest.raises(InputError, match="check its folder"):
        write_stm(tmp_path / "none" / "out.stm", [])


def test_ctm_round_trip(tmp_path):
    words = [
        CtmWord("a", "1", 0.0, 0.25, "HELLO", 0.875),
        CtmWord("a", "1", 1 / 3, 0.0, "été"),
        CtmWord("b", "A", 7, 1, "X", 1),
    ]
    write_ctm(tmp_path / "out.ctm", words)
    assert parse_ctm(tmp_path / "out.ctm") == words
    assert (tmp_path / "out.ctm").read_text().splitlines()[0] == "a 1 0.00 0.25 HELLO 0.875"
    with pytest.raises(InputError, match="CTM word"):
        write_ctm(tmp_path / "out.ctm", [CtmWord("a", "1", 0.0, 0.1, "two words")])


def test_ctm_reads_what_other_tools_write(tmp_path):
    content = ";; Kaldi\nutt 1 0.5 0.2 hello\n\nutt 1 0.7 .3 there NA lex S1\n"
    first, second = parse_ctm(write(tmp_path / "k.ctm", content))
    assert (first.start, first.end, first.confidence) == (0.5, 0.7, None)
    assert (second.word, second.confidence) == ("there", None)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("utt 1 0.5 0.2", "4 fields where 5"),
        ("utt 1 0.5 x hello", "'x' is not a number"),
        ("utt 1 * * <ALT>", r"'\*' is not a number"),
        ("utt 1 0.5 0.2 hello 1.5", "confidence '1.5'"),
        ("utt 1 0.5 0.2 two words", "confidence 'words'"),
    ],
)
def test_malformed_ctm_names_the_line(tmp_path, line, reason):
    path = write(tmp_path / "bad.ctm", "utt 1 0 1 fine\n" + line)
    with pytest.raises(InputError, match=reason) as caught:
        parse_ctm(path)
    assert str(caught.value).startswith(f"{path}:2: ")


LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2.5
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "TextTier"
        name = "notes"
        xmin = 0
        xmax = 2.5
        points: size = 1
        points [1]:
            number = 1.0
            mark = "a 3 ""4"" here"
    item [2]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 2.5
        intervals: size = 1
        intervals [1]:
            xmin = 0
            xmax = 2.5
            text = "HH"
    item [3]:
        class = "IntervalTier"
        name = "Words"
        xmin = 0
        xmax = 2.5
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = ""
        intervals [2]:
            xmin = 0.5
            xmax = 1.25
            text = "say ""hé"" ! 5"
        intervals [3]:
            xmin = 1.25
            xmax = 2.5
            text = "sil"
"""
SHORT = """File type = "ooTextFile short"
"TextGrid"

0
2.5
<exists> ! a comment with 7 and "quotes"
1
"IntervalTier"
"words"
0
2.5
3
0
0.5
""
0.5
1.25
"say ""hé"" ! 5"
1.25
2.5
"sil"
"""
WORDS = [(0.0, 0.5, ""), (0.5, 1.25, 'say "hé" ! 5'), (1.25, 2.5, "sil")]


@pytest.mark.parametrize("content", [LONG, SHORT])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_textgrid_forms_and_encodings(tmp_path, content, encoding):
    data = content.encode(encoding)
    path = write(tmp_path / "a.TextGrid", b"\xfe\xff" + data if encoding == "utf-16-be" else data)
    assert parse_textgrid(path) == WORDS
    assert spoken(WORDS) == WORDS[1:2]


def test_textgrid_without_a_tier_of_words(tmp_path):
    path = write(tmp_path / "a.TextGrid", LONG.replace('"Words"', '"Speaker - words"'))
    assert parse_textgrid(path) == WORDS
    path = write(tmp_path / "b.TextGrid", LONG.replace('"Words"', '"other"'))
    assert parse_textgrid(path) == [(0.0, 2.5, "HH")]
    path = write(tmp_path / "c.TextGrid", '"ooTextFile"\n"TextGrid"\n0\n1\n<absent>\n')
    with pytest.raises(InputError, match="no interval tier"):
        parse_textgrid(path)


def test_silences_of_aligners_are_dropped():
    labels = ["", " ", "sil", "SIL", "sp", "<eps>", "silly", "<unk>"]
    assert [text for _, _, text in spoken([(0.0, 1.0, label) for label in labels])] == ["silly", "<unk>"]


def test_textgrid_round_trip(tmp_path):
    path = tmp_path / "out.TextGrid"
    words = [(0.0, 0.5, 'a "quote"'), (0.75, 1.0, "été")]
    write_textgrid(path, {"words": words, "empty": []}, duration=1.5)
    tiers = parse_tiers(path)
    assert [tier.name for tier in tiers] == ["words", "empty"]
    assert tiers[0].intervals == [words[0], (0.5, 0.75, ""), words[1], (1.0, 1.5, "")]
    assert tiers[1].intervals == [(0.0, 1.5, "")]
    with pytest.raises(InputError, match="overlaps"):
        write_textgrid(path, {"words": [(0.0, 1.0, "a"), (0.5, 1.5, "b")]}, duration=1.5)


@pytest.mark.parametrize(
    ("content", "reason", "line"),
    [
        ("hello", "ends where a text in quotes", 1),
        ('"ooTextFile"\n"Pitch"', "not a TextGrid", 1),
        (SHORT.replace("\n0.5\n1.25", '\n0.5\n"1.25"'), "where a number is needed", 17),
        (SHORT.replace("1.25\n2.5", "2.5\n1.25"), "an interval from 2.5 to 1.25", 20),
        (SHORT[: SHORT.index('"sil"')], "the file ends where a text", 21),
        (b'"ooTextFile"\n"TextGrid"\n"\xff"', "not UTF-8", 3),
    ],
)
def test_malformed_textgrid_names_the_line(tmp_path, content, reason, line):
    path = write(tmp_path / "bad.TextGrid", content)
    with pytest.raises(InputError, match=reason) as caught:
        parse_textgrid(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_csv_manifest(tmp_path):
    content = (
        "audio,text,speaker,start,duration,split,note\n"
        'clips/a.wav,"Hello, ""you""",S1,0.5,1.5,train,x\n\n'
        "/abs/b.flac,,,,,,\n"
    )
    first, second = parse_manifest(write(tmp_path / "m.csv", content))
    assert first.audio == str(tmp_path / "clips/a.wav")
    assert (first.text, first.speaker, first.start, first.end, first.split) == ('Hello, "you"', "S1", 0.5, 2.0, "train")
    assert (second.audio, second.text, second.start, second.end, second.id) == ("/abs/b.flac", "", 0.0, None, "/abs/b")


def test_tsv_manifest_of_common_voice(tmp_path):
    content = 'client_id\tpath\tsentence\nabc\tx.mp3\tHe said "no, never.\n'
    (row,) = parse_manifest(write(tmp_path / "train.tsv", content))
    assert (row.id, row.speaker, row.text) == ("x", "abc", 'He said "no, never.')


def test_jsonl_manifest_of_nemo(tmp_path):
    rows = [
        {"audio_filepath": "a.wav", "text": "one", "offset": 1.5, "duration": 2, "speaker": 7},
        {"audio_filepath": "a.wav", "text": "two", "offset": None, "id": "second"},
    ]
    first, second = parse_manifest(write(tmp_path / "m.jsonl", "\n".join(map(json.dumps, rows))))
    assert (first.id, first.start, first.end, first.speaker) == ("a@1.50", 1.5, 3.5, "7")
    assert (second.id, second.start, second.end) == ("second", 0.0, None)


@pytest.mark.parametrize(
    ("name", "content", "reason", "line"),
    [
        ("m.csv", "wav,text\na,b\n", "no column audio; it has wav, text; add audio or path", 1),
        ("m.csv", "audio,words\na,b\n", "no column text", 1),
        ("m.csv", "audio,text\na.wav,one, two\n", "3 fields under a header of 2", 2),
        ("m.csv", 'audio,text\na.wav,"one\nline"\n,x\n', "no audio path", 4),
        ("m.csv", 'audio,text\na.wav,"one\n', "not CSV", 2),
        ("m.csv", "audio,text,start\na.wav,x,soon\n", "start 'soon' is not a number", 2),
        ("m.csv", "audio,text,start,end\na.wav,x,2,1\n", "ends at 1.0 s, not after its start 2.0 s", 2),
        ("m.csv", "audio,text\na.wav,x\nb.wav,y\na.wav,z\n", "id 'a' is on line 2 already", 4),
        ("m.csv", b"audio,text\na.wav,\xe9\n", "not UTF-8", 2),
        ("m.jsonl", '{"audio": "a", "text": "x"}\n{"audio": \n', "not JSON", 2),
        ("m.jsonl", '["a"]\n', "not a JSON object", 1),
        ("m.jsonl", '{"audio": "a"}\n', "no column text", 1),
        ("m.jsonl", '{"audio": "a", "text": ["x"]}\n', "text is", 1),
    ],
)
def test_malformed_manifest_names_the_line(tmp_path, name, content, reason, line):
    path = write(tmp_path / name, content)
    with pytest.raises(InputError, match=reason) as caught:
        parse_manifest(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_manifest_that_is_none(tmp_path):
    with pytest.raises(InputError, match="begin with a header"):
        parse_manifest(write(tmp_path / "m.csv", ""))
    with pytest.raises(InputError, match="not a manifest by its extension"):
        parse_manifest(tmp_path / "m.xlsx")


def test_trn_round_trip(tmp_path):
    utterances = [
        TrnUtterance("19-198-0001", "HELLO (UH) { WORLD / WORD }"),
        TrnUtterance("spk_utt"),
        TrnUtterance("x", "ends in (laughter)"),
        TrnUtterance("x;;y", "été"),
    ]
    write_trn(tmp_path / "out.trn", utterances)
    assert parse_trn(tmp_path / "out.trn") == utterances
    assert (tmp_path / "out.trn").read_text().splitlines()[:2] == [
        "HELLO (UH) { WORLD / WORD } (19-198-0001)",
        "(spk_utt)",
    ]
    for wrong in (TrnUtterance(""), TrnUtterance("a b"), TrnUtterance("a)"), TrnUtterance("a", ";; b")):
        with pytest.raises(InputError, match="TRN"):
            write_trn(tmp_path / "out.trn", [wrong])
    assert parse_trn(tmp_path / "out.trn") == utterances


def test_trn_reads_what_other_tools_write(tmp_path):
    content = "\ufeff;; a comment\r\n\r\nshe  had\tyour dark suit(cmh_sa01) \r\n (cmh_sa02)"
    assert parse_trn(write(tmp_path / "t.trn", content)) == [
        TrnUtterance("cmh_sa01", "she had your dark suit"),
        TrnUtterance("cmh_sa02", ""),
    ]


@pytest.mark.parametrize(
    "line", ["no id", "id (in the middle) of it", "an (id of words)", "empty ()", "half)", "a (b))"]
)
def test_malformed_trn_names_the_line(tmp_path, line):
    path = write(tmp_path / "bad.trn", "fine (a)\n" + line)
    with pytest.raises(InputError, match="no utterance id in parentheses at its end; write: text") as caught:
        parse_trn(path)
    assert str(caught.value).startswith(f"{path}:2: ")


def test_manifest_round_trip(tmp_path):
    rows = [
        ManifestRow("a@1", str(tmp_path / "clips/été 'a'.wav"), 'He said "no"\nnever', 1.5, 1e5, "S1", "dev"),
        ManifestRow("b", "/elsewhere/b.flac", "", 1e-7),
        ManifestRow("c", str(tmp_path) + "//c.wav", "{}"),
    ]
    write_manifest(tmp_path / "out.jsonl", rows)
    assert parse_manifest(tmp_path / "out.jsonl") == rows
    first = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])
    assert (first["audio"], first["end"]) == ("clips/été 'a'.wav", 100_000)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([ManifestRow("a", "a.wav", "x"), ManifestRow("a", "b.wav", "y")], "a second one of that id"),
        ([ManifestRow("", "a.wav", "x")], "no id"),
        ([ManifestRow("a", "a.wav", "x", 2.0, 1.0)], "from 2.0 to 1.0 s"),
        ([ManifestRow("a", "a.wav", "x", float("nan"))], "from nan"),
        ([ManifestRow("a", "a.wav", "x ")], "white space around it"),
    ],
)
def test_a_manifest_that_would_not_read_back_is_not_written(tmp_path, rows, reason):
    with pytest.raises(InputError, match=reason):
        write_manifest(tmp_path / "out.jsonl", rows)
    with pytest.raises(InputError, match="name it .jsonl"):
        write_manifest(tmp_path / "out.csv", rows)
    assert list(tmp_path.iterdir()) == []
