"""Step to batch: the windows of the plan, cut, augmented, masked and laid side by side."""

import dataclasses
from collections.abc import Callable

import numpy as np

from keras_stt.data.augment import Augmentation, augment
from keras_stt.data.plan import WindowPlan
from keras_stt.data.share import WHOLE, Share
from keras_stt.data.windows import WindowShape, cut_window
from keras_stt.features import FRAME_SECONDS
from keras_stt.masking import Masking
from keras_stt.speed import change_tempo
from keras_stt.text import Vocabulary

TRIM_STEPS = 16  # batches are cut to a multiple of so many audio steps: few shapes, little padding

# (token ids, step, generator) to what is hidden of them and what the model must say.
Hide = Callable[[np.ndarray, int, np.random.Generator], Masking]


@dataclasses.dataclass(frozen=True)
class WindowBatches:
    """`batches[step]` is `(inputs, targets)` for `MaskedTokenModel`, a pure function of the plan's seed and the step.

    Attributes:
        index, features: random access to records and to their log-mel frames, by the same row.
        hide: which tokens are masked, and which asked for.
        augmentation: `None` for evaluation.
        jitter: how far windows begin from the start of their first word, 0 to 1; see `windows.cut_window`.
        share: of every batch, what is read; others read the rest.
    """

    index: object
    features: object
    shape: WindowShape
    vocabulary: Vocabulary
    plan: WindowPlan
    hide: Hide
    augmentation: Augmentation | None = None
    jitter: float = 0.0
    share: Share = WHOLE

    def shared(self, share: Share) -> "WindowBatches":
        """The same, of which only a share is read."""
        return dataclasses.replace(self, share=share)

    def share_weights(self, step: int) -> None:
        """A share's losses need no weights to have the batch's for their mean: each sample has a loss of its own."""

    def __len__(self) -> int:
        return self.plan.steps_per_epoch

    @property
    def window_count(self) -> int:
        """Windows in an epoch."""
        return self.plan.size

    def __getitem__(self, step: int):
        utterances, windows = self.plan.rows(step)
        rows = self.share.rows(len(utterances))
        first = self.features[int(utterances[rows[0]])]
        frames = np.zeros((len(rows), self.shape.frames, first.shape[1]), np.float32)
        lengths = np.zeros(len(rows), np.int32)
        read, asked = (np.zeros((len(rows), self.shape.text_context), np.int32) for _ in range(2))
        word_steps = np.zeros((len(rows), self.shape.text_context, 2), np.float32)
        for i, row in enumerate(rows):
            rng = self.plan.generator(step, row)
            cut, piece = self._cut(int(utterances[row]), int(windows[row]), rng)
            lengths[i] = len(piece)
            frames[i, : len(piece)] = piece
            word_steps[i] = cut.word_steps
            token_ids = np.asarray(cut.token_ids)[None]
            masking = self.hide(token_ids, step, rng)
            read[i], asked[i] = masking.inputs(token_ids)[0], masking.targets(token_ids)[0]
        frames = frames[:, : self._needed_frames(lengths)]
        inputs = {"features": frames, "feature_lengths": lengths, "token_ids": read}
        return inputs, {"tokens": asked, "attention": word_steps}

    def utterance_ids(self, step: int) -> list[str]:
        """Of the utterances whose windows are in the batch."""
        return [self.index[int(row)].id for row in self.plan.rows(step)[0]]

    def _needed_frames(self, lengths: np.ndarray) -> int:
        """Frames of the longest window, rounded up: silence after short utterances is not worth computing on.

        All of them where others read the rest of the batch, which must be as long.
        """
        if self.share != WHOLE:
            return self.shape.frames
        unit = TRIM_STEPS * self.shape.frames_per_step
        return min(self.shape.frames, max(1, -(-int(lengths.max()) // unit)) * unit)

    def _cut(self, row: int, window: int, rng: np.random.Generator):
        """The window and its log-mel frames, float32 `(at most shape.frames, mel_bands)`."""
        jitter, tempo = 0.0, 1.0
        if self.augmentation is not None:
            jitter = self.jitter * rng.uniform(-1, 1)
            tempo = 1 + self.augmentation.tempo * rng.uniform(-1, 1)
        first_word = window * self.shape.text_stride
        cut = cut_window(self.index[row], first_word, self.shape, self.vocabulary, jitter, tempo)
        first_frame = round(cut.start * tempo / FRAME_SECONDS)
        piece = self.features[row][first_frame : first_frame + round(self.shape.frames * tempo)].astype(np.float32)
        if tempo != 1.0 and len(piece):
            piece = change_tempo(piece, tempo)
        piece = piece[: self.shape.frames]
        if self.augmentation is not None:
            piece = augment(piece, self.augmentation, rng)
        return cut, piece


@dataclasses.dataclass(frozen=True)
class RepeatedBatches:
    """The first `count` batches over and over, each time the same: what a healthy set-up must learn by heart."""

    batches: WindowBatches
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, step: int):
        return self.batches[step % self.count]

    def utterance_ids(self, step: int) -> list[str]:
        """Of the utterances whose windows are in the batch."""
        return self.batches.utterance_ids(step % self.count)

    @property
    def shape(self) -> WindowShape:
        return self.batches.shape

    @property
    def window_count(self) -> int:
        """Windows in an epoch."""
        return min(self.count * self.batches.plan.batch_size, self.batches.window_count)
