"""The one error a user is meant to see: what is wrong, where, and the fix, on one line."""


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


def one_line(text) -> str:
    """The text with single spaces for white space, and otherwise as `printable` makes it."""
    return printable(" ".join(str(text).split()))


def printable(text: str) -> str:
    """The text with a question mark for whatever would break a line, steer a terminal, or is no character at all."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
