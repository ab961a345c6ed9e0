"""Transcripts to score: generated ones that are hard to align alike, and what a model heard."""

import dataclasses
import random
from pathlib import Path

import numpy as np

from keras_stt.audio import read_audio, to_mono_16k
from keras_stt.data.espeak import speak
from keras_stt.formats.ctm import CtmWord, format_ctm, write_ctm
from keras_stt.formats.lines import write_text
from keras_stt.formats.stm import StmSegment, write_stm

Recordings = dict[str, list[tuple[str, np.ndarray]]]  # by speaker: texts and their samples at 16 kHz


@dataclasses.dataclass
class Cases:
    """Makes transcripts of few words.

    Attributes:
        rng: draws.
        words: to draw from.
        hard: whether there are alternations, words of nothing, optional words and fragments.
    """

    rng: random.Random
    words: tuple[str, ...] = ("a", "b", "C", "ab", "abc", "É")
    hard: bool = True

    def word(self) -> str:
        word = self.rng.choice(self.words)
        drawn = self.rng.random() if self.hard else 1.0
        if drawn < 0.1:
            return f"({word})"
        return f"{word}-" if drawn < 0.15 else f"-{word}" if drawn < 0.18 else word

    def text(self, most: int = 9, depth: int = 0) -> str:
        """A transcript of `most` words and alternations at most; within an alternation of one at least."""
        items = []
        for _ in range(self.rng.randint(0 if depth == 0 else 1, most)):
            if self.hard and depth < 3 and self.rng.random() < 0.2:
                alternatives = (self.alternative(depth) for _ in range(self.rng.randint(1, 3)))
                items.append(f"{{ {' / '.join(alternatives)} }}")
            else:
                items.append(self.word())
        return " ".join(items)

    def alternative(self, depth: int) -> str:
        return "@" if self.rng.random() < 0.25 else self.text(3, depth + 1)


def write_trn_case(folder: Path, count: int, seed: int, hard: bool = True) -> tuple[Path, Path]:
    """A reference and a hypothesis of `count` utterances by some speakers."""
    cases, files = Cases(random.Random(seed), hard=hard), []
    for name in ("ref", "hyp"):
        lines = [f"{cases.text()} (spk{number % 5}-{number:04d})\n" for number in range(count)]
        files.append(folder / f"{name}.trn")
        write_text(files[-1], "".join(lines))
    return files[0], files[1]


def write_stm_case(folder: Path, count: int, seed: int) -> tuple[Path, Path]:
    """Some recordings of two channels with `count` segments in all, some ignored or at once, and words all over."""
    cases = Cases(random.Random(seed))
    segments, heard = [], []
    for number in range(0, count, 10):
        for channel in "AB":
            start, rng = 0.0, cases.rng
            for _ in range(5):
                end = start + rng.choice((1, 2, 3))
                text = "IGNORE_TIME_SEGMENT_IN_SCORING" if rng.random() < 0.2 else cases.text(5)
                speaker, label = f"Spk{rng.randint(0, 4)}", f"<O,F{rng.randint(0, 2)}>"
                segments.append(f"rec{number:04d} {channel} {speaker} {start:.2f} {end:.2f} {label} {text}\n")
                start = end + rng.choice((-0.5, 0, 0, 1))  # two may speak at once
            heard.append(_words(cases, f"rec{number:04d}", channel, start + 1))
    header = "".join(f';; LABEL "{name}" "{name}" ""\n' for name in ("O", "F0", "F1", "F2"))
    write_text(folder / "ref.stm", header + "".join(segments))
    write_text(folder / "hyp.ctm", "".join(heard))
    return folder / "ref.stm", folder / "hyp.ctm"


