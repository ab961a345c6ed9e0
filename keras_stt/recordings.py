"""Which recordings are meant: files, folders, and what a list names; each once, in an order that stays."""

import glob
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from keras_stt.audio import EXTENSIONS
from keras_stt.errors import FlagError, InputError, printable


def find_recordings(places: Sequence[str], list_file: str = "") -> list[str]:
    """Paths, as they were given, of recordings.

    Args:
        places: files, whatever their names; folders, of which all that is named as audio is taken, at any depth, in
            the order of their names. Links are followed, a folder that was there before is not entered again. What is
            not there and has `*`, `?` or `[` in it stands for all that match it; `**` for folders at any depth, of
            which links are not followed.
        list_file: of more paths, a line each, or between NULs as `find -print0` writes them.

    Raises:
        FlagError: the list cannot be read.
        InputError: there is nothing to do. A file that is not there is no error here, nor, among others, a folder of
            none or a pattern that nothing matches: they are told as their results.
    """
    found: dict[str, str] = {}
    empty = set()  # folders and patterns
    for place in [*(each for one in places for each in _matching(one)), *(_listed(list_file) if list_file else [])]:
        below = list(_below(place)) if os.path.isdir(place) else [place]
        if not below or (glob.has_magic(place) and not os.path.lexists(place)):
            empty.add(os.path.abspath(place))
        for path in below or [place]:
            found.setdefault(os.path.abspath(path), path)
    if found.keys() == empty:
        named = ", ".join(places[:3]) or list_file
        if empty and not any(map(os.path.isdir, empty)):
            raise InputError(f"{named}: nothing matches this pattern; check its folder and suffix")
        kinds = ", ".join(EXTENSIONS)
        raise InputError(f"{named}: no recordings ({kinds}) there; give files or folders that have some")
    return list(found.values())


def recording_ids(paths: Sequence[str]) -> list[str]:
    """A name for each recording, for formats and files that ask for one: its own without the suffix.

    Where two would be the same, all are named with their folders from the one on that holds them all, or with their
    suffixes too. White space and parentheses, which STM, CTM and TRN do not allow in names, become `_`.
    """
    folder = os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in paths])
    beside = [os.path.relpath(os.path.abspath(path), folder) for path in paths]
    ways: tuple[Callable[[str], str], ...] = (
        lambda path: os.path.splitext(os.path.basename(path))[0],
        lambda path: os.path.splitext(path)[0],
        lambda path: path,
    )
    for way in ways:
        ids = [re.sub(r"[\s()]+", "_", printable(way(path)).replace(os.sep, "/")) for path in beside]
        if len(set(ids)) == len(ids):
            return ids
    same = next(name for name, count in Counter(ids).items() if count > 1)
    raise InputError(f"{same}: the name of two recordings, without spaces and parentheses; rename one")


def _matching(place: str) -> list[str]:
    """What a pattern stands for; the place itself where it is none, or nothing matches."""
    if not glob.has_magic(place) or os.path.lexists(place):
        return [place]
    path = Path(place)
    base = Path(path.anchor) if path.anchor else Path()
    try:
        found = sorted(base.glob(str(path.relative_to(base))))
    except ValueError as error:
        raise InputError(f"{place}: no pattern ({error}); write ** as a folder of its own: FOLDER/**/*.wav") from error
    hidden = any(part.startswith(".") for part in path.parts if glob.has_magic(part))
    shown = [str(one) for one in found if hidden or not one.name.startswith(".")]
    return shown or [place]


def _listed(list_file: str) -> list[str]:
    try:
        text = os.fsdecode(Path(list_file).read_bytes())
    except OSError as error:
        raise FlagError("list", f"{list_file} cannot be read ({error.strerror}); check the path") from error
    return [path for path in text.split("\0" if "\0" in text else "\n") if path.strip()]


def _unreadable(error: OSError) -> None:
    raise InputError(f"{error.filename}: cannot be read ({error.strerror}); its recordings would be left out")


def _below(folder: str) -> Iterator[str]:
    entered = set()
    for parent, folders, names in os.walk(folder, followlinks=True, onerror=_unreadable):
        status = os.stat(parent)
        if (status.st_dev, status.st_ino) in entered:
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        folders.sort()
        yield from (os.path.join(parent, name) for name in sorted(names) if name.lower().endswith(EXTENSIONS))
