"""What every parser of files must keep, whatever the bytes: it reads them or refuses them in one line.

Told to go on without malformed lines, it finds some or refuses as well. And what it reads, its writer writes so that
it reads back the same, or refuses to write in one line too. Shared by the property tests and the fuzz targets.
"""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

from keras_stt.errors import InputError
from keras_stt.formats.ctm import CtmWord, parse_ctm, write_ctm
from keras_stt.formats.manifest import ManifestRow, parse_manifest, write_manifest
from keras_stt.formats.stm import StmSegment, parse_stm, write_stm
from keras_stt.formats.textgrid import IntervalTier, parse_tiers, write_textgrid
from keras_stt.formats.trn import TrnUtterance, parse_trn, write_trn


@dataclasses.dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        name: also the extension of its files.
        parse: reads a path into a list.
        write: writes such a list; None for what is only read.
        seeds: files of the format, by their content.
    """

    name: str
    parse: Callable
    write: Callable | None
    seeds: tuple[bytes | list, ...]


def write_tiers(path, tiers: list[IntervalTier]) -> None:
    """Writes tiers as long as the longest."""
    ends = [end for tier in tiers for _, end, _ in tier.intervals]
    write_textgrid(path, {tier.name: tier.intervals for tier in tiers}, max(ends, default=0.0))


FORMATS = {
    found.name: found
    for found in (
        Format(
            "stm",
            parse_stm,
            write_stm,
            (
                [
                    StmSegment("a", "1", "S", 0.5, 12.25, "<o,f0,male>", "HELLO WORLD"),
                    StmSegment("a", "1", "S", 13, 14),
                ],
                b";; c\r\n\xef\xbb\xbfa A x_y 1e-5 .3 \xc3\xa9t\xc3\xa9 <unk>\na 1 gap 3 4 <o> "
                b"IGNORE_TIME_SEGMENT_IN_SCORING\n",
            ),
        ),
        Format(
            "ctm",
            parse_ctm,
            write_ctm,
            (
                [CtmWord("a", "1", 0.5, 0.25, "HELLO", 0.875), CtmWord("a", "A", 1.0, 0.0, "x")],
                b";; c\na 1 0 1 b NA lex\n",
            ),
        ),
        Format("trn", parse_trn, write_trn, ([TrnUtterance("a_1", "she had { a / @ }"), TrnUtterance("a_2")],)),
        Format(
            "TextGrid",
            parse_tiers,
            write_tiers,
            (
                [
                    IntervalTier("words", [(0.0, 0.5, 'a "b"'), (0.5, 1.0, "")]),
                    IntervalTier("phones", [(0.0, 1.0, "")]),
                ],
                b'"ooTextFile short"\n"TextGrid"\n0\n2.5\n<exists> ! c\n2\n"TextTier"\n"n"\n0\n2.5\n1\n1.0\n"m"\n'
                b'"IntervalTier"\n"words"\n0\n2.5\n1\n0\n2.5\n"sil"\n',
                '"ooTextFile"\n"TextGrid"\n0\n1\n<absent>\n'.encode("utf-16"),
            ),
        ),
        Format(
            "jsonl",
            parse_manifest,
            write_manifest,
            (
                [ManifestRow("a", "/x/a.wav", 'He said "no"', 0.5, 1.5, "S1", "dev"), ManifestRow("b", "/b.wav", "")],
                b'{"audio_filepath": "a.wav", "text": "\\u00e9", "offset": 1.5, "duration": 2, "speaker": 7}\n',
            ),
        ),
        Format(
            "csv",
            parse_manifest,
            None,
            (b'audio,text,speaker,start,duration,split,note\na.wav,"Hello, ""you""",S1,0.5,1.5,train,x\n\n/b,,,,,,\n',),
        ),
        Format("tsv", parse_manifest, None, (b'client_id\tpath\tsentence\nabc\tx.mp3\tHe said "no.\n',)),
    )
}


def seed_bytes(form: Format, folder: Path) -> list[bytes]:
    """Valid files of the format; those of its writer are written in `folder`."""
    found = []
    for seed in form.seeds:
        if not isinstance(seed, bytes):
            path = folder / f"seed.{form.name}"
            form.write(path, seed)
            seed = path.read_bytes()
        found.append(seed)
    return found


def refusal(function: Callable, *arguments):
    """The result of a call and None, or None and the message of the InputError by which it refused its input.

    The message must be one line that can be shown and kept. Every other error is let through.
    """
    try:
        return function(*arguments), None
    except InputError as error:
        message = str(error)
        assert len(message.splitlines()) == 1, f"not one line: {message!r}"
        assert len(message) < 1_000, f"{len(message)} characters long"
        message.encode()  # it will be written to logs and reports
        return None, message


def check_any_bytes(form: Format, folder, data: bytes) -> bool:
    """Whether the bytes are read; they may as well be refused, but nothing else.

    Raises:
        Exception: of any kind, when the parser or the writer does not keep the contract.
    """
    path, again = (os.path.join(folder, f"{stem}.{form.name}") for stem in ("any", "again"))
    with open(path, "wb") as file:
        file.write(data)
    values, refused = refusal(form.parse, path)
    if form.name != "TextGrid":  # all others can be read without their malformed lines
        told = []
        rest, wholly_wrong = refusal(form.parse, path, told.append)
        if refused:
            assert wholly_wrong or told, "refused, and then nothing was wrong"
        else:
            assert (rest, told) == (values, []), "without malformed lines it is not the same"
    if refused or form.write is None:
        return not refused
    _, refused = refusal(form.write, again, values)
    if not refused:
        back = form.parse(again)
        if form.name == "TextGrid":  # gaps were filled, so it is from here on that nothing changes
            form.write(path, back)
            values = form.parse(path)
        assert back == values, "what was written reads back otherwise"
    return True
