"""Utterances straight out of a LibriSpeech archive, without unpacking it to disk."""

import collections
import dataclasses
import gzip
import hashlib
import logging
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator

from keras_stt.data.librispeech_subset import SUBSETS, URL
from keras_stt.errors import InputError

_BLOCK = 1 << 20  # bytes
_MEMBER = re.compile(r"(?:^|/)(?P<chapter>\d+/\d+)/(?P<name>\d+-\d+(?:-\d+\.flac|\.trans\.txt))$")
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Utterance:
    """What the archive holds of one utterance: its id, the bytes of its FLAC file, its transcript."""

    id: str
    flac: bytes
    text: str


class _SummingReader:
    """Reads a file and sums what is read, so that one pass both unpacks and checks."""

    def __init__(self, file, on_read):
        self._file, self._on_read = file, on_read
        self.md5 = hashlib.md5(usedforsecurity=False)

    def read(self, size=-1):
        block = self._file.read(size)
        self.md5.update(block)
        if self._on_read:
            self._on_read(len(block))
        return block


class _Chapters:
    """Pairs audio and transcripts of a chapter, whichever comes first in the archive."""

    def __init__(self):
        self._texts: dict[str, dict[str, str]] = {}
        self._waiting = collections.defaultdict(list)  # chapter -> (id, FLAC bytes) whose transcript is still to come

    def add(self, chapter: str, name: str, data: bytes) -> Iterator[Utterance]:
        if name.endswith(".trans.txt"):
            lines = data.decode("utf-8").splitlines()
            self._texts[chapter] = dict(line.strip().split(" ", 1) for line in lines if " " in line.strip())
        else:
            self._waiting[chapter].append((name.removesuffix(".flac"), data))
        if chapter in self._texts:
            for id, flac in self._waiting.pop(chapter, ()):
                if id not in self._texts[chapter]:
                    raise InputError(f"{chapter}: {id}.flac has no line in its .trans.txt")
                yield Utterance(id, flac, self._texts[chapter][id])

    def finish(self) -> None:
        for chapter, utterances in self._waiting.items():
            raise InputError(f"{chapter}: {utterances[0][0]}.flac has no .trans.txt beside it")


def read_archive(path, subset: str, on_read: Callable[[int], None] | None = None) -> Iterator[Utterance]:
    """Yields the utterances of an archive in its order, holding one chapter in memory at a time.

    An archive whose sum is not the official one is read all the same, since people pack their own; a logged line says
    so at the end.

    Args:
        path: `train-clean-100.tar.gz`, with `LibriSpeech/SUBSET/SPEAKER/CHAPTER/SPEAKER-CHAPTER-NNNN.flac` and
            `SPEAKER-CHAPTER.trans.txt` in it.
        subset: which of `SUBSETS` it is.
        on_read: called with the number of bytes whenever some of the archive are read.

    Raises:
        InputError: the archive is missing, cut short, damaged, empty, or of another subset, or lacks a transcript.
    """
    path = os.fspath(path)
    chapters, count = _Chapters(), 0
    try:
        with open(path, "rb") as file:
            summed = _SummingReader(file, on_read)
            unzipped = gzip.GzipFile(fileobj=summed)
            with tarfile.open(fileobj=unzipped, mode="r|") as archive:
                for member in archive:
                    found = _MEMBER.search(member.name) if member.isfile() else None
                    if not found:
                        continue
                    _require_subset(member.name, subset)
                    for utterance in chapters.add(found["chapter"], found["name"], archive.extractfile(member).read()):
                        count += 1
                        yield utterance
            while unzipped.read(_BLOCK) or summed.read(_BLOCK):  # tar stops early; gzip checks its sum at the very end
                pass
        chapters.finish()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; fetch {os.path.basename(path)} from {URL}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        raise InputError(f"{path}: cut short or damaged ({error}); fetch it again from {URL}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}; fetch it again from {URL} or pack it whole") from error
    if not count:
        raise InputError(f"{path}: no LibriSpeech utterances in it; give the official archive from {URL}")
    if summed.md5.hexdigest() != SUBSETS[subset].md5:
        _log.warning(
            "%s: not the official archive (another MD5 sum); its %d utterances are used as they are", path, count
        )


def _require_subset(member: str, subset: str) -> None:
    """A renamed archive would put test speakers into training."""
    for other in SUBSETS:
        if other != subset and f"/{other}/" in f"/{member}":
            raise InputError(f"it holds {other}, not {subset} ({member})")
