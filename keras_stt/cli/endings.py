"""How training ends when it does not come to its end: one line, and the exit code."""

from keras_stt.errors import InputError, OutputError, RunError, is_full, write_error
from keras_stt.train.stop_signals import Stopped

GO_ON = "--resume goes on from the last checkpoint"
OF_THE_BACKEND = ("jax", "jaxlib", "tensorflow")  # modules whose errors, among several processes, tell of another's end


def ending(error: BaseException, output_dir: str, process: int, processes: int) -> tuple[str, int] | None:
    """The line and the exit code for what a run was ended by; None for an error in the program itself.

    2 is for bad input, 1 for work that came to nothing, 128 and its number for a signal.
    """
    match error:
        case OutputError():
            return f"{error}; {GO_ON}", 1
        case RunError():
            return str(error), 1
        case InputError():
            return str(error), 2
        case Stopped():
            return f"stopped by {error}; {GO_ON}", error.exit_code
        case KeyboardInterrupt():
            return f"interrupted; {GO_ON}", 130
        case OSError() if is_full(error):
            return f"{write_error(error.filename or output_dir, error)}; {GO_ON}", 1
        case Exception() if processes > 1 and type(error).__module__.partition(".")[0] in OF_THE_BACKEND:
            reason = " ".join(str(error).split())[:200]
            return f"process {process} of {processes}: {reason}; where another has died, start all anew: {GO_ON}", 1
    from keras_stt.export import ExportError  # with Keras: only now, as it may be missing for what is told above

    return (f"--export: {error}", 1) if isinstance(error, ExportError) else None
