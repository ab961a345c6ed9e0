"""Word times of a recogniser's forced alignment beside those of TextGrids.

    python benchmarks/word_times.py MODEL --data_dir=LIBRISPEECH_FOLDER --alignment_dir=TEXTGRIDS [--output=NAME]

Writes benchmarks/results/NAME.json (default: word_times.json) and prints the table. The lead, by which tokens come
late, is for each speaker the median of the others. A model that was trained with phones has seen these very times:
name with `--speakers` those whose TextGrids it has not.
"""

import argparse
import collections
import json
import sys
from pathlib import Path

import numpy as np

import keras_stt
from keras_stt.alignment import WordAligner
from keras_stt.data.sources import open_corpus
from keras_stt.data.sources.options import CorpusOptions
from keras_stt.formats.lines import write_text
from keras_stt.train.utterance.word_times import start_differences

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--data_dir", required=True)
    parser.add_argument("--alignment_dir", required=True)
    parser.add_argument("--speakers", default="", help="speakers that are reported, comma-separated; all by default")
    parser.add_argument("--limit", type=int, default=40, help="utterances of each speaker")
    parser.add_argument("--output", default="word_times")
    arguments = parser.parse_args()
    model = keras_stt.load_model(arguments.model)
    aligner = WordAligner("textgrid", arguments.alignment_dir)
    by_speaker = collections.defaultdict(list)
    for record in open_corpus(CorpusOptions(dataset="librispeech_folder", data_dir=arguments.data_dir))["train"]:
        if len(by_speaker[record.speaker]) < arguments.limit and (aligned := aligner.align(record)).word_times:
            by_speaker[record.speaker].append(aligned)
    late = {
        speaker: start_differences(model, records) + model.lead for speaker, records in by_speaker.items() if records
    }
    if len(late) < 2:
        sys.exit("word_times.py: word times of fewer than two speakers; the lead of one is measured on the others")
    rows = []
    for speaker in [name for name in arguments.speakers.split(",") if name] or sorted(late):
        lead = float(np.median(np.concatenate([late[other] for other in late if other != speaker])))
        errors = np.abs(late[speaker] - lead)
        rows.append(
            {
                "speaker": speaker,
                "words": len(errors),
                "lead_seconds": lead,
                "mean_error_ms": 1000 * float(errors.mean()),
                "median_error_ms": 1000 * float(np.median(errors)),
                "within_100_ms": float((errors < 0.1).mean()),
            }
        )
        print("  ".join(f"{name} {value:.4g}" if name != "speaker" else value for name, value in rows[-1].items()))
    write_text(ROOT / f"benchmarks/results/{arguments.output}.json", json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
