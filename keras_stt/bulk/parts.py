"""Inputs in parts, each with a file of its own: made once, found whole or made again, joined with every input once.

A part's file is named by its number and a hash of its inputs and of what is done to them, and holds its content and
the SHA-256 of it. So a restart knows what is left to do, two workers that make the same part do no harm, and nothing
is taken for a result that was made of other inputs, by other flags, or that was cut off.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from keras_stt.errors import InputError
from keras_stt.formats.whole_file import written_whole_file

SUFFIX = ".part"
_SEAL = b'{"sha256": "%s"}\n'  # the last line of a part's file
_SEAL_BYTES = len(_SEAL % hashlib.sha256().hexdigest().encode())


@dataclasses.dataclass(frozen=True)
class Part:
    """Some of the inputs.

    Attributes:
        path: of the file that holds what is made of them.
        inputs: as the work takes them: paths, or rows of an index.
    """

    path: str
    inputs: Sequence


def divide(inputs: Sequence, identities: Iterable[str], size: int, folder, work: str) -> list[Part]:
    """Parts of `size` inputs, the last one of what is left: the same for the same arguments.

    Args:
        inputs: in the order in which the result will have them; a range of rows costs nothing.
        identities: of each input, what changes when it is another one or has changed.
        folder: of the parts' files.
        work: what changes when something else is done to the inputs.
    """
    identities, parts = iter(identities), []
    for first in range(0, len(inputs), size):
        some = inputs[first : first + size]
        digest = hashlib.sha256(json.dumps([work, len(some)]).encode())
        for _ in some:
            digest.update(hashlib.sha256(next(identities).encode("utf-8", "surrogateescape")).digest())
        name = f"{len(parts):06d}-{digest.hexdigest()[:16]}{SUFFIX}"
        parts.append(Part(os.path.join(os.fspath(folder), name), some))
    return parts


def file_identity(path: str) -> str:
    """Changes when a file is written anew; a file that is not there has one too."""
    try:
        status = os.stat(path)
    except OSError:
        return path
    return f"{path}\0{status.st_size}\0{status.st_mtime_ns}"


def write_part(part: Part, content: bytes) -> None:
    """Writes a part's file: through a temporary one that is on the disk before it takes its place.

    Raises:
        OSError: it cannot be written.
    """
    with written_whole_file(part.path) as file:
        file.write(content)
        file.write(_SEAL % hashlib.sha256(content).hexdigest().encode())


def read_part(part: Part) -> bytes | None:
    """A part's content; None where its file is missing, cut off or damaged."""
    try:
        data = Path(part.path).read_bytes()
    except OSError:
        return None
    content, seal = data[:-_SEAL_BYTES], data[-_SEAL_BYTES:]
    return content if seal == _SEAL % hashlib.sha256(content).hexdigest().encode() else None


def missing(parts: Iterable[Part]) -> list[Part]:
    """Those that have yet to be made."""
    return [part for part in parts if read_part(part) is None]


def json_lines(parts: Iterable[Part], key: str | None = None) -> Iterator[bytes]:
    """The lines of parts that have a JSON object for each input, in the inputs' order; with their ends.

    Args:
        key: of the objects' field that says which input each is of, to be compared with it.

    Raises:
        InputError: an input has no line, more than one, or that of another.
    """
    for part in parts:
        content = read_part(part)
        lines = [] if content is None else content.splitlines(keepends=True)  # of bytes: newlines alone end a line
        if len(lines) != len(part.inputs):
            raise InputError(f"{part.path}: {len(lines)} results for {len(part.inputs)} inputs; delete it, run again")
        for line, wanted in zip(lines, part.inputs, strict=True):
            if key is not None and json.loads(line)[key] != wanted:
                raise InputError(
                    f"{part.path}: a result of {json.loads(line)[key]!r} where {wanted!r} is due; delete it"
                )
            yield line


def join_json_lines(parts: Iterable[Part], path, key: str) -> int:
    """Writes the lines of all parts as one file, whole or not at all; see `json_lines`.

    Returns:
        How many of them tell of an `error`.

    Raises:
        InputError: an input is not in it exactly once, or it cannot be written.
    """
    failed = 0
    try:
        with written_whole_file(path) as file:
            for line in json_lines(parts, key):
                failed += "error" in json.loads(line)
                file.write(line)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); check its folder") from error
    return failed


def forget_failed(parts: Iterable[Part]) -> None:
    """Removes the files of parts of JSON lines in which an input has an `error`, so that they are made again."""
    for part in parts:
        content = read_part(part)
        if content is not None and any("error" in json.loads(line) for line in content.splitlines()):
            os.unlink(part.path)
