"""TensorFlow without its chatter on stderr, so that what a command says there can be read."""

import importlib.abc
import importlib.util
import logging
import os
import re
import sys

LEVEL = "TF_CPP_MIN_LOG_LEVEL"
# Log lines of absl's C++ library, and the second line of the one about CPU instructions.
_CHATTER = re.compile(rb"WARNING: All log messages before absl::|[IWE]\d{4} |To enable the following instructions: ")


def quiet_tensorflow() -> None:
    """Silences TensorFlow, whoever imports it first. Call it before that; it imports nothing heavy itself.

    `TF_CPP_MIN_LOG_LEVEL=3` does it from the moment TensorFlow has read it, but not for what it logs while it is being
    imported: those lines are taken out of stderr. With a lower level in the environment nothing is silenced at all.
    """
    if os.environ.setdefault(LEVEL, "3") != "3":
        return
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if "tensorflow" not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Steps in at the first import of TensorFlow, once."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None:
            execute = spec.loader.exec_module
            spec.loader.exec_module = lambda module: _without_chatter(execute, module)
        return spec


def _without_chatter(execute, module) -> None:
    """Runs `execute(module)` with stderr held back, then writes there what was no chatter."""
    import tempfile

    with tempfile.TemporaryFile() as held:
        sys.stderr.flush()
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            execute(module)
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            for line in held:
                if not _CHATTER.match(line):
                    os.write(2, line)
