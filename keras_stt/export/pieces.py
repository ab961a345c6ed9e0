"""How a long recording is cut for one graph: overlapping pieces, of each the middle kept.

Memory then grows with the length and not, as attention over all of it would, with its square; and no piece is much
longer than what models are trained on.
"""

import dataclasses

from keras_stt.features import FRAME_SECONDS
from keras_stt.transcribe.chunks import MOST_SECONDS, OVERLAP_SECONDS


@dataclasses.dataclass(frozen=True)
class Cut:
    """Piece `p` begins at step `p * hop_steps`; step `s` is told by the piece that hears the most on both its sides.

    Attributes:
        frames_per_step: of the model.
    """

    frames_per_step: int

    @property
    def edge_steps(self) -> int:
        """Steps at either end of a piece that its neighbour tells."""
        return round(OVERLAP_SECONDS / 2 / FRAME_SECONDS) // self.frames_per_step

    @property
    def hop_steps(self) -> int:
        return round((MOST_SECONDS - OVERLAP_SECONDS) / FRAME_SECONDS) // self.frames_per_step

    @property
    def piece_steps(self) -> int:
        return self.hop_steps + 2 * self.edge_steps

    @property
    def hop_frames(self) -> int:
        return self.hop_steps * self.frames_per_step

    @property
    def piece_frames(self) -> int:
        return self.piece_steps * self.frames_per_step

    def last_piece(self, steps):
        """Number of the last piece of so many steps, below 0 where the first has room for more."""
        return (steps - self.piece_steps + self.hop_steps - 1) // self.hop_steps
