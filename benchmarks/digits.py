"""Strings of digits by voices never heard: drafted, voted on, and searched for among the ten words, or all of it.

    python benchmarks/digits.py MODEL --data_dir=FSDD_FOLDER [--words=NAME] [--output=NAME]

The strings and their speakers are those of `flags/recognizer_digits.cfg`: jackson and nicolas test. Writes
benchmarks/results/NAME.json (default: digits.json) and prints the table. Where there are no n-grams of the name
`--words` yet, they are learned from the strings of train and written to keras_stt/pretrained.
"""

import argparse
import json
from pathlib import Path

from decoding import Utterances

import keras_stt
from keras_stt.data.sources import open_corpus
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.decoding.language_model import WordNgrams
from keras_stt.formats.lines import write_text
from keras_stt.pretrained import FOLDER, language_model_names
from keras_stt.transcribe.utterances import SPEEDS, Decoding

ROOT = Path(__file__).resolve().parent.parent
TEST = ("jackson", "nicolas")
ORDER = 2


def ways(words: WordNgrams) -> dict[str, Decoding]:
    """How strings are found, by what the table calls it."""
    return {
        "draft": Decoding(0),
        "voted": Decoding(0, len(SPEEDS)),
        "searched": Decoding(0, language_model=words),
        "searched and voted": Decoding(0, len(SPEEDS), language_model=words),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--words", default="digits-words")
    parser.add_argument("--output", default="digits")
    arguments = parser.parse_args()
    options = CorpusOptions(dataset="digits", data_dir=arguments.data_dir, dev_speakers=("none",), test_speakers=TEST)
    corpus = open_corpus(options)
    if arguments.words not in language_model_names():
        WordNgrams.learn((record.text for record in corpus["train"]), ORDER).save(FOLDER / f"{arguments.words}.npz")
    words = keras_stt.load_language_model(arguments.words)
    model = keras_stt.load_model(arguments.model)
    speakers = {
        name: Utterances(model, [record for record in corpus["test"] if record.speaker in names])
        for name, names in (("both", TEST), *((speaker, (speaker,)) for speaker in TEST))
    }
    rows = []
    for name, decoding in ways(words).items():
        rows.append({"name": name, **{who: strings.measure(decoding) for who, strings in speakers.items()}})
        print(f"{name:20s}" + "  ".join(f"{who} {rows[-1][who]['wer']:.1%}" for who in speakers), flush=True)
    found: dict = {"ways": rows}
    summary = Path(arguments.model) / "summary.json"
    if summary.is_file():  # of a run, not of a name
        found["train_cpu_seconds"] = json.loads(summary.read_text())["train_cpu_seconds"]
    write_text(ROOT / f"benchmarks/results/{arguments.output}.json", json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
