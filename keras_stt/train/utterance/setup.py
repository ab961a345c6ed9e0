"""What a run on whole utterances trains on: the corpus opened, its tokens, and its batches."""

import dataclasses
from pathlib import Path

import numpy as np

from keras_stt.data.augment import Augmentation
from keras_stt.data.encoded_texts import open_texts
from keras_stt.data.phones import PhoneLabels
from keras_stt.data.skipped import LISTED
from keras_stt.data.text_paths import read_texts
from keras_stt.data.utterances import UNREADABLE, UtteranceBatches, frame_counts, usable_rows
from keras_stt.errors import FlagError, InputError
from keras_stt.features import FRAME_SECONDS
from keras_stt.tokens import Tokens
from keras_stt.train.corpus import Split, open_splits
from keras_stt.train.options import TrainOptions
from keras_stt.train.skipped import write_skipped
from keras_stt.train.utterance.batching import HeadBatches, evaluation_batches, train_batches
from keras_stt.train.utterance.tokens import tokens_of_run
from keras_stt.train.utterance.warm_start import earlier_model


@dataclasses.dataclass(frozen=True)
class Setup:
    """All that training reads.

    Attributes:
        options: as resolved.
        splits: train, dev and test by name.
        tokens: with which text is written.
        phones: phone times of train, where the flags ask for them.
        batches: what is trained on, with a target for each head of the model.
        dev_batches: what each epoch is judged by.
        left_out: train utterances that cannot be trained on, by reason.
    """

    options: TrainOptions
    splits: dict[str, Split]
    tokens: Tokens
    phones: PhoneLabels | None
    batches: HeadBatches
    dev_batches: UtteranceBatches
    left_out: dict[str, int]

    @property
    def steps_per_epoch(self) -> int:
        return self.options.steps_per_epoch or len(self.batches)

    @property
    def steps(self) -> int:
        return self.options.epochs * self.steps_per_epoch

    def with_steps_per_epoch(self, steps: int) -> "Setup":
        """The same with so many steps in an epoch."""
        options = dataclasses.replace(self.options, steps_per_epoch=steps, budget_cpu_s=0.0)
        return dataclasses.replace(self, options=options)


def prepare(options: TrainOptions, output: Path | None = None) -> Setup:
    """Opens the corpus; what was skipped of it is listed in the folder `output`.

    Raises:
        FlagError, InputError: the corpus is not there, or nothing in it can be trained on.
    """
    _require_places(options)
    splits = open_splits(options, output)
    train = splits["train"]
    tokens = tokens_of_run(options, train.index)
    texts = open_texts(train.index, tokens)
    frames = frame_counts(train.index, train.features)
    speeds = Augmentation(speed=options.speed).speeds
    usable, unusable = usable_rows(frames, texts, options.subsampling, options.max_seconds or None, speeds)
    left_out = {reason: len(rows) for reason, rows in unusable.items()}
    _list_left_out(train, unusable)
    if output:
        write_skipped(output, splits)
    if not usable.any():
        raise FlagError("subsampling", f"none of {len(usable)} train utterances can be used: {left_out}")
    if options.train_hours:
        usable = spread(usable, frames * FRAME_SECONDS / 3600, options.train_hours)
    phones = _phones(options, train)
    batches = train_batches(options, train, tokens, texts, usable, phones)
    dev_batches = evaluation_batches(options, splits["dev"], tokens)
    setup = Setup(options, splits, tokens, phones, batches, dev_batches, left_out)
    _print_corpus(setup)
    return setup


def _list_left_out(train: Split, unusable: dict[str, np.ndarray]) -> None:
    for reason, rows in unusable.items():
        if reason != UNREADABLE:  # listed, by what is wrong with it
            for row in rows[:LISTED].tolist():
                train.left_out.add(reason, train.index[row].where)


def spread(usable: np.ndarray, hours: np.ndarray, most: float) -> np.ndarray:
    """As many of the usable utterances, spread evenly over the corpus, as last about `most` hours together."""
    rows = np.flatnonzero(usable)
    count = max(1, round(len(rows) * min(1.0, most / hours[rows].sum())))
    kept = np.zeros_like(usable)
    kept[rows[np.linspace(0, len(rows) - 1, count).round().astype(int)]] = True
    return kept


def check(setup: Setup) -> dict | None:
    """Checks of the set-up are of the window view; none is asked for here."""
    return None


def _require_places(options: TrainOptions) -> None:
    """What is read late is looked for first: the corpus may take minutes."""
    if options.phone_weight and not (options.alignment_dir and Path(options.alignment_dir).is_dir()):
        raise FlagError(
            "alignment_dir",
            f"no folder {options.alignment_dir!r} of TextGrids, from which phones are learned; give one, or "
            "--phone_weight=0",
        )
    if options.warm_start:
        earlier_model(options.warm_start)
    if options.text_corpus:
        try:
            read_texts(options.text_corpus)
        except InputError as error:
            raise FlagError("text_corpus", str(error)) from error


def _phones(options: TrainOptions, train: Split) -> PhoneLabels | None:
    if not options.phone_weight:
        return None
    phones = PhoneLabels.read(train.index, options.alignment_dir)
    if not phones.names:
        raise FlagError("phone_weight", "no train utterance has phone times; give --alignment_dir or weigh phones by 0")
    return phones


def _print_corpus(setup: Setup) -> None:
    for name, split in setup.splits.items():
        index = split.index
        print(
            f"{name}: {len(index):,} utterances, {index.hours:.2f} h, {len(index.speakers)} speakers, "
            f"{int(np.sum(index.word_counts)):,} words" + (f"; skipped {split.skipped}" if split.skipped else ""),
            flush=True,
        )
    plan = setup.batches.utterances.plan
    known = f"; phones of {setup.phones.known:,} utterances" if setup.phones else ""
    left_out = f"; left out {setup.left_out}" if setup.left_out else ""
    print(
        f"{setup.tokens.kind}: {setup.tokens.size} tokens with the blank; {plan.size:,} training utterances in "
        f"{plan.steps_per_epoch:,} batches of {len(plan.shapes)} shapes, {plan.padding:.1%} padding{known}{left_out}",
        flush=True,
    )
