"""Malformed lines: an error that knows its place, and the choice to stop at one or to go on without it."""

import contextlib
from collections.abc import Callable, Iterator

from keras_stt.errors import InputError


class LineError(InputError):
    """What is wrong with a line of a file.

    Attributes:
        kind: the same in few words without the particulars, so that lines can be counted by it.
        where: file and line.
    """

    kind = "malformed line"
    where = ""


OnMalformed = Callable[[LineError], None]


def line_error(path, number: int, reason: str, fix: str, kind: str = LineError.kind) -> LineError:
    """What is wrong with a line of a file, as the one line the user sees."""
    error = LineError(f"{path}:{number}: {reason}; {fix}")
    error.kind, error.where = kind, f"{path}:{number}"
    return error


class Malformed:
    """What becomes of the malformed lines of a file: the first one is raised, or all are told of and left out.

    A file of which nothing is left is no file of its kind: its first error is raised in either case.
    """

    def __init__(self, tell: OnMalformed | None = None):
        """Takes what is told of every malformed line, in `finish`; with None the first one is raised at once."""
        self._tell = tell
        self._errors: list[LineError] = []

    @contextlib.contextmanager
    def line(self) -> Iterator[None]:
        """Around whatever reads a line."""
        try:
            yield
        except LineError as error:
            if self._tell is None:
                raise
            self._errors.append(error)

    def finish(self, found: list) -> list:
        """Tells of the malformed lines, and returns what was found in the others.

        Raises:
            LineError: nothing was found, but malformed lines were.
        """
        if self._errors and not found:
            raise self._errors[0]
        self.tell()
        return found

    def tell(self) -> None:
        """Tells of the malformed lines."""
        for error in self._errors:
            self._tell(error)
