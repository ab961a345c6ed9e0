"""The input pipeline alone, on one core: audio per second, beside soundfile that only decodes the same files.

    python benchmarks/input_pipeline.py [--data_dir=LIBRISPEECH_FOLDER] [--rounds=5]

From an index of FLAC and of Opus files: preparing the store, which decodes and transforms each utterance once and
writes its log-mel frames, as a run does before its first epoch; batches of all epochs, which read them; and batches
without a store (`--nofeature_cache`), which decode every time. The store is prepared by as many threads as the machine
has cores, here on one core: what counts is the CPU time of them all. Batches are augmented as flags/recognizer.cfg
does. Writes benchmarks/results/input_pipeline.json and prints the table.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from rounds import ROUNDS, in_turn, on_one_core, times_as_fast, write_results
from speech import FORMATS, recordings, written

from keras_stt.audio import SAMPLE_RATE
from keras_stt.data.augment import Augmentation
from keras_stt.data.feature_store import ComputedFeatures, open_features
from keras_stt.data.index import build_index
from keras_stt.data.locations import FileAudio
from keras_stt.data.records import Record
from keras_stt.data.utterance_plan import UtterancePlan
from keras_stt.data.utterances import UtteranceBatches, frame_counts
from keras_stt.features import FRAME_SECONDS
from keras_stt.tokens import CharacterTokens

LIMIT = "soundfile decoding alone"
TEXT = "A TEXT AS LONG AS PEOPLE SAY IN SOME SECONDS"
BATCH_SECONDS = 120.0
AUGMENTATION = Augmentation(speed=0.1, time_masks=10, time_mask_ratio=0.05, frequency_masks=2, frequency_mask_bands=27)


def ways_of(paths: list[Path], utterances: list[np.ndarray], folder: Path) -> dict:
    """What is measured, by name, on one kind of file; `folder` is for index and features."""
    words = len(TEXT.split())
    records = [
        Record(
            path.stem, FileAudio(str(path)), 0.0, len(samples) / SAMPLE_RATE, "somebody", TEXT, ((0.0, 0.1),) * words
        )
        for path, samples in zip(paths, utterances, strict=True)
    ]
    index = build_index(records, folder / "index", "benchmark")
    stored, computed = open_features(index, folder / "features", "benchmark"), ComputedFeatures(index)
    tokens = CharacterTokens.learn([TEXT])
    durations = frame_counts(index, stored) * FRAME_SECONDS
    plan = UtterancePlan(durations, BATCH_SECONDS, 0, speeds=AUGMENTATION.speeds)

    def prepare_store():
        open_features(index, tempfile.mkdtemp(dir=folder), "benchmark")

    def epoch_of(features):
        batches = UtteranceBatches(index, features, tokens, plan, AUGMENTATION)
        return lambda: [batches[step] and None for step in range(len(batches))]

    return {
        LIMIT: lambda: [soundfile.read(path, dtype="float32") and None for path in paths],
        "preparing the store: decode, log-mel, write": prepare_store,
        "batches from the store": epoch_of(stored),
        "batches without a store": epoch_of(computed),
    }


def compare(utterances: list[np.ndarray], rounds: int) -> list[dict]:
    """A row for each kind of file and each way: median speed, and its share of the limit's."""
    rows, audio = [], sum(map(len, utterances)) / SAMPLE_RATE
    for kind in FORMATS:
        with written(utterances, kind) as paths, tempfile.TemporaryDirectory() as folder:
            seconds = in_turn(ways_of(paths, utterances, Path(folder)), rounds)
        rows += [
            {
                "format": kind,
                "name": name,
                "audio_hours_per_second": audio / 3600 / float(np.median(spent)),
                "share_of_limit": times_as_fast(seconds, name, LIMIT),
            }
            for name, spent in seconds.items()
        ]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data_dir", default="")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    on_one_core()
    rows = compare(recordings(arguments.data_dir), arguments.rounds)
    for row in rows:
        print(
            f"{row['format']:6s}{row['name']:46s}{row['audio_hours_per_second']:6.2f} hours per second, "
            f"{row['share_of_limit']:.0%} of the limit"
        )
    speech = "LibriSpeech" if arguments.data_dir else "synthetic"
    write_results("input_pipeline", {"rounds": arguments.rounds, "rows": rows, "speech": speech}, ("soundfile",))


if __name__ == "__main__":
    main()
