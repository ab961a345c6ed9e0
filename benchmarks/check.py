"""Whether we have become slower: a few ratios against peers and limits, measured anew beside the recorded ones.

    python benchmarks/check.py [--least=0.35] [--record]

Ratios, since times are of one machine; but they depend on its processor and what it can multiply at once too, so where
another one recorded them there is nothing to compare with: that is said, and the exit code is 0. Each ratio is measured
in a few rounds on little data; only where one is below `--least` of the recorded one, its group is measured again, and
the best of `TRIES` counts. What else a machine does moves ratios too: reading memory suffers from neighbours that
decoding does not notice, and the same code was seen at 0.6 of what it was recorded at for an hour. So the default finds
slips that cost a factor (decoding in every epoch, a loop in Python, a step that is compiled again), not some per cent;
`--least=0.8` on a machine that was quiet while recording and is quiet now finds those. `--record` writes the median of
`TRIES` to benchmarks/results/check.json. Exit code 1 where something is slower, where a ratio was measured but not
recorded or recorded but not measured, or where the counts of word errors are not the peer's.

Checked are log-mel, the counting of word errors, the input pipeline, training on torch (against the peer in bfloat16,
against bare products in float32), the draft of a recording of 30 seconds on TensorFlow against the peer, and batches of
the window view at 100,000 utterances against those at 10,000. Not checked are the first step, memory, how long training
waits for data, exports, refinement, and other lengths and backends. Needs `pip install -e ".[benchmark]"`.
"""

import argparse
import contextlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

import growth
import input_pipeline
import log_mel
import training_speed
import transcription_peer
import wer_counting
from rounds import on_one_core, read_results, times_as_fast, write_results
from speech import recordings

from keras_stt.compare.hardware import hardware

Ratios = dict[str, float]
LEAST = 0.35  # of the recorded ratio
TRIES = 3
ROUNDS = 3
SECONDS = 60.0  # of speech
NEEDED = ("torch", "tensorflow", "transformers")  # by what is compared; a check without them would pass for nothing
PACKAGES = ("jiwer", "rapidfuzz", "scipy", "soundfile", "transformers")  # whose versions are written down
INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
NOT_COMPARED = "not compared: "
LARGE, SMALL = 100_000, 10_000  # utterances


def of_log_mel() -> Ratios:
    rows = log_mel.compare(recordings(seconds=SECONDS), ROUNDS, peers=("librosa",))
    return {f"log-mel, times as fast as {row['name']}": row["ours_times_as_fast"] for row in rows[1:]}


def of_wer_counting() -> Ratios:
    found = wer_counting.compare(1_000, ROUNDS)
    if not found["same_counts"]:
        sys.exit("the counts differ from jiwer's")
    return {"WER counting, times as fast as jiwer": found["ours_times_as_fast"]}


def of_input_pipeline() -> Ratios:
    rows = input_pipeline.compare(recordings(seconds=SECONDS), ROUNDS, formats=("FLAC",))
    return {
        f"{row['format']}, {row['name']}, share of decoding alone": row["share_of_limit"]
        for row in rows
        if row["name"] != input_pipeline.LIMIT
    }


def of_training() -> Ratios:
    (row,) = training_speed.compare(["torch"], "float32", ROUNDS, with_peer=False)
    half = training_speed.compare(["torch"], "bfloat16", ROUNDS)[0]
    return {
        "training on torch in float32, share of bare products": row["share_of_products"],
        "training on torch in bfloat16, times as fast as the peer": half["times_peer"],
    }


def of_transcription() -> Ratios:
    kinds = ["tensorflow", transcription_peer.PEER]
    rows = transcription_peer.compare("librispeech-small", kinds, [(30, 1)], ROUNDS)
    return {
        f"transcription of 30 s, {row['name']}, times as fast as the peer": row["times_peer"]
        for row in rows
        if row["name"] == "tensorflow draft"
    }


def of_growth() -> Ratios:
    with contextlib.redirect_stdout(None):  # a run tells of its corpus
        seconds = growth.seconds_of_batches("window", (SMALL, LARGE), ROUNDS)
    return {f"window batches at {LARGE:,} utterances, times those at {SMALL:,}": times_as_fast(seconds, LARGE, SMALL)}


GROUPS: tuple[Callable[[], Ratios], ...] = (
    of_log_mel,
    of_wer_counting,
    of_input_pipeline,
    of_training,
    of_transcription,
    of_growth,
)


def best_ratios(recorded: Ratios, least: float, measure: Callable[[], Ratios]) -> Ratios:
    """The ratios of one group: of up to `TRIES` tries the best, until none is slower than recorded."""
    best: Ratios = {}
    for _ in range(TRIES):
        for name, ratio in measure().items():
            best[name] = max(ratio, best.get(name, 0.0))
        if not slower_than(recorded, least, best):
            break
    for name, ratio in best.items():
        print(f"{name}: {ratio:.2f}, recorded {recorded.get(name, float('nan')):.2f}", flush=True)
    return best


def slower_than(recorded: Ratios, least: float, measured: Ratios) -> Ratios:
    """Those that are below `least` of the recorded ones."""
    return {name: measured[name] for name in measured if name in recorded and measured[name] < least * recorded[name]}


def faults(recorded: Ratios, least: float, measured: Ratios) -> list[str]:
    """What is wrong, a line each."""
    slower = slower_than(recorded, least, measured)
    return [
        *(f"slower than recorded: {name} {ratio:.2f}" for name, ratio in slower.items()),
        *(f"measured but not recorded: {name}" for name in measured if name not in recorded),
        *(f"recorded but not measured: {name}" for name in recorded if name not in measured),
    ]


def medians(measure: Callable[[], Ratios]) -> Ratios:
    """The ratios of one group as they are recorded."""
    tries = [measure() for _ in range(TRIES)]
    return {name: median(of[name] for of in tries) for name in tries[0]}


def processor() -> str:
    """Its name, which many share, and those of its instructions that decide how fast matrices are multiplied."""
    known = set()
    with contextlib.suppress(OSError):  # told on Linux alone
        known = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    return " ".join([hardware()["cpu"], *(name for name in INSTRUCTIONS if name in known)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help="measure and write down what later checks compare with")
    parser.add_argument("--least", type=float, default=LEAST, help="of the recorded ratio; below it is slower")
    arguments = parser.parse_args()
    least = arguments.least
    found = None if arguments.record else read_results("check")
    here = processor()
    if found and found["processor"] != here:
        print(f"{NOT_COMPARED}recorded on {found['processor']}, this is {here}")
        return
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f'{", ".join(missing)}: not installed, but compared with; pip install -e ".[benchmark]"')
    on_one_core()
    if found is None:
        ratios = {name: ratio for measure in GROUPS for name, ratio in medians(measure).items()}
        write_results("check", {"processor": here, "ratios": ratios}, PACKAGES)
        return
    recorded = found["ratios"]
    measured = {name: ratio for measure in GROUPS for name, ratio in best_ratios(recorded, least, measure).items()}
    wrong = faults(recorded, least, measured)
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
