"""What to say where the backend that `KERAS_BACKEND` names is not installed."""

EXTRAS = ("jax", "torch")  # backends that come with an extra of their own


def missing_backend(error: ModuleNotFoundError) -> str:
    """One line about a backend that is not there.

    Raises:
        ModuleNotFoundError: the same, where it is about another module.
    """
    if error.name not in EXTRAS:
        raise error
    return f"{error.name} is not installed: pip install 'keras_stt[{error.name}]', or name another by KERAS_BACKEND"
