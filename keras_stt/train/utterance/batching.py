"""From a run's options and a split to its batches of utterances."""

import dataclasses

import numpy as np

from keras_stt.data.augment import Augmentation
from keras_stt.data.encoded_texts import EncodedTexts
from keras_stt.data.phones import PhoneLabels
from keras_stt.data.share import WHOLE, Share
from keras_stt.data.text_paths import TextPaths, read_texts
from keras_stt.data.utterance_plan import UtterancePlan
from keras_stt.data.utterances import UtteranceBatches, frame_counts
from keras_stt.errors import FlagError
from keras_stt.features import FRAME_SECONDS
from keras_stt.tokens import Tokens
from keras_stt.train.corpus import Split
from keras_stt.train.options import TrainOptions

DEV_BATCH_SECONDS = 120.0


@dataclasses.dataclass(frozen=True)
class HeadBatches:
    """The batches of `utterances`, with a target for each head of the model.

    Attributes:
        heads: CTC heads, which are all asked for the text.
        phones: phone times, for a head `phones`; None where there is none.
        subsampling: frames in a step of the model.
        texts: texts without audio, for a head `text`; None where there is none.
        known: utterances whose phones are known, which alone are read in the first `known_steps` steps: a model that
            tells phones apart leaves CTC's plateau of blanks at once.
    """

    utterances: UtteranceBatches
    heads: tuple[str, ...]
    phones: PhoneLabels | None
    subsampling: int
    texts: TextPaths | None = None
    known: UtteranceBatches | None = None
    known_steps: int = 0

    def __len__(self) -> int:
        return len(self.utterances)

    @property
    def has_one_shape(self) -> bool:
        """Whether all batches have the same shapes."""
        return self.utterances.has_one_shape and not self.known_steps and self.texts is None

    def utterance_ids(self, step: int) -> list[str]:
        """Of the utterances in the batch."""
        batches, step = self._source(step)
        return batches.utterance_ids(step)

    def __getitem__(self, step: int):
        text_step = step
        batches, step = self._source(step)
        inputs, targets = batches[step]
        asked = dict.fromkeys(self.heads, targets["ctc"])
        if self.phones is not None:
            asked["phones"] = self._phone_labels(batches, step)
        if self.texts is not None:
            read, asked["text"] = self.texts[text_step]
            inputs |= read
        return inputs, asked

    def share_weights(self, step: int) -> dict[str, np.ndarray]:
        """What each head's loss is multiplied with where a share takes it for itself, like the head's target.

        Losses are means over the tokens of a batch. The shares' means, so weighted, have that of the whole batch for
        their mean: what a token counts for does not depend on who else is in its share.
        """
        batches, step = self._source(step)
        whole = batches.shared(WHOLE)
        tokens = _mean_tokens(batches, step) / _mean_tokens(whole, step)
        weights = dict.fromkeys(self.heads, np.full(batches.views * len(_places(batches, step)), tokens, np.float32))
        if self.phones is not None:
            own, known = (self._phone_labels(part, step) >= 0 for part in (batches, whole))
            weights["phones"] = np.full(own.shape, batches.share.count * own.sum() / max(known.sum(), 1), np.float32)
        return weights

    def shared(self, share: Share) -> "HeadBatches":
        """The same, of which only a share is read.

        Raises:
            FlagError: there are texts without audio, whose batches are not shared.
        """
        if self.texts is not None:
            raise FlagError("text_corpus", "its texts are read by one process on one device; leave --distribution out")
        known = self.known and self.known.shared(share)
        return dataclasses.replace(self, utterances=self.utterances.shared(share), known=known)

    def _source(self, step: int) -> tuple[UtteranceBatches, int]:
        """Which utterances a step reads, and its number among their steps."""
        known = step < self.known_steps
        return (self.known, step) if known else (self.utterances, step - self.known_steps)

    def _phone_labels(self, batches: UtteranceBatches, step: int) -> np.ndarray:
        """`(B, S)` int32, -1 where no phone is known."""
        plan, places = batches.plan, _places(batches, step)
        steps = -(-plan.shape(step)[1] // self.subsampling)
        rows, speeds = (np.repeat(part[places], batches.views) for part in (plan.rows(step), plan.speeds(step)))
        labels = np.full((len(rows), steps), -1, np.int32)
        for i, (row, speed) in enumerate(zip(rows.tolist(), speeds.tolist(), strict=True)):
            labels[i] = self.phones.at(row, (np.arange(steps) + 0.5) * self.subsampling * speed * FRAME_SECONDS)
        return labels


def _places(batches: UtteranceBatches, step: int) -> np.ndarray:
    """Of the rows of the batch, views apart, among those of the plan: beyond them the first are repeated."""
    return np.array(batches.share.rows(batches.plan.shape(step)[0])) % len(batches.plan.rows(step))


def _mean_tokens(batches: UtteranceBatches, step: int) -> float:
    """By which `losses.TokenCTC` divides."""
    rows = batches.plan.rows(step)[_places(batches, step)]
    return max(float(batches.texts.lengths[rows].mean()), 1.0)


def train_batches(
    options: TrainOptions,
    split: Split,
    tokens: Tokens,
    texts: EncodedTexts,
    usable: np.ndarray,
    phones: PhoneLabels | None,
) -> HeadBatches:
    """Shuffled in buckets, and augmented."""
    augmentation = Augmentation(
        speed=options.speed,
        vocal_tract=options.vocal_tract,
        noise=options.noise,
        gain=options.gain,
        telephone=options.telephone,
        time_masks=options.time_masks,
        time_mask_ratio=options.time_mask_ratio,
        frequency_masks=options.frequency_masks,
        frequency_mask_bands=options.frequency_mask_bands,
    )
    views = 2 if options.consistency else 1

    def batches(usable: np.ndarray) -> UtteranceBatches:
        plan = UtterancePlan(
            _durations(split),
            options.batch_seconds / views,
            options.seed,
            usable=usable,
            speeds=augmentation.speeds,
            size_multiple=options.batch_multiple,
            short_first_epochs=options.short_first_epochs,
        )
        return UtteranceBatches(split.index, split.features, tokens, plan, augmentation, views, texts)

    known_steps = options.known_phones_steps if phones else 0
    return HeadBatches(
        batches(usable),
        ctc_heads(options),
        phones,
        options.subsampling,
        _text_paths(options, split, tokens, texts),
        batches(usable & phones.known_rows(len(usable))) if known_steps else None,
        known_steps,
    )


def _text_paths(options: TrainOptions, split: Split, tokens: Tokens, texts: EncodedTexts) -> TextPaths | None:
    """Texts of `--text_corpus`, spoken as slowly as those of train, and as many steps as audio has in a batch."""
    if not options.text_corpus:
        return None
    steps = frame_counts(split.index, split.features).sum() / options.subsampling
    batch_steps = int(options.text_share * options.batch_seconds / FRAME_SECONDS / options.subsampling)
    slowness = float(steps / texts.lengths.sum())
    return TextPaths(read_texts(options.text_corpus), tokens, batch_steps, slowness, options.seed)


def evaluation_batches(options: TrainOptions, split: Split, tokens: Tokens) -> UtteranceBatches:
    """Every utterance once and as it is, shortest first."""
    frames = frame_counts(split.index, split.features)
    plan = UtterancePlan(_durations(split), DEV_BATCH_SECONDS, None, usable=frames > 0)
    return UtteranceBatches(split.index, split.features, tokens, plan)


def ctc_heads(options: TrainOptions) -> tuple[str, ...]:
    """The model's outputs that are asked for the text."""
    asked = {"draft": True, "middle": options.middle_weight > 0, "refined": options.refiner_blocks > 0}
    return tuple(head for head, wanted in asked.items() if wanted)


def _durations(split: Split) -> np.ndarray:
    return frame_counts(split.index, split.features) * FRAME_SECONDS
