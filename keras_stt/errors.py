"""The one error a user is meant to see: what is wrong, where, and the fix, on one line."""


class InputError(ValueError):
    """Bad input from outside: a flag, a file, a line of a file.

    The message is one line that says what is wrong, where, and how to mend it. Command lines print it without a
    traceback and exit with code 2. Line breaks and all else that would not show as it is (a file's name may hold them)
    are escaped, so that the message is one line of text whatever it is about.
    """

    def __init__(self, message: str):
        super().__init__("".join(map(_shown, message)))


class FlagError(InputError):
    """A flag whose value makes no sense. The message starts with `--name:`."""

    def __init__(self, flag: str, message: str):
        super().__init__(f"--{flag}: {message}")
        self.flag = flag


def _shown(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
