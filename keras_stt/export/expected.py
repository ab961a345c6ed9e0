"""What a model itself says of a recording, cut into pieces as its artefact cuts it."""

import dataclasses

import numpy as np

from keras_stt.decoding.ctc import greedy
from keras_stt.decoding.refine import softmax
from keras_stt.export.pieces import Cut
from keras_stt.features import log_mel
from keras_stt.models.utterance import SURE
from keras_stt.transcribe.utterances import FRAME_MULTIPLE

# Two logits nearer than this may change places within the tolerance; of probabilities near `SURE` so small a change
# moves the tenth part.
TIE = 2e-4


@dataclasses.dataclass(frozen=True)
class Said:
    """Attributes:
    logits: by name, `draft` and perhaps `refined`, `(S, tokens)` each.
    decided: `(S,)`, whether the refiner was shown what it would be shown if logits were a little different. A
        token on the edge of being shown, in the same piece, leaves all of the piece open.
    """

    logits: dict[str, np.ndarray]
    decided: np.ndarray

    def token_ids(self, name: str) -> list[int]:
        logits = self.logits[name]
        return greedy(logits[None], np.array([len(logits)]))[0].token_ids.tolist()

    def has_tie(self, name: str) -> bool:
        """Whether its text is a matter of the last digits."""
        best = np.sort(self.logits[name], axis=-1)[:, -2:]
        tied = bool((best[:, 1] - best[:, 0] < TIE).any())
        return tied or (name != "draft" and not self.decided.all())


def expected(model, samples: np.ndarray, passes: int) -> Said:
    """The logits of a recording of any length by `model.draft_and_refine`.

    Args:
        model: an `UtteranceRecognizer`.
        samples: float32 `(N,)`, 16 kHz.
    """
    cut = Cut(model.frames_per_step)
    frames = log_mel(samples, model.mel_bands)
    steps = -(-len(frames) // cut.frames_per_step)
    last = max(0, cut.last_piece(steps))
    starts = [number * cut.hop_frames for number in range(last + 1)]
    heard = [_piece(model, frames[start : start + cut.piece_frames], passes) for start in starts]
    owner = np.clip((np.arange(steps) - cut.edge_steps) // cut.hop_steps, 0, last)
    places = np.arange(steps) - owner * cut.hop_steps
    names = heard[0][0]
    chosen = list(zip(owner.tolist(), places.tolist(), strict=True))
    logits = {name: _stacked([heard[piece][0][name][place] for piece, place in chosen], model) for name in names}
    return Said(logits, np.array([heard[piece][1] for piece in owner], bool))


def _stacked(rows: list[np.ndarray], model) -> np.ndarray:
    return np.array(rows) if rows else np.zeros((0, model.config["token_count"]), np.float32)


def _piece(model, frames: np.ndarray, passes: int) -> tuple[dict[str, np.ndarray], bool]:
    """Logits by name, and whether every pass was shown what it would be shown anyway."""
    length = max(1, len(frames))
    features = np.zeros((1, -(-length // FRAME_MULTIPLE) * FRAME_MULTIPLE, model.mel_bands), np.float32)
    features[0, : len(frames)] = frames
    steps = -(-length // model.frames_per_step)
    decided = True
    lengths = np.array([length], np.int32)
    for done in range(1, passes):  # what the later passes read
        _, read = model.draft_and_refine(features, lengths, done)
        decided &= _is_decided(read[0, :steps])
    draft, refined = model.draft_and_refine(features, lengths, passes)
    said = {"draft": draft[0, :steps]}
    if refined is not None:
        said["refined"] = refined[0, :steps]
        decided &= _is_decided(said["draft"])
    return said, decided


def _is_decided(logits: np.ndarray) -> bool:
    """Whether no token is on the edge of being shown."""
    sureness = softmax(logits.astype(np.float64)).max(axis=-1)
    return bool((np.abs(sureness - SURE) > TIE / 10).all())
