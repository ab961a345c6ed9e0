"""The speakers of the synthetic corpus: an espeak-ng accent and voice variant, with a pitch and a rate of their own."""

import dataclasses
import hashlib

import numpy as np

# West Midlands is left out: there WERE sounds like WHERE and HE like A.
ACCENTS = ("en-us", "en", "en-gb-scotland", "en-029", "en-us-nyc", "en-gb-x-rp", "en-gb-x-gbclan")
# Variants that speak normally: no whispers, croaks, robots, effects or synthesisers with other phoneme timing. A
# timbre that is heard in one split is in no other; that is why near twins of these (belinda, Gene2, f4 of aunty) are
# in the same split or in none. The number is of accents each speaks with.
VARIANTS = {
    "train": {
        4: "f2 f4 f5 aunty steph steph2 shelby grandma",
        2: "m1 m3 m6 m7 m8 Nguyen Alex Andy Denis Diogo Hugo michel Michael Mario gustave Mike Storm adam benjamin "
        "edward2 mike2 boris ian iven3 iven4 john marcelo max paul pedro quincy rob robert sandro",
    },
    "dev": {2: "f1 Andrea m4 victor david"},
    "test": {2: "f3 linda Annie m2 m5 Gene"},
}


@dataclasses.dataclass(frozen=True)
class Speaker:
    """Attributes: voice (`en-us+f3`, the name too), rate in words per minute, pitch and its range (0 to 100)."""

    voice: str
    rate: float
    pitch: float
    pitch_range: float


def seeded(name: str) -> np.random.Generator:
    """A generator that depends on a name alone, and not on the order in which things are drawn."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little"))


def uniform(generator: np.random.Generator, low: float, high: float) -> float:
    return low + (high - low) * generator.random()


def speakers(split: str) -> list[Speaker]:
    """All speakers of a split, men and women mixed so that the first few are already varied."""
    voices = []
    for accent_count, names in VARIANTS[split].items():
        for index, variant in enumerate(names.split()):
            # Steps of 3 through 7 accents: every variant gets different ones, all accents are used equally often.
            voices += [f"{ACCENTS[(index + 3 * turn) % len(ACCENTS)]}+{variant}" for turn in range(accent_count)]
    voices.sort(key=lambda voice: hashlib.sha256(voice.encode()).digest())
    return [_speaker(voice) for voice in voices]


def _speaker(voice):
    generator = seeded(voice)
    return Speaker(
        voice,
        rate=uniform(generator, 140, 200),
        pitch=uniform(generator, 35, 65),
        pitch_range=uniform(generator, 30, 70),
    )
