"""One run at a time in a folder: a second one would remove the first one's checkpoints."""

import contextlib
import os
from collections.abc import Iterator

from keras_stt.errors import FlagError


@contextlib.contextmanager
def only_run_in(output) -> Iterator[None]:
    """Holds the folder; the system lets go of it when the process ends, however it does.

    Raises:
        FlagError: another run holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows has no such locks: nothing is looked at
        yield
        return
    handle = os.open(output, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FlagError("output_dir", f"another run is at work in {output}; wait, or name another") from error
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(handle)