def _words(cases: Cases, file: str, channel: str, end: float) -> str:
    """The CTM of a channel; sclite wants at least a word."""
    lines, rng, start = [], cases.rng, 0.0
    while start < end:
        words = [rng.choice(cases.words) for _ in range(3)]
        times = [CtmWord(file, channel, round(start + 0.1 * at, 2), 0.4, word, 0.5) for at, word in enumerate(words)]
        if rng.random() < 0.2:
            last = format_ctm(times[2:]) if rng.random() < 0.5 else ""
            marks = [f"{file} {channel} * * {mark}\n" for mark in ("<ALT_BEGIN>", "<ALT>", "<ALT_END>")]
            lines.append(f"{marks[0]}{format_ctm(times[:2])}{marks[1]}{last}{marks[2]}")
        else:
            lines.append(format_ctm(times[: rng.randint(1, 3)]))
        start += rng.choice((0.4, 0.9, 1.7))
    return "".join(lines)


def write_two_systems(folder: Path, count: int, seed: int) -> tuple[Path, Path, Path]:
    """A reference and what two systems heard of it, the second with fewer errors.

    All end alike: of words that the second put behind the last one sc_stats takes no notice.
    """
    rng = random.Random(seed)
    lines: dict[str, list[str]] = {"ref": [], "first": [], "second": []}
    for number in range(count):
        words = [rng.choice(("a", "b", "c", "d", "e", "f")) for _ in range(rng.randint(1, 20))]
        heard = {"ref": words} | {
            name: _misheard(words, rng, rate) for name, rate in (("first", 0.2), ("second", 0.15))
        }
        for name, said in heard.items():
            lines[name].append(f"{' '.join(said)} end (spk{number % 5}-{number:04d})\n")
    for name, texts in lines.items():
        write_text(folder / f"{name}.trn", "".join(texts))
    return tuple(folder / f"{name}.trn" for name in lines)


def _misheard(words: list[str], rng: random.Random, rate: float) -> list[str]:
    heard = []
    for word in words:
        drawn = rng.random() / rate
        heard += [word] if drawn > 1 else [[], [rng.choice("abcdef")], [word, rng.choice("abcdef")]][int(drawn * 3)]
    return heard


def spoken() -> Recordings:
    """Sentences and their samples at 16 kHz, by speaker: synthetic speech."""
    sentences = (
        "the old man went down to the sea",
        "she had never seen such a house before",
        "it was the best of all the letters that he wrote",
    )
    found = {}
    for speaker, pitch in (("low", 30), ("high", 70)):
        speeches = [speak(sentence, pitch=pitch) for sentence in sentences]
        samples = [to_mono_16k(speech.samples, speech.sample_rate) for speech in speeches]
        found[speaker] = list(zip(sentences, samples, strict=True))
    return found


def recorded(data_dir: Path, speakers: int = 5, utterances: int = 3) -> Recordings:
    """Some utterances of LibriSpeech folders."""
    found: Recordings = {}
    for path in sorted(data_dir.rglob("*.trans.txt")):
        speaker = path.name.partition("-")[0]
        if len(found) < speakers and speaker not in found:
            lines = [line.partition(" ") for line in path.read_text(encoding="utf-8").splitlines()[:utterances]]
            found[speaker] = [(text, read_audio(path.with_name(f"{name}.flac"))) for name, _, text in lines]
    return found


def write_heard_case(folder: Path, model, recordings: Recordings) -> tuple[Path, Path]:
    """What a model hears of utterances joined to one recording for each speaker: an STM, and a CTM with its words."""
    segments, words = [], []
    for speaker, utterances in recordings.items():
        start = 0.0
        for text, samples in utterances:
            end = start + len(samples) / 16_000
            segments.append(StmSegment(speaker, "1", speaker, start, end, f"<o,{speaker}>", text))
            for word in model.transcribe(samples.astype(np.float32), 16_000, passes=0).words:
                times = round(start + word.start, 3), round(word.end - word.start, 3)
                words.append(CtmWord(speaker, "1", *times, word.text, round(word.confidence, 4)))
            start = end
    header = [f'LABEL "{name}" "{name}" ""' for name in ("o", *recordings)]
    write_stm(folder / "heard.stm", sorted(segments, key=lambda segment: (segment.file, segment.start)), header)
    write_ctm(folder / "heard.ctm", sorted(words, key=lambda word: (word.file, word.start)))
    return folder / "heard.stm", folder / "heard.ctm"
