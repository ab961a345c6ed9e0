"""Makes a trained model one that comes with the package, and measures what half precision costs it.

    python benchmarks/pretrained.py RUN NAME [--after RUN ...]

RUN is the folder of a finished run of `train_main.py`, whose flags tell the corpus. Writes the model to
keras_stt/pretrained/NAME.keras, and benchmarks/results/pretrained_NAME.json: WER with its interval on dev and test, in
single and in half precision, as a draft, refined, and voted; and what training cost,
the runs counted `--after` which it began. Then
`benchmarks/recognizer_page.py` writes the model card.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from absl import flags

import keras_stt
from keras_stt.evaluation import evaluate_utterances, summarize
from keras_stt.export.half_precision import write_half_precision
from keras_stt.formats.lines import write_text
from keras_stt.pretrained import FOLDER
from keras_stt.train.corpus import open_splits
from keras_stt.train.options import TrainOptions
from keras_stt.train.utterance.word_times import measured_lead
from keras_stt.transcribe.utterances import SPEEDS

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PLACES = r"--\w+_dir=.+"  # flags that name folders of one machine
PATHS = r"(?<==)[^=,\n]*/[^,\n]*"  # of models, texts, and corpora that join train


def options_of(run: Path) -> TrainOptions:
    """The options of a run, from its `flags.cfg`."""
    import train_main

    flags.FLAGS(["pretrained.py", f"--flagfile={run / 'flags.cfg'}"])
    return TrainOptions(**{flag.name: flag.value for flag in flags.FLAGS.get_flags_for_module(train_main)})


def without_places(record: dict) -> dict:
    """The record of training that a model carries, without the folders of the machine it was trained on."""
    flags_given = re.sub(rf"^{PLACES}\n", "", record.get("flags", ""), flags=re.MULTILINE)
    return {**record, "flags": re.sub(PATHS, "PATH", flags_given)}


def ways(model) -> dict[str, dict]:
    """Keywords of `transcribe`, by what they are called in the card."""
    refined = {"passes": 1} if model.refiner is not None else {}
    return {
        "draft": {"passes": 0},
        **({"refined": refined} if refined else {}),
        "voted": {**refined, "candidates": len(SPEEDS)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--after", type=Path, nargs="*", default=[], metavar="RUN", help="runs whose cost counts too")
    arguments = parser.parse_args()
    model = keras_stt.load_model(arguments.run)
    splits = open_splits(options_of(arguments.run))
    times = measured_lead(model, splits["train"].index)  # anew: a model may be older than the way it is measured
    model.training_record = without_places(model.training_record) | {
        name: times[name] for name in ("lead",) if name in times
    }
    whole = arguments.run / "released.keras"
    model.save(whole)
    shipped = FOLDER / f"{arguments.name}.keras"
    found = write_half_precision(whole, shipped) | times
    found["parameters"] = model.count_params()
    summary = json.loads((arguments.run / "summary.json").read_text())
    found |= {name: summary[name] for name in ("train_cpu_seconds", "steps", "epochs", "backend")}
    for run in arguments.after:
        found["train_cpu_seconds"] += json.loads((run / "summary.json").read_text())["train_cpu_seconds"]
    splits = open_splits(options_of(arguments.run))
    half = keras_stt.load_model(arguments.name)
    for split in ("dev", "test"):
        index = splits[split].index
        records = [index[row] for row in range(len(index))]
        found[split] = {"single_draft": _rates(model, records, passes=0)}
        for name, decoding in ways(half).items():
            found[split][name] = _rates(half, records, **decoding)
            print(f"{split} {name}: {found[split][name]['wer']:.2%}", flush=True)
    write_text(ROOT / f"benchmarks/results/pretrained_{arguments.name}.json", json.dumps(found, indent=1) + "\n")


def _rates(model, records, **decoding) -> dict:
    figures = summarize(evaluate_utterances(model, records, **decoding))
    return {name: figures[name] for name in ("wer", "wer_interval", "cer", "utterances", "words", "hours")}


if __name__ == "__main__":
    main()
