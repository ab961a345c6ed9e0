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
        return _greedy(self.logits[name])

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
    pieces, owner, places = _pieces(model, samples)
    heard = [_heard(model, frames, passes) for frames in pieces]
    decided = [_is_decided(model, *one, passes) for one in zip(pieces, heard, strict=True)]
    return Said(_whole(model, heard, owner, places), np.array(decided, bool)[owner])


def greedy_token_ids(model, samples: np.ndarray, passes: int) -> dict[str, list[int]]:
    """The tokens of draft and refinement, by the same work as in the artefact and no more: what a clock is held to."""
    pieces, owner, places = _pieces(model, samples)
    logits = _whole(model, [_heard(model, frames, passes) for frames in pieces], owner, places)
    return {name: _greedy(values) for name, values in logits.items()}


def _greedy(logits: np.ndarray) -> list[int]:
    return greedy(logits[None], np.array([len(logits)]))[0].token_ids.tolist()


def _pieces(model, samples: np.ndarray) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Frames of what is heard at once; for each step of the recording its piece, and its place in that piece."""
    cut = Cut(model.frames_per_step)
    frames = log_mel(samples, model.mel_bands)
    steps = -(-len(frames) // cut.frames_per_step)
    last = max(0, cut.last_piece(steps))
    starts = [number * cut.hop_frames for number in range(last + 1)]
    owner = np.clip((np.arange(steps) - cut.edge_steps) // cut.hop_steps, 0, last)
    places = np.arange(steps) - owner * cut.hop_steps
    return [frames[start : start + cut.piece_frames] for start in starts], owner, places


def _whole(model, heard: list[dict], owner: np.ndarray, places: np.ndarray) -> dict[str, np.ndarray]:
    """Logits `(S, tokens)` by name, of those of the pieces."""
    chosen = list(zip(owner.tolist(), places.tolist(), strict=True))
    return {name: _stacked([heard[piece][name][place] for piece, place in chosen], model) for name in heard[0]}


def _stacked(rows: list[np.ndarray], model) -> np.ndarray:
    return np.array(rows) if rows else np.zeros((0, model.config["token_count"]), np.float32)


def _heard(model, frames: np.ndarray, passes: int) -> dict[str, np.ndarray]:
    """Logits of a piece by name, `draft` and perhaps `refined`."""
    length = max(1, len(frames))
    features = np.zeros((1, -(-length // FRAME_MULTIPLE) * FRAME_MULTIPLE, model.mel_bands), np.float32)
    features[0, : len(frames)] = frames
    steps = -(-length // model.frames_per_step)
    draft, refined = model.draft_and_refine(features, np.array([length], np.int32), passes)
    said = {"draft": draft[0, :steps]}
    return said if refined is None else {**said, "refined": refined[0, :steps]}


def _is_decided(model, frames: np.ndarray, said: dict[str, np.ndarray], passes: int) -> bool:
    """Whether every pass over a piece was shown what it would be shown anyway."""
    if "refined" not in said:
        return True
    # The first pass reads the draft, a later one what the pass before it said.
    read = [said["draft"], *(_heard(model, frames, done)["refined"] for done in range(1, passes))]
    return all(map(_is_clear, read))


def _is_clear(logits: np.ndarray) -> bool:
    """Whether no token is on the edge of being shown."""
    sureness = softmax(logits.astype(np.float64)).max(axis=-1)
    return bool((np.abs(sureness - SURE) > TIE / 10).all())
