"""What each part of the recogniser is worth: the runs of a comparison, drafted, refined and voted on dev.

    keras-stt compare flags/ablation/*.cfg --budget_cpu_s 1200 --output_dir FOLDER \\
      -- --data_dir=LIBRISPEECH --alignment_dir=TEXTGRIDS
    keras-stt compare flags/ablation/with_text/text.cfg --budget_cpu_s 1200 --output_dir FOLDER \\
      -- --data_dir=LIBRISPEECH --alignment_dir=TEXTGRIDS --text_corpus=TRANSCRIPTS
    python benchmarks/ablation.py FOLDER --data_dir=LIBRISPEECH

Writes benchmarks/results/recognizer_ablation.json and prints the table. Runs that are not there yet are left out.
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

FIGURES = ("parameters", "steps", "epochs", "train_cpu_seconds", "loss", "dev_cer", "backend")
ROOT = Path(__file__).resolve().parent.parent


def flagfile(name: str) -> Path:
    """Of the experiment of that name."""
    return next((ROOT / "flags/ablation").rglob(f"{name}.cfg"))


def description(name: str) -> str:
    """The first line of the experiment's flagfile, a comment."""
    return flagfile(name).read_text().splitlines()[0].removeprefix("# ")


def measured(run: Path, records: list) -> dict:
    model = keras_stt.load_model(run)
    summary = json.loads((run / "summary.json").read_text())
    utterances = Utterances(model, records)
    refined = 1 if model.refiner is not None else 0
    found = {name: summary[name] for name in FIGURES}
    ways = {"draft": Decoding(0), "refined": Decoding(refined), "voted": Decoding(refined, len(SPEEDS))}
    return found | {name: utterances.measure(decoding) for name, decoding in ways.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data_dir", required=True)
    arguments = parser.parse_args()
    corpus = open_corpus(CorpusOptions(dataset="librispeech_folder", data_dir=arguments.data_dir))
    records = list(corpus["dev"])
    rows = []
    for run in sorted(arguments.folder.glob("*/seed-1")):
        if not (run / "summary.json").is_file():
            continue
        name = run.parent.name
        said = {"flagfile": str(flagfile(name).relative_to(ROOT)), "description": description(name)}
        rows.append({"name": name, **said, **measured(run, records)})
        rates = "  ".join(f"{way} {rows[-1][way]['wer']:.1%}" for way in ("draft", "refined", "voted"))
        print(f"{name:16s}{rates}", flush=True)
    rows.sort(key=lambda row: (row["name"] != "base", row["voted"]["wer"]))
    write_text(ROOT / "benchmarks/results/recognizer_ablation.json", json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
