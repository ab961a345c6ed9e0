"""Zip archives from outside: what one claims to hold is checked before anything of it is unpacked or believed."""

import io
import os
import shutil
import stat
import struct
import zipfile
from collections.abc import Collection
from typing import BinaryIO

_FREE_BYTES = 64 << 20  # unpacked, whatever the archive's size: small files may be mostly zeros
_MOST_EXPANSION = 20  # beyond that; weights and n-grams come to less than 4, a bomb to 1,000
_MOST_DIRECTORY_BYTES = 1 << 16
_PIECE_BYTES = 1 << 20
_BEGINNING = b"PK\x03\x04"
_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_BYTES, _END_64_BYTES, _LOCATOR_64_BYTES = 22, 56, 20


def open_archive(file: BinaryIO, names: Collection[str]) -> zipfile.ZipFile:
    """A zip archive that holds these members, each once, and nothing else.

    With `read_member` all members together take no more memory than 64 MiB and twenty times the archive's size.

    Args:
        file: open for reading; nothing is read from anywhere else, so that what was checked is what is used.
        names: of the members, exactly.

    Raises:
        ValueError: it is no such archive; one line, which names no file.
        zipfile.BadZipFile: it is damaged.
    """
    size = file.seek(0, os.SEEK_END)
    _check_ends(file, size)
    archive = zipfile.ZipFile(file)
    found = archive.infolist()
    for member in found:
        if member.orig_filename not in names:
            raise ValueError(f"it holds {shown(member.orig_filename)}, which does not belong in it")
        _check_member(member)
    if len(found) != len({member.filename for member in found}):
        raise ValueError("a member is in it twice")
    if missing := sorted(set(names) - {member.filename for member in found}):
        raise ValueError(f"{', '.join(missing)} is missing")
    unpacked = sum(member.file_size for member in found)
    if unpacked > _FREE_BYTES + _MOST_EXPANSION * size:
        raise ValueError(f"{size:,} bytes that claim to unpack to {unpacked:,}")
    return archive


def read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member's content, at most as long as the directory says.

    In pieces: `ZipFile.read` unpacks all that is stored, and then cuts it to that length.

    Raises:
        zipfile.BadZipFile, zlib.error: it is damaged.
    """
    content = io.BytesIO()
    with archive.open(name) as member:
        shutil.copyfileobj(member, content, _PIECE_BYTES)
    return content.getvalue()


def shown(text) -> str:
    """A name from outside as it may be printed: in quotes, of letters that a terminal takes for nothing else, short."""
    text = str(text)
    return ascii(text if len(text) <= 40 else text[:40] + "...")


def _check_ends(file: BinaryIO, size: int) -> None:
    """The archive is all that the file holds; its directory, which zipfile reads whole, is small."""
    file.seek(0)
    begins = file.read(len(_BEGINNING)) == _BEGINNING
    file.seek(max(0, size - _END_64_BYTES - _LOCATOR_64_BYTES - _END_BYTES))
    tail = file.read()
    end = tail[-_END_BYTES:]
    if not begins or not end.startswith(_END) or len(end) < _END_BYTES:
        raise ValueError("no zip archive, or not a whole one")
    (directory,) = struct.unpack("<12xL6x", end)
    # Archives above 2 GB have a second record, which counts.
    locator = tail[-_END_BYTES - _LOCATOR_64_BYTES : -_END_BYTES]
    if locator.startswith(_LOCATOR_64):
        record = tail[: -_END_BYTES - _LOCATOR_64_BYTES]
        if not record.startswith(_END_64) or len(record) < _END_64_BYTES:
            raise ValueError("no zip archive, or not a whole one")
        (directory,) = struct.unpack("<40xQ8x", record)
    if directory > _MOST_DIRECTORY_BYTES:
        raise ValueError(f"a directory of {directory:,} bytes")
    file.seek(0)


def _check_member(member: zipfile.ZipInfo) -> None:
    # Names are known ones by now, so that no path leads anywhere; what is left is how they are stored.
    if member.filename != member.orig_filename or stat.S_ISLNK(member.external_attr >> 16):
        raise ValueError(f"{shown(member.orig_filename)} is a link, or another name in disguise")
    if member.flag_bits & 1:
        raise ValueError(f"{member.filename} is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{member.filename} is compressed in another way than deflate")
    if member.compress_type == zipfile.ZIP_STORED and member.file_size != member.compress_size:
        raise ValueError(f"{member.filename} claims {member.file_size:,} bytes and stores {member.compress_size:,}")
