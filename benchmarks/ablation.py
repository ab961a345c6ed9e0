"""What each part of the recogniser is worth: the runs of a comparison, drafted, refined and voted on dev.

    keras-stt compare flags/ablation/*.cfg --budget_cpu_s 1200 --output_dir FOLDER \\
      -- --data_dir=LIBRISPEECH --alignment_dir=TEXTGRIDS
    keras-stt compare flags/ablation/with_text/text.cfg --budget_cpu_s 1200 --output_dir FOLDER \\
      -- --data_dir=LIBRISPEECH --alignment_dir=TEXTGRIDS --text_corpus=TRANSCRIPTS
    python benchmarks/ablation.py FOLDER --data_dir=LIBRISPEECH

Writes benchmarks/results/recognizer_ablation.json and prints the table. Runs that are not there yet are left out;
one that was measured before is not measured again.
"""

import argparse
import json
from pathlib import Path

from decoding import Utterances

import keras_stt
from keras_stt.data.sources import open_corpus
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.formats.lines import write_text
from keras_stt.transcribe.utterances import SPEEDS, Decoding

WAYS = ("draft", "refined", "voted")
FIGURES = ("parameters", "steps", "epochs", "train_cpu_seconds", "loss", "dev_cer", "backend")
ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks/results/recognizer_ablation.json"


def flagfile(name: str) -> Path:
    """Of the experiment of that name."""
    return next((ROOT / "flags/ablation").rglob(f"{name}.cfg"))


def description(name: str) -> str:
    """The first line of the experiment's flagfile, a comment."""
    return flagfile(name).read_text().splitlines()[0].removeprefix("# ")


def measured(run: Path, records: list, before: dict) -> dict:
    """The figures of a run, those measured before where it is the same one."""
    summary = json.loads((run / "summary.json").read_text())
    if all(before.get(name) == summary[name] for name in FIGURES):
        return {name: before[name] for name in (*FIGURES, *WAYS)}
    model = keras_stt.load_model(run)
    utterances = Utterances(model, records)
    refined = 1 if model.refiner is not None else 0
    found = {name: summary[name] for name in FIGURES}
    decodings = (Decoding(0), Decoding(refined), Decoding(refined, len(SPEEDS)))
    return found | {name: utterances.measure(decoding) for name, decoding in zip(WAYS, decodings, strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data_dir", required=True)
    arguments = parser.parse_args()
    corpus = open_corpus(CorpusOptions(dataset="librispeech_folder", data_dir=arguments.data_dir))
    records = list(corpus["dev"])
    known = {row["name"]: row for row in json.loads(RESULTS.read_text())} if RESULTS.is_file() else {}
    rows = []
    for run in sorted(arguments.folder.glob("*/seed-1")):
        if not (run / "summary.json").is_file():
            continue
        name = run.parent.name
        said = {"flagfile": str(flagfile(name).relative_to(ROOT)), "description": description(name)}
        rows.append({"name": name, **said, **measured(run, records, known.get(name, {}))})
        rates = "  ".join(f"{way} {rows[-1][way]['wer']:.1%}" for way in WAYS)
        print(f"{name:16s}{rates}", flush=True)
    rows.sort(key=lambda row: (row["name"] != "base", row["voted"]["wer"]))
    write_text(RESULTS, json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
