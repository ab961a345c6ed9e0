"""Step to batch: whole utterances and their token ids, augmented and laid side by side."""

import dataclasses
import functools

import numpy as np

from keras_stt.data.augment import Augmentation, augment
from keras_stt.data.encoded_texts import EncodedTexts, encode_texts
from keras_stt.data.feature_store import FeatureStore
from keras_stt.data.share import WHOLE, Share
from keras_stt.data.utterance_plan import UtterancePlan
from keras_stt.features import FRAME_SECONDS
from keras_stt.speed import change_speed

UNREADABLE = "unreadable audio"  # what is wrong with it, the features say


def frame_counts(index, features) -> np.ndarray:
    """Log-mel frames of every utterance, int64: as stored, 0 where the audio could not be read, else by duration."""
    if isinstance(features, FeatureStore):
        return np.diff(np.asarray(features.starts))
    # Durations are kept in single precision: what is a whole frame but for that counts.
    return np.floor(np.asarray(index.durations, np.float64) / FRAME_SECONDS + 0.01).astype(np.int64)


def usable_rows(
    frames: np.ndarray,
    texts: EncodedTexts,
    subsampling: int,
    max_seconds: float | None = None,
    speeds: tuple[float, ...] = (1.0,),
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Which utterances can be trained on, bool, and the rows of those that cannot, by reason.

    A text that needs more steps than its audio has gives an infinite CTC loss, or one that is merely huge.

    Args:
        frames: log-mel frames of each; see `frame_counts`.
        texts: their token ids.
        subsampling: frames that become one step of the model; what does not fill a step is not counted on.
        max_seconds: longer utterances are left out, for the sake of memory.
        speeds: at which they are heard; the fastest leaves the fewest steps.
    """
    by_frames = np.maximum(np.round(np.arange(frames.max(initial=0) + 1) / max(speeds)), 1) // subsampling
    steps = by_frames.astype(np.int32)[frames]
    reasons = {
        UNREADABLE: frames == 0,
        "no tokens in the text": texts.lengths == 0,
        f"longer than {max_seconds:g} s" if max_seconds else "": frames > (max_seconds or np.inf) / FRAME_SECONDS,
        f"too short for its text at {subsampling * FRAME_SECONDS:g} s a step": steps < texts.ctc_lengths,
    }
    usable, left_out = np.ones(len(frames), bool), {}
    for reason, wrong in reasons.items():
        if (wrong & usable).any():
            left_out[reason] = np.flatnonzero(wrong & usable)
        usable &= ~wrong
    return usable, left_out


@dataclasses.dataclass(frozen=True)
class UtteranceBatches:
    """`batches[step]` is `(inputs, targets)` for a CTC model, a pure function of the plan's seed and the step.

    Inputs are `features` `(B, T, mel_bands)` float32 and `feature_lengths` `(B,)` int32, targets `ctc` `(B, U)` int32;
    zeros pad both. T and U are those of the plan's bucket, so that there are as many shapes as buckets. Where the plan
    has fewer utterances than rows, at the end of a bucket in evaluation, the first ones are repeated: `plan.rows(step)`
    are the ones that count.

    Attributes:
        index, features: random access to records and to their log-mel frames, by the same row.
        tokens: `encode` makes token ids of a text; see `keras_stt.tokens`.
        plan: which utterances, and how fast they are heard.
        augmentation: `None` for evaluation; its `speed` is the plan's business, its `tempo` of windows alone.
        views: 2 for consistency-regularised CTC (Yao et al., "CR-CTC", 2025): every utterance of the plan is there
            twice, in rows 2i and 2i + 1, at one speed and otherwise augmented each in its own way.
        texts: the index's texts encoded with `tokens`, where that was done before; else done with the first batch.
        share: of every batch, what is read; others read the rest.
    """

    index: object
    features: object
    tokens: object
    plan: UtterancePlan
    augmentation: Augmentation | None = None
    views: int = 1
    texts: EncodedTexts | None = None
    share: Share = WHOLE

    def shared(self, share: Share) -> "UtteranceBatches":
        """The same, of which only a share is read."""
        return dataclasses.replace(self, share=share)

    def __len__(self) -> int:
        return self.plan.steps_per_epoch

    def __getitem__(self, step: int):
        rows, speeds = self.plan.rows(step), self.plan.speeds(step)
        size, longest = self.plan.shape(step)
        rows, speeds = np.resize(rows, size), np.resize(speeds, size)
        places = self.share.rows(size)
        mel_bands = self.features[int(rows[places[0]])].shape[1]
        frames = np.zeros((len(places) * self.views, longest, mel_bands), np.float32)
        lengths = np.zeros(len(places) * self.views, np.int32)
        ids = np.zeros((len(places) * self.views, self._most_tokens(self.plan.bucket(step))), np.int32)
        for i, place in enumerate(places):
            row, speed, rng = int(rows[place]), float(speeds[place]), self.plan.generator(step, place)
            heard = change_speed(self.features[row].astype(np.float32), speed)[:longest]
            text = self._texts[row]
            for view in range(i * self.views, (i + 1) * self.views):
                lengths[view] = len(heard)
                frames[view, : len(heard)] = self._augmented(heard, rng)
                ids[view, : len(text)] = text
        return {"features": frames, "feature_lengths": lengths}, {"ctc": ids}

    def utterance_ids(self, step: int) -> list[str]:
        """Of the utterances in the batch, each once, whatever the views."""
        return [self.index[int(row)].id for row in self.plan.rows(step)]

    @property
    def has_one_shape(self) -> bool:
        """Whether all batches have the same shapes."""
        return len(self.plan.shapes) == 1

    def _augmented(self, frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return frames if self.augmentation is None else augment(frames, self.augmentation, rng)

    @functools.cached_property
    def _texts(self) -> EncodedTexts:
        return encode_texts(self.index, self.tokens) if self.texts is None else self.texts

    @functools.cached_property
    def _widths(self) -> dict[int, int]:
        return {}

    def _most_tokens(self, bucket: int) -> int:
        """The longest text that any epoch may read in the bucket, at least 1."""
        if bucket not in self._widths:
            self._widths[bucket] = max(1, int(self._texts.lengths[self.plan.bucket_rows(bucket)].max()))
        return self._widths[bucket]
