"""How far a run has come: what a checkpoint holds besides the model's variables."""

import dataclasses
import json

THIS = "this"


@dataclasses.dataclass
class Progress:
    """Plain values, ready for JSON.

    Attributes:
        epoch: epochs that are finished.
        steps: steps taken in the epoch that is not.
        history: the logs of every finished epoch.
        halvings: how often the learning rate was halved, since the loss was no number.
        best: file name of the checkpoint after the epoch of the lowest dev WER, `THIS` in that file itself; None where
            there is none.
        best_before: file name of the one that was the best before; it is kept, should the best be damaged.
        best_epoch: its epoch, counted from 1; 0 where there is none.
        run: the flags that make its batches, by which a run that goes on is known to be the same.
        watchers: by class name, what callbacks that watch the run remember from one epoch to the next.
    """

    epoch: int = 0
    steps: int = 0
    history: list[dict] = dataclasses.field(default_factory=list)
    halvings: int = 0
    best: str | None = None
    best_before: str | None = None
    best_epoch: int = 0
    run: dict = dataclasses.field(default_factory=dict)
    watchers: dict[str, dict] = dataclasses.field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), default=lambda number: number.item())  # NumPy's

    @classmethod
    def from_json(cls, text: str) -> "Progress":
        """The inverse of `to_json`; ValueError or TypeError for any other text."""
        return cls(**json.loads(text))

    def kept_row(self, keep: str) -> dict:
        """Of the history, the epoch whose weights a run ends with: the "best" or the "last"."""
        return self.history[self.best_epoch - 1 if keep == "best" and self.best_epoch else -1]

    def at(self, steps_per_epoch: int) -> int:
        """Steps since training began."""
        return self.epoch * steps_per_epoch + self.steps
