"""What is served: a model by its name, what it can do, and how it is asked."""

import dataclasses
import time

MOST_PASSES = 4  # more change nothing, and each number is a graph of its own
FILL_SECONDS = 30.0  # of a recording, heard at once: a completed text is searched for in one piece


@dataclasses.dataclass(frozen=True)
class Served:
    """A model as requests ask for it.

    Attributes:
        name: by which requests name it.
        drafts: whether it can say a draft, `passes=0`.
        refines: whether more passes say something else than the draft.
        fills: whether it completes texts.
        passes: of a request that names no number.
        transcribing: keywords of `model.transcribe`, besides passes.
        filling: keywords of `model.fill`, besides passes.
        created: seconds since 1970 at which it was loaded.
    """

    name: str
    drafts: bool
    refines: bool
    fills: bool
    passes: int = 1
    transcribing: dict = dataclasses.field(default_factory=dict)
    filling: dict = dataclasses.field(default_factory=dict)
    created: int = dataclasses.field(default_factory=lambda: int(time.time()))

    @property
    def least_passes(self) -> int:
        """That a request may ask for."""
        return 0 if self.drafts else 1

    @classmethod
    def of(cls, model, name: str, passes: int = 1, transcribing: dict | None = None, filling: dict | None = None):
        """Sees what a model can do.

        Args:
            model: as `load_model` gives it.
        """
        from keras_stt.recognizer import UtteranceRecognizer  # Keras takes seconds to import

        drafts = isinstance(model, UtteranceRecognizer)
        refines = not drafts or model.refiner is not None
        return cls(name, drafts, refines, drafts, passes, transcribing or {}, filling or {})
