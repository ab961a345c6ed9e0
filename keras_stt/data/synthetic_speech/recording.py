"""One utterance as if it had been recorded: silence around it, a noise floor, a level of its own."""

import dataclasses
import io

import numpy as np
import soundfile

from keras_stt.audio import SAMPLE_RATE, to_mono_16k
from keras_stt.data.espeak import speak
from keras_stt.data.synthetic_speech.speakers import Speaker, seeded, uniform

RATE_SPREAD = 0.07  # a speaker's sentences are up to 7 % faster or slower than their mean,
PITCH_SPREAD = 4  # and up to 4 of espeak-ng's units higher or lower
SILENCE_SECONDS = (0.05, 0.4)  # before and after the speech
LEVEL_DB = (-32, -18)  # of the speech, below full scale
SNR_DB = (20, 45)
HIGHEST_PEAK = 0.95


@dataclasses.dataclass(frozen=True)
class Recording:
    """Attributes: samples, int16 at 16 kHz; word_times, `((start, end), ...)` in seconds."""

    samples: np.ndarray
    word_times: tuple[tuple[float, float], ...]

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / SAMPLE_RATE

    def flac(self) -> bytes:
        """The bytes of a 16-bit FLAC file."""
        buffer = io.BytesIO()
        soundfile.write(buffer, self.samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
        return buffer.getvalue()


def record(sentence: str, speaker: Speaker, utterance_id: str) -> Recording:
    """Speaks a sentence. Everything random in it follows from the utterance's id."""
    generator = seeded(utterance_id)
    rate = speaker.rate * uniform(generator, 1 - RATE_SPREAD, 1 + RATE_SPREAD)
    pitch = speaker.pitch + uniform(generator, -PITCH_SPREAD, PITCH_SPREAD)
    speech = speak(sentence, speaker.voice, round(rate), round(pitch), round(speaker.pitch_range))
    voiced = to_mono_16k(speech.samples, speech.sample_rate)
    before, after = (round(uniform(generator, *SILENCE_SECONDS) * SAMPLE_RATE) for _ in range(2))
    root_mean_square = np.sqrt(np.mean(np.square(voiced)))
    gain = min(_ratio(uniform(generator, *LEVEL_DB)) / root_mean_square, HIGHEST_PEAK / np.abs(voiced).max())
    noise = _noise(generator, before + len(voiced) + after)
    noise *= gain * root_mean_square * _ratio(-uniform(generator, *SNR_DB))
    noise[before : before + len(voiced)] += gain * voiced
    samples = np.round(np.clip(noise, -1, 1) * 32767).astype(np.int16)
    offset = before / SAMPLE_RATE
    return Recording(samples, tuple((start + offset, end + offset) for start, end in speech.word_times))


def _ratio(decibels):
    return 10 ** (decibels / 20)


def _noise(generator, count):
    """Noise of unit power, from white to one that falls off towards high frequencies."""
    tilt = generator.random()
    white = generator.standard_normal(count + 1)
    return (white[1:] + tilt * white[:-1]) / np.sqrt(1 + tilt**2)
