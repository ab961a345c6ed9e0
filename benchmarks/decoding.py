"""Ways to find the words with one model: draft, refinements, and a beam search with word n-grams, tuned on dev.

    python benchmarks/decoding.py MODEL --data_dir=LIBRISPEECH_FOLDER [--text=TRANSCRIPTS] [--output=NAME]

Writes benchmarks/results/NAME.json (default: decoding.json) and prints the table. The n-grams are learned from train's
transcripts alone, and from `--text` where it is given. What is chosen is chosen on dev; test is measured once.
"""

import argparse
import itertools
import json
import time
from pathlib import Path

from tqdm import tqdm

import keras_stt
from keras_stt.data.sources import open_corpus
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.data.text_paths import read_texts
from keras_stt.decoding.language_model import WordNgrams
from keras_stt.features import log_mel
from keras_stt.formats.lines import write_text
from keras_stt.text import normalize
from keras_stt.transcribe.utterances import Decoding, decode, hear
from keras_stt.wer import bootstrap_interval, edit_counts

ROOT = Path(__file__).resolve().parent.parent
MOST_PASSES = 3
LM_WEIGHTS = (0.3, 0.5, 0.7, 0.9)
WORD_BONUSES = (0.0, 1.0, 2.0)


class Utterances:
    """A split that is heard once for each number of passes, and decoded as often as one likes."""

    def __init__(self, model, records):
        self.model = model
        self.texts = [normalize(record.text) for record in records]
        self.seconds = sum(record.duration for record in records)
        self._frames = [log_mel(record.read(), model.mel_bands) for record in tqdm(records, desc="read", leave=False)]
        self._heard = {}

    def measure(self, decoding: Decoding) -> dict:
        """WER with its 95 % interval, and CPU-seconds of the search for an hour of audio, hearing left out."""
        if decoding.passes not in self._heard:
            self._heard[decoding.passes] = hear(self.model, self._frames, decoding.passes)
        started = time.process_time()
        said = [" ".join(w.text for w in decode(self.model, heard, decoding)) for heard in self._heard[decoding.passes]]
        spent = time.process_time() - started
        counts = [edit_counts(text.split(), words.split()) for text, words in zip(self.texts, said, strict=True)]
        low, high = bootstrap_interval(counts)
        wer = sum(counts[1:], counts[0]).rate
        return {"wer": wer, "wer_interval": [low, high], "search_cpu_seconds_per_hour": spent / self.seconds * 3600}


def tuned(dev: Utterances, language_model: WordNgrams, passes: int) -> Decoding:
    """The weights with the lowest WER on dev."""
    tried = [
        Decoding(passes, language_model, lm_weight=weight, word_bonus=bonus)
        for weight, bonus in itertools.product(LM_WEIGHTS, WORD_BONUSES)
    ]
    return min(tqdm(tried, desc="weights", leave=False), key=lambda decoding: dev.measure(decoding)["wer"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--text", default="")
    parser.add_argument("--output", default="decoding")
    parser.add_argument("--dev_only", action="store_true")
    arguments = parser.parse_args()
    model = keras_stt.load_model(arguments.model)
    corpus = open_corpus(CorpusOptions(dataset="librispeech_folder", data_dir=arguments.data_dir))
    dev = Utterances(model, list(corpus["dev"]))
    test = None if arguments.dev_only else Utterances(model, list(corpus["test"]))
    rows = []

    def measure(name: str, decoding: Decoding, **said) -> None:
        found = {
            split: utterances.measure(decoding) for split, utterances in (("dev", dev), ("test", test)) if utterances
        }
        rows.append({"name": name, "passes": decoding.passes, **said, **found})
        print(
            f"{name:32s}" + "  ".join(f"{split} {figures['wer']:.1%}" for split, figures in found.items()), flush=True
        )

    most = MOST_PASSES if model.refiner is not None else 0
    for passes in range(most + 1):
        measure(f"{passes} passes" if passes else "draft", Decoding(passes))
    sources = {"train's transcripts": [normalize(record.text) for record in corpus["train"]]}
    if arguments.text:
        sources["more text"] = read_texts(arguments.text)
    for source, texts in sources.items():
        language_model = WordNgrams.learn(texts)
        decoding = tuned(dev, language_model, min(1, most))
        weights = {"lm_weight": decoding.lm_weight, "word_bonus": decoding.word_bonus}
        measure(f"n-grams of {source}", decoding, texts=len(texts), **weights)
    write_text(ROOT / f"benchmarks/results/{arguments.output}.json", json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
