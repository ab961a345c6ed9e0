"""What to say where the backend that `KERAS_BACKEND` names is not installed."""

# How each is installed: TensorFlow comes with the package, unless it was installed without what it asks for.
INSTALL = {"tensorflow": "tensorflow", "jax": "'keras_stt[jax]'", "torch": "'keras_stt[torch]'"}


def missing_backend(error: ModuleNotFoundError) -> str:
    """One line about a backend that is not there.

    Raises:
        ModuleNotFoundError: the same, where it is about another module.
    """
    if error.name not in INSTALL:
        raise error
    return f"{error.name} is not installed: pip install {INSTALL[error.name]}, or name another by KERAS_BACKEND"
