"""Strings of spoken digits: "SEVEN TWO NINE", said by one speaker, joined from recordings of single digits.

A small real corpus with exact word times, for a first model in minutes. Test and dev speakers are never in train.
"""

import collections
import random

from keras_stt.data.locations import JoinedAudio
from keras_stt.data.records import Record
from keras_stt.data.sources.digit_recordings import DigitRecording, recordings_in_folder, recordings_in_tfds
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.errors import FlagError, InputError

WORDS = ("ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE")
STRINGS = {"train": 3000, "dev": 150, "test": 300}
LENGTHS = range(3, 8)  # digits in a string
PAUSES_MS = (50, 300)  # between two digits
EDGES_MS = (50, 250)  # before the first and after the last
NO_DEV = ("none",)  # dev comes from another corpus, and all voices but the test's train
TEST_SPEAKERS, DEV_SPEAKERS = ("jackson", "nicolas"), ("theo",)


def splits(options: CorpusOptions) -> dict[str, list[Record]]:
    """Digit strings of train, dev and test, the same for the same seed.

    Recordings come from TFDS where `options.dataset` is `spoken_digit`, else from the folder `options.data_dir`. Held
    out are `options.test_speakers` and `options.dev_speakers`; by default jackson and nicolas for test, theo for dev.

    Raises:
        FlagError: there are no recordings where the flags say, or a speaker is unknown or in two splits.
        InputError: too few speakers, or a recording cannot be read.
    """
    if options.dataset == "spoken_digit":
        recordings = recordings_in_tfds(options)
    else:
        recordings = recordings_in_folder(options.data_dir)
    by_speaker = collections.defaultdict(list)
    for recording in recordings:
        by_speaker[recording.speaker].append(recording)
    speakers = _speakers_of_splits(sorted(by_speaker), options)
    return {
        split: _strings(split, count, {name: by_speaker[name] for name in speakers[split]}, options.seed)
        for split, count in STRINGS.items()
        if speakers[split]
    }


def _speakers_of_splits(known: list[str], options: CorpusOptions) -> dict[str, list[str]]:
    without_dev = options.dev_speakers == NO_DEV
    for flag, names in (("test_speakers", options.test_speakers), ("dev_speakers", options.dev_speakers)):
        for name in () if names == NO_DEV else names:
            if name not in known:
                raise FlagError(flag, f"no speaker {name!r}; there are {', '.join(known)}")
    shared = sorted(set(options.test_speakers) & set(options.dev_speakers))
    if shared:
        raise FlagError("dev_speakers", f"{', '.join(shared)} also in --test_speakers; give each to one split")
    test = list(options.test_speakers) or _held_out(known, TEST_SPEAKERS, options.dev_speakers)
    dev = [] if without_dev else list(options.dev_speakers) or _held_out(known, DEV_SPEAKERS, test)
    train = [name for name in known if name not in test and name not in dev]
    if not (train and test and (dev or without_dev)):
        raise InputError(
            f"digits: too few speakers ({', '.join(known)}) for train, dev and test; add recordings or hold out fewer"
        )
    return {"train": train, "dev": dev, "test": test}


def _held_out(known: list[str], preferred: tuple[str, ...], taken) -> list[str]:
    """The preferred speakers, or where none of them is there, the last in order: at most a third of all."""
    free = [name for name in known if name not in taken]
    names = [name for name in preferred if name in free] or free[::-1]
    return sorted(names[: min(len(preferred), max(1, len(known) // 3))])


def _strings(split: str, count: int, by_speaker: dict[str, list[DigitRecording]], seed: int) -> list[Record]:
    """`count` strings, the speakers in turn; no recording is used twice more than another of the same speaker."""
    chance = random.Random(f"digits {split} {seed}")
    names = sorted(by_speaker)
    decks: dict[str, list[DigitRecording]] = {name: [] for name in names}
    records = []
    for number in range(count):
        speaker = names[number % len(names)]
        digits = []
        for _ in range(chance.choice(LENGTHS)):
            if not decks[speaker]:
                decks[speaker] = chance.sample(by_speaker[speaker], len(by_speaker[speaker]))
            digits.append(decks[speaker].pop())
        records.append(_join(f"{split}-{number:05d}-{speaker}", digits, chance))
    return records


def _join(id: str, digits: list[DigitRecording], chance: random.Random) -> Record:
    parts, word_times, time = [], [], 0.0
    for position, digit in enumerate(digits):
        # whole milliseconds: at 16 kHz these are whole samples
        pause = chance.randint(*(PAUSES_MS if position else EDGES_MS)) / 1000
        time += pause
        parts.append((digit.audio, pause))
        word_times.append((time + digit.voice[0], time + digit.voice[1]))
        time += digit.duration
    tail = chance.randint(*EDGES_MS) / 1000
    return Record(
        id=id,
        audio=JoinedAudio(tuple(parts), tail),
        start=0.0,
        end=time + tail,
        speaker=digits[0].speaker,
        text=" ".join(WORDS[digit.digit] for digit in digits),
        word_times=tuple(word_times),
    )
