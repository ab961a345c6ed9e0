"""Scores beside NIST's own sclite and jiwer, on generated cases: how many differ.

    python benchmarks/scoring.py [--cases=2000] [--data_dir=LIBRISPEECH_DIR]

The cases are made to be hard: few different words, so that many alignments cost the same; alternations within
alternations, `@`, optional words, fragments, speakers that take turns, two channels, ignored segments, words that lie
over the ends of segments, segments over each other. All counts of every utterance are compared. So is what a model that
comes along hears of synthetic speech, and of recordings where a folder of LibriSpeech is given, and the matched-pairs
test of NIST's sc_stats. Needs Debian's package sctk. Writes benchmarks/results/scoring.json and prints the figures.
"""

import argparse
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import jiwer
from rounds import write_results
from scoring_cases import recorded, spoken, write_heard_case, write_stm_case, write_trn_case, write_two_systems

import keras_stt
from keras_stt.scoring.network import Rules
from keras_stt.scoring.scores import Scores, score_files
from keras_stt.scoring.significance import matched_pairs
from keras_stt.wer import EditCounts

FLAGS = {"case_sensitive": "-s", "optional": "-D", "fragments": "-F"}
_UTTERANCE = re.compile(r"^id: \((.*)\)\n(?:.*\n)*?Scores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)$", re.MULTILINE)


def sclite_program(name: str = "sclite") -> str | None:
    """The path of a program of NIST's toolkit, or None where it is not installed."""
    return shutil.which(name, path=os.pathsep.join(["/usr/lib/sctk/bin", os.environ.get("PATH", "")]))


def sclite(reference: Path, hypothesis: Path, rules: Rules) -> dict[str, EditCounts]:
    """What sclite counts, by its id of every utterance."""
    asked = [flag for name, flag in FLAGS.items() if getattr(rules, name)]
    kinds = reference.suffix[1:], hypothesis.suffix[1:]
    with tempfile.TemporaryDirectory() as folder:
        command = [sclite_program(), "-r", str(reference), kinds[0], "-h", str(hypothesis), kinds[1]]
        if "trn" in kinds:
            command += ["-i", "spu_id"]
        command += ["-e", "utf-8", "-o", "pralign", "-O", folder, "-n", "x", "-f", "0", *asked]
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


def sc_stats(reference: Path, *hypotheses: Path) -> tuple[int, float, float, float]:
    """Segments, mean, standard deviation and Z of NIST's matched-pairs test of two systems, all to three decimals."""
    command = [sclite_program(), "-r", str(reference), "trn", "-i", "spu_id", "-o", "sgml", "stdout", "-f", "0"]
    for path in hypotheses:
        command += ["-h", str(path), "trn", path.stem]
    aligned = subprocess.run(command, capture_output=True, check=True).stdout
    command = [sclite_program("sc_stats"), "-p", "-t", "mapsswe", "-v", "-n", "-"]
    told = subprocess.run(command, input=aligned, capture_output=True, check=True).stdout.decode()
    found = re.search(r"# segs: (\d+)\).*mean: (\S+)\) \(std dev: (\S+)\) \(Z Stat: (\S+)\)", told)
    return int(found[1]), float(found[2]), float(found[3]), float(found[4])


def different(files: tuple[Path, Path], rules: Rules) -> dict:
    """How many utterances both counted, and how many got other counts."""
    theirs, counted = sclite(*files, rules), ours(score_files(*files, rules))
    unlike = [name for name in theirs.keys() | counted.keys() if theirs.get(name) != counted.get(name)]
    return {"utterances": len(theirs), "different": len(unlike)}


def compare(count: int, data_dir: Path | None) -> dict:
    """How many utterances were counted by both, and how many got other counts, for each kind of case."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        kinds = {"trn_against_trn": write_trn_case, "ctm_against_stm": write_stm_case}
        for kind, write in kinds.items():
            for rules in (Rules(), Rules(case_sensitive=True), Rules(optional=True, fragments=True)):
                files = write(Path(name), count, len(found))
                flags = " ".join(flag for attribute, flag in FLAGS.items() if getattr(rules, attribute))
                found[f"{kind} {flags}".strip()] = different(files, rules)
        model = keras_stt.load_model("librispeech-small")
        heard = {"synthetic_speech": spoken()} | ({"recordings": recorded(data_dir)} if data_dir else {})
        for kind, recordings in heard.items():
            found[f"heard_of_{kind}"] = different(write_heard_case(Path(name), model, recordings), Rules())
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


def compare_tests(count: int) -> dict:
    """The matched-pairs test of both on two systems."""
    with tempfile.TemporaryDirectory() as name:
        files = write_two_systems(Path(name), count, 0)
        test = matched_pairs(*(score_files(files[0], path) for path in files[1:]))
        segments, mean, deviation, z = sc_stats(*files)
    return {
        "ours": {"segments": test.segments, "mean": test.mean, "deviation": test.deviation, "z": test.z, "p": test.p},
        "sc_stats": {"segments": segments, "mean": mean, "deviation": deviation, "z": z},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000, help="utterances of each kind")
    parser.add_argument("--data_dir", type=Path, help="LibriSpeech folders, or a folder of them")
    args = parser.parse_args()
    found, tests = compare(args.cases, args.data_dir), compare_tests(args.cases)
    for name, kind in found.items():
        print(f"{name:30} {kind['utterances']:6} utterances, {kind['different']} counted otherwise")
    for name, test in tests.items():
        print(f"{name:30} {test}")
    write_results("scoring", {"cases": found, "matched_pairs": tests}, packages=("jiwer",))


if __name__ == "__main__":
    main()
