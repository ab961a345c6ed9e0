"""Ways to find the words with one model: draft, refinements, votes, and a search with word n-grams, tuned on dev.

    python benchmarks/decoding.py MODEL --data_dir=LIBRISPEECH_FOLDER [--text=TRANSCRIPTS] [--output=NAME]

Writes benchmarks/results/NAME.json (default: decoding.json) and prints the table. The n-grams are learned from train's
transcripts alone, and from `--text` where it is given. What is chosen is chosen on dev; test is measured once.
"""

import argparse
import dataclasses
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
from keras_stt.transcribe.utterances import SPEEDS, Decoding, Heard, decode, hear_at_speeds
from keras_stt.wer import bootstrap_interval, edit_counts

ROOT = Path(__file__).resolve().parent.parent
MOST_PASSES = 3
CANDIDATES = (3, 5, 7)
BEAM = 16
EXAMPLES = 10
LM_WEIGHTS = (0.5, 0.7, 0.9, 1.1)
WORD_BONUSES = (1.0, 2.0, 3.0)


class Utterances:
    """A split that is heard once for each number of passes, at all speeds, and decoded as often as one likes."""

    def __init__(self, model, records):
        self.model = model
        self.texts = [normalize(record.text) for record in records]
        self.seconds = sum(record.duration for record in records)
        self.frames = [log_mel(record.read(), model.mel_bands) for record in tqdm(records, desc="read", leave=False)]
        self._heard: dict[int, list[list[Heard]]] = {}

    def said(self, decoding: Decoding) -> list[str]:
        """What is found to be said in each."""
        if decoding.passes not in self._heard:
            self._heard[decoding.passes] = hear_at_speeds(self.model, self.frames, decoding.passes, len(SPEEDS))
        hearings = [each[: decoding.candidates] for each in self._heard[decoding.passes]]
        return [" ".join(word.text for word in decode(self.model, each, decoding)) for each in hearings]

    def measure(self, decoding: Decoding) -> dict:
        """`wer` with its 95 % interval, and the edits of all utterances."""
        counts = [
            edit_counts(text.split(), words.split())
            for text, words in zip(self.texts, self.said(decoding), strict=True)
        ]
        total = sum(counts[1:], counts[0])
        edits = {name: getattr(total, name) for name in ("substitutions", "deletions", "insertions")}
        return {"wer": total.rate, "wer_interval": list(bootstrap_interval(counts)), **edits}

    def cost(self, decoding: Decoding) -> float:
        """CPU-seconds for an hour of audio, from log-mel to words."""
        started = time.process_time()
        for hearings in hear_at_speeds(self.model, self.frames, decoding.passes, decoding.candidates):
            decode(self.model, hearings, decoding)
        return (time.process_time() - started) / self.seconds * 3600


def tuned(dev: Utterances, language_model: WordNgrams, passes: int) -> Decoding:
    """The weights with the lowest WER on dev, heard once."""
    tried = [
        Decoding(passes, language_model=language_model, beam=BEAM, lm_weight=weight, word_bonus=bonus)
        for weight, bonus in itertools.product(LM_WEIGHTS, WORD_BONUSES)
    ]
    return min(tqdm(tried, desc="weights", leave=False), key=lambda decoding: dev.measure(decoding)["wer"])


def examples(split: Utterances, passes: int, searched: Decoding) -> list[dict]:
    """Some utterances, spread over the split, and what is made of them."""
    voted = Decoding(passes, max(CANDIDATES))
    ways = {
        "draft": Decoding(0),
        "refined": Decoding(passes),
        "voted": voted,
        "n-grams": dataclasses.replace(searched, candidates=max(CANDIDATES)),
    }
    said = {name: split.said(decoding) for name, decoding in ways.items()}
    rows = [round(i * (len(split.texts) - 1) / (EXAMPLES - 1)) for i in range(EXAMPLES)]
    return [{"spoken": split.texts[row], **{name: texts[row] for name, texts in said.items()}} for row in rows]


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
        splits = {split: utterances for split, utterances in (("dev", dev), ("test", test)) if utterances}
        found = {split: utterances.measure(decoding) for split, utterances in splits.items()}
        spent = {"cpu_seconds_per_hour": dev.cost(decoding)}
        of = {"passes": decoding.passes, "candidates": decoding.candidates}
        rows.append({"name": name, **of, **said, **found, **spent})
        rates = "  ".join(f"{split} {figures['wer']:.1%}" for split, figures in found.items())
        print(f"{name:44s}{rates}  {spent['cpu_seconds_per_hour']:5.0f} CPU-s an hour", flush=True)

    passes = 1 if model.refiner is not None else 0
    for number in range(MOST_PASSES + 1 if passes else 1):
        measure(f"refined, {number} passes" if number else "draft", Decoding(number))
    for candidates in CANDIDATES:
        measure(f"voted, {candidates} hearings", Decoding(passes, candidates))
        if passes:
            measure(f"voted, {candidates} hearings, drafts alone", Decoding(0, candidates))
    sources = {"train's transcripts": [normalize(record.text) for record in corpus["train"]]}
    if arguments.text:
        sources["more text"] = read_texts(arguments.text)
    for source, texts in sources.items():
        best = tuned(dev, WordNgrams.learn(texts), passes)
        weights = {"texts": len(texts), "lm_weight": best.lm_weight, "word_bonus": best.word_bonus}
        measure(f"n-grams of {source}", best, **weights)
        measure(f"n-grams of {source}, voted", dataclasses.replace(best, candidates=max(CANDIDATES)), **weights)
    found = {"ways": rows, "examples": examples(test or dev, passes, best)}
    write_text(ROOT / f"benchmarks/results/{arguments.output}.json", json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
