"""Scores beside NIST's own sclite and jiwer, on generated cases: how many differ.

    python benchmarks/scoring.py [--cases=2000]

The cases are made to be hard: few different words, so that many alignments cost the same; alternations within
alternations, `@`, optional words, fragments, speakers that take turns, two channels, ignored segments, words that lie
over the ends of segments. All counts of every utterance are compared. Needs Debian's package sctk. Writes
benchmarks/results/scoring.json and prints the figures.
"""

import argparse
import dataclasses
import os
import random
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import jiwer
from rounds import write_results

from keras_stt.formats.ctm import CtmWord, format_ctm
from keras_stt.formats.lines import write_text
from keras_stt.scoring.network import Rules
from keras_stt.scoring.scores import Scores, score_files
from keras_stt.wer import EditCounts

FLAGS = {"case_sensitive": "-s", "optional": "-D", "fragments": "-F"}
_UTTERANCE = re.compile(r"^id: \((.*)\)\n(?:.*\n)*?Scores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)$", re.MULTILINE)


def sclite_program(name: str = "sclite") -> str | None:
    """The path of a program of NIST's toolkit, or None where it is not installed."""
    return shutil.which(name, path=os.pathsep.join(["/usr/lib/sctk/bin", os.environ.get("PATH", "")]))


def sclite(reference: Path, hypothesis: Path, rules: Rules, *more: str) -> dict[str, EditCounts]:
    """What sclite counts, by its id of every utterance."""
    asked = [flag for name, flag in FLAGS.items() if getattr(rules, name)]
    kinds = reference.suffix[1:], hypothesis.suffix[1:]
    with tempfile.TemporaryDirectory() as folder:
        command = [sclite_program(), "-r", str(reference), kinds[0], "-h", str(hypothesis), kinds[1]]
        if "trn" in kinds:
            command += ["-i", "spu_id"]
        command += ["-e", "utf-8", "-o", "pralign", "-O", folder, "-n", "x", "-f", "0", *asked, *more]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if done.returncode:
            raise RuntimeError(f"sclite: {done.stdout[-300:]}{done.stderr[-300:]}")
        report = next(Path(folder).glob("*.pra")).read_text(encoding="utf-8", errors="replace")
    found = {}
    for match in _UTTERANCE.finditer(report):
        hits, *edits = map(int, match.groups()[1:])
        found[match[1].lower()] = EditCounts(*edits, hits)
    return found


def ours(scores: Scores) -> dict[str, EditCounts]:
    """What we count, by the same id."""
    return {scored.reference.id.lower(): scored.counts for scored in scores.utterances}


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
    """Some recordings of two channels with `count` segments in all, some ignored, and words all over them."""
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
                start = end + rng.choice((0, 0, 1))
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


def compare(count: int) -> dict:
    """How many utterances were counted by both, and how many got other counts, for each kind of case."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        kinds = {"trn_against_trn": write_trn_case, "ctm_against_stm": write_stm_case}
        for kind, write in kinds.items():
            for rules in (Rules(), Rules(case_sensitive=True), Rules(optional=True, fragments=True)):
                files = write(Path(name), count, len(found))
                theirs, counted = sclite(*files, rules), ours(score_files(*files, rules))
                flags = " ".join(flag for attribute, flag in FLAGS.items() if getattr(rules, attribute))
                found[f"{kind} {flags}".strip()] = {
                    "utterances": len(theirs),
                    "different": sum(counted.get(key) != counts for key, counts in theirs.items())
                    + len(counted.keys() - theirs.keys()),
                }
        found["plain_text_against_jiwer"] = _beside_jiwer(write_trn_case(Path(name), count, 99, hard=False))
    return found


def _beside_jiwer(files: tuple[Path, Path]) -> dict:
    scores = score_files(*files, Rules(levenshtein=True, case_sensitive=True))
    texts = []
    for path in files:
        lines = path.read_text(encoding="utf-8").splitlines()
        texts.append([line.rpartition("(")[0].strip() for line in lines])
    different = 0
    for said, heard, scored in zip(*texts, scores.utterances, strict=True):
        theirs = jiwer.process_words(said, heard) if said else None
        errors = theirs.substitutions + theirs.deletions + theirs.insertions if theirs else len(heard.split())
        different += errors != scored.counts.edits
    return {"utterances": len(scores.utterances), "different": different}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000, help="utterances of each kind")
    found = compare(parser.parse_args().cases)
    for name, kind in found.items():
        print(f"{name:30} {kind['utterances']:6} utterances, {kind['different']} counted otherwise")
    write_results("scoring", {"cases": found}, packages=("jiwer",))


if __name__ == "__main__":
    main()
