"""One process builds, the others wait: for what several training processes would otherwise all prepare at once."""

import contextlib
import logging
import os

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def one_process_at_a_time(lock_path, what: str):
    """Holds a lock on the file `lock_path`, which is made; a line is logged when another process has it.

    Args:
        what: named in that line.
    """
    try:
        import fcntl
    except ImportError:  # Windows: a second process builds too, and the later one's files stay
        yield
        return
    os.makedirs(os.path.dirname(lock_path), exist_ok=True)
    with open(lock_path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.warning("waiting for the process that prepares %s", what)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
