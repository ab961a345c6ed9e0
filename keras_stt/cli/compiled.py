"""What JAX compiles is kept on disk: a command compiles it once, not at each start."""

import os

KEPT_IN = "~/.cache/keras_stt/jax"
FOLDER = "JAX_COMPILATION_CACHE_DIR"
LEAST_SECONDS = "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"


def keep_compiled() -> None:
    """Tells JAX to, unless the environment says otherwise. Call it before JAX is imported; it imports nothing itself.

    A step of training or a batch that is transcribed is one program for each of its shapes; JAX finds one that it has
    compiled by the program, its own version and the machine.
    """
    os.environ.setdefault(FOLDER, os.path.expanduser(KEPT_IN))
    os.environ.setdefault(LEAST_SECONDS, "0.3")
