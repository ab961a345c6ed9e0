"""What was found of one thing."""

import dataclasses
from collections.abc import Callable

from keras_stt.errors import one_line

OK = "ok"
MISSING = "missing"  # and can be done without
BROKEN = "broken"  # or missing, and is needed

_LONGEST = 200  # characters of a reason


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of what the doctor says.

    Attributes:
        name: of what was looked at.
        state: OK, MISSING or BROKEN.
        told: the version, the number, or what is wrong; one line.
        fix: what mends it; empty where nothing needs to be mended.
    """

    name: str
    state: str
    told: str
    fix: str = ""


def reason(error: BaseException) -> str:
    """What an error says, on one line of bearable length."""
    return one_line(f"{type(error).__name__}: {error}")[:_LONGEST]


def found(name: str, look: Callable[[], str], fix: str, state: str = BROKEN) -> Finding:
    """OK with what `look` returns; where it raises, the state and the fix that are given."""
    try:
        return Finding(name, OK, look())
    except Exception as error:  # whatever it is, it is what was to be found out
        return Finding(name, state, reason(error), fix)
