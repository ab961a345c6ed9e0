"""The errors a user is meant to see: what is wrong, where, and the fix, on one line."""

import errno


class InputError(ValueError):
    """Bad input from outside: a flag, a file, a line of a file.

    The message is one line, whatever file names and transcripts it quotes, that says what is wrong, where, and how to
    mend it. Command lines print it without a traceback and exit with code 2.
    """

    def __str__(self) -> str:
        return one_line(super().__str__())


class FlagError(InputError):
    """A flag whose value makes no sense. The message starts with `--name:`."""

    def __init__(self, flag: str, message: str):
        super().__init__(f"--{flag}: {message}")
        self.flag = flag


class OutputError(InputError):
    """The input is sound, but a disk is full or must not be written to. Command lines exit with code 1."""


class RunError(Exception):
    """The input is sound, but the work came to nothing, for the reason that the message gives in one line. Command
    lines exit with code 1.
    """


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
_OF_THE_DISK = {*_FULL, errno.EACCES, errno.EPERM, errno.EIO}


def is_full(error: OSError) -> bool:
    """Whether it says of a disk that it is full or read-only, which can only come from writing."""
    return error.errno in _FULL


def write_error(path, error: OSError) -> InputError:
    """The one line for what could not be written: an OutputError, or an InputError where there is no such place."""
    kind = OutputError if error.errno in _OF_THE_DISK else InputError
    return kind(f"{path}: cannot be written ({error.strerror or error}); check its folder")


def one_line(text) -> str:
    """The text with single spaces for white space, and otherwise as `printable` makes it."""
    return printable(" ".join(str(text).split()))


def printable(text: str) -> str:
    """The text with a question mark for whatever would break a line, steer a terminal, or is no character at all."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
