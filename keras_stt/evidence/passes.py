"""What a model of whole utterances says pass by pass, and which tokens each pass could not read."""

import dataclasses

import keras
import numpy as np
from keras import ops

from keras_stt.decoding.ctc import greedy
from keras_stt.decoding.ctc_alignment import log_softmax
from keras_stt.decoding.spoken_tokens import SpokenTokens
from keras_stt.evidence.attention import attending_block, weights_of
from keras_stt.evidence.example import MaskedText, Slot
from keras_stt.features import log_mel
from keras_stt.layers import MaskedPath
from keras_stt.models.utterance import SURE
from keras_stt.tokens import WORD_START
from keras_stt.transcribe.utterances import FRAME_MULTIPLE
from keras_stt.wer import alignment_operations

LEAST_PASSES = 2  # shown, even where fewer are made to transcribe
OTHERS = 3  # next likeliest tokens told of each guess
NOTHING = "–"  # for the blank among the next likeliest
NOTE = (
    "Pass 1 reads the draft, each other the text of the pass before it, with every token masked whose probability is "
    f"below {SURE:.0%}, and says the whole text again, so that it may also put in tokens where none stood, or leave "
    "some out."
)


@dataclasses.dataclass(frozen=True)
class Passes:
    """What the model says of one utterance of S audio steps.

    Attributes:
        said: logits `(S, tokens)` of the draft and of every pass.
        read: token ids `(S,)` that every pass read, the mask among them.
        attention: weights `(S, S)`, the mean of the heads; None where no block has attention.
        part, block: where they are from: encoder or refiner, and the block's name.
    """

    said: list[np.ndarray]
    read: list[np.ndarray]
    attention: np.ndarray | None
    part: str
    block: str


def hear_passes(model, recordings: list[np.ndarray], passes: int) -> list[Passes]:
    """The draft and its refinements, as `model.draft_and_refine` has them, with what was read and where they look.

    Args:
        model: an `UtteranceModel`.
        recordings: 16 kHz mono float32 samples `(N,)` of each utterance; heard together.
        passes: with which it transcribes; at least `LEAST_PASSES` are shown, where there is a refiner.
    """
    encoder, refiner = _Part(model.encoder), model.refiner and _Part(model.refiner)
    heard = encoder(_frames(recordings, model.mel_bands))
    steps, said, read, looking = heard["steps"], [heard["draft"]], [], (encoder, heard)
    masked_path = MaskedPath(SURE)
    for _ in range(max(passes, LEAST_PASSES) if refiner else 0):
        read.append(ops.convert_to_numpy(masked_path(ops.convert_to_tensor(said[-1]))))
        found = refiner({"audio": heard["audio"], "steps": steps, "path": read[-1]})
        said.append(found["refined"])
        looking = (refiner, found) if refiner.block is not None else looking
    part, found = looking
    weights = None if part.block is None else weights_of(part.block, found["inner"], steps)
    name = "" if part.block is None else part.block.name
    return [
        Passes(
            [logits[row, :count] for logits in said],
            [path[row, :count] for path in read],
            None if weights is None else weights[row, :count, :count],
            part.name,
            name,
        )
        for row, count in enumerate(steps.tolist())
    ]


def _frames(recordings: list[np.ndarray], mel_bands: int) -> dict:
    """The encoder's inputs, padded as transcription pads them: few lengths mean few compiled graphs."""
    pieces = [log_mel(samples, mel_bands) for samples in recordings]
    lengths = np.array([max(1, len(piece)) for piece in pieces], np.int32)
    features = np.zeros((len(pieces), -(-lengths.max() // FRAME_MULTIPLE) * FRAME_MULTIPLE, mel_bands), np.float32)
    for row, piece in enumerate(pieces):
        features[row, : len(piece)] = piece
    return {"features": features, "feature_lengths": lengths}


class _Part:
    """Encoder or refiner, its outputs as arrays by name, and as `inner` what enters its last block with attention."""

    def __init__(self, part: keras.Model):
        self.name, self.block = part.name, attending_block(part)
        outputs = dict(part.output) if isinstance(part.output, dict) else {"refined": part.output}
        if self.block is not None:
            outputs["inner"] = self.block.input[0]
        self.model = keras.Model(part.input, outputs)

    def __call__(self, inputs: dict) -> dict:
        return {name: ops.convert_to_numpy(each) for name, each in self.model.predict_on_batch(inputs).items()}


def masked_text(heard: Passes, tokens, step_seconds: float, lead: float) -> MaskedText:
    """The tokens that every pass read and said, side by side."""
    texts = [greedy(logits[None], np.array([len(logits)]))[0] for logits in heard.said]
    passes = [
        _pass(before, after, path, logits, tokens, step_seconds, lead)
        for before, after, path, logits in zip(texts, texts[1:], heard.read, heard.said[1:], strict=False)
    ]
    return MaskedText("", (), tuple(passes))


def _pass(before: SpokenTokens, after: SpokenTokens, path, logits, tokens, step_seconds, lead) -> tuple[Slot, ...]:
    probabilities = np.exp(log_softmax(logits)) if len(logits) else np.zeros(logits.shape)
    slots, i, j = [], 0, 0
    for operation, _, _ in alignment_operations(before.token_ids.tolist(), after.token_ids.tolist()):
        old, new = operation != "insert", operation != "delete"
        under, hidden, said, confidence, others = "", True, "", None, ()
        place = after.starts[j] if new else before.starts[i]
        token = int(after.token_ids[j] if new else before.token_ids[i])
        if old:
            under = _letters(before.token_ids[i], tokens)
            hidden = not (path[before.starts[i] : before.ends[i]] == before.token_ids[i]).any()
            i += 1
        if new:
            said, confidence = _letters(token, tokens), float(after.confidences[j])
            others = _others(probabilities[after.starts[j] : after.ends[j]], token, tokens)
            j += 1
        start = max(0.0, float(place) * step_seconds - lead)
        slots.append(Slot(under, hidden, said, confidence, others, bool(tokens.word_starts[token]), start))
    return tuple(slots)


def _letters(token: int, tokens) -> str:
    """What a token writes; "▁" where it is the beginning of a word and nothing else."""
    return tokens.letters[token] or WORD_START


def _others(probabilities: np.ndarray, token: int, tokens) -> tuple[tuple[str, float], ...]:
    """The next likeliest in the step in which the token is surest."""
    surest = probabilities[probabilities[:, token].argmax()]
    likeliest = [int(one) for one in np.argsort(-surest, kind="stable")[: OTHERS + 1] if one != token][:OTHERS]
    return tuple((_letters(one, tokens) if one else NOTHING, float(surest[one])) for one in likeliest)
