"""One part made by one worker: input after input, and what kills its workers is found out and left out."""

import os
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from keras_stt.bulk.parts import Part, read_part, write_part
from keras_stt.errors import InputError

DEATHS = 3  # workers that must have died at an input before it is taken for the cause
JOURNAL = ".trying"  # beside a part's file while it is made: a line for each input that a worker began


class Work(Protocol):
    """What is done to every input. It is sent to the workers, so it is small and imports late what is heavy."""

    def identity(self) -> str:
        """Changes when other results would be made of the same inputs."""

    def open(self) -> Callable[[object], object]:
        """What makes the result of one input, with all that it needs loaded; an InputError is a result too."""

    def content(self, inputs: Sequence, results: list) -> bytes:
        """What a part's file is to hold: of every input its result, or the InputError that was raised."""


def make_part(work: Work, make: Callable[[object], object], part: Part) -> int:
    """Makes a part's file, unless it is there: a worker that died may have just written it.

    Args:
        make: of `work.open()`.

    Returns:
        How many workers died at it before.
    """
    journal = _Journal(part.path + JOURNAL)
    if read_part(part) is None:
        results = [_result(make, one, number, journal) for number, one in enumerate(part.inputs)]
        write_part(part, work.content(part.inputs, results))
    journal.forget()
    return journal.deaths


def forget_deaths(parts) -> None:
    """Of workers, at the inputs of parts that are about to be made."""
    for part in parts:
        _Journal(part.path + JOURNAL).forget()


def _result(make, one, number: int, journal: "_Journal"):
    if journal.deaths_at.count(number) >= DEATHS:
        return InputError(f"{DEATHS} workers died at it; give it to a machine with more memory, or look into it")
    journal.begin(number)
    try:
        return make(one)
    except InputError as error:
        return error


class _Journal:
    """Which inputs of a part its workers began, on disk, where the next one finds it.

    Attributes:
        deaths_at: the input at which each worker before this one stopped.
    """

    def __init__(self, path: str):
        self._path, self._token = path, uuid.uuid4().hex[:8]
        last = {}
        try:
            for line in Path(path).read_text(encoding="ascii").splitlines():
                token, _, number = line.split()
                last[token] = int(number)
        except (OSError, ValueError):  # none there; or a line cut off, by which little is lost
            pass
        self.deaths_at = list(last.values())

    @property
    def deaths(self) -> int:
        return len(self.deaths_at)

    def begin(self, number: int) -> None:
        """Writes that this process now works at the part's input of that number."""
        with open(self._path, "a", encoding="ascii") as file:
            file.write(f"{self._token} {os.getpid()} {number}\n")

    def forget(self) -> None:
        Path(self._path).unlink(missing_ok=True)
