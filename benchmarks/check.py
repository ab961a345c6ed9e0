"""Whether we have become slower: a few ratios against peers and limits, measured anew beside the recorded ones.

    python benchmarks/check.py [--record]

Ratios, since times are of one machine; but they depend on its processor and what it can multiply at once too, so where
another one recorded them there is nothing to compare with: that is said, and the exit code is 0. Each ratio is measured
in a few rounds on little data; only where one is more than 30 % below the recorded one, its group is measured again,
and the best counts: other work on the machine makes a ratio worse. It may do so for hours, since reading memory suffers
from neighbours that decoding does not notice; so the code that was recorded is then run in turn with ours, and where it
does not reach what was recorded, what it reaches counts. `--record` writes the median of `TRIES` to
benchmarks/results/check.json, with the commit. Exit code 1 where something is slower, where a ratio was measured but
not recorded or recorded but not measured, or where the counts of word errors are not the peer's.

Checked are log-mel, the counting of word errors, the input pipeline, training on torch (against the peer in bfloat16,
against bare products in float32), the draft of a recording of 30 seconds on TensorFlow against the peer, and batches of
the window view at 100,000 utterances against those at 10,000. Not checked are the first step, memory, how long training
waits for data, exports, refinement, and other lengths and backends. Needs `pip install -e ".[benchmark]"`.
"""

import argparse
import contextlib
import functools
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
from earlier_code import answer, code_of, commit_of_today
from rounds import on_one_core, read_results, times_as_fast, write_results
from speech import recordings

from keras_stt.compare.hardware import hardware

Ratios = dict[str, float]
SLOWER = 0.7  # of the recorded ratio
TRIES = 4
PAIRS = 2  # of tries of the recorded code and ours
ROUNDS = 5
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
    rows = input_pipeline.compare(recordings(seconds=SECONDS), ROUNDS)
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


def best_ratios(recorded: Ratios, measure: Callable[[], Ratios], tries: int = TRIES) -> Ratios:
    """The ratios of one group: of up to so many tries the best, until none is slower than recorded."""
    best: Ratios = {}
    for _ in range(tries):
        for name, ratio in measure().items():
            best[name] = max(ratio, best.get(name, 0.0))
        if not slower_than(recorded, best):
            break
    for name, ratio in best.items():
        print(f"{name}: {ratio:.2f}, recorded {recorded.get(name, float('nan')):.2f}", flush=True)
    return best


def beside_earlier(recorded: Ratios, best: Ratios, measure: Callable[[], Ratios], earlier: Callable[[], Ratios]):
    """Where the best so far is slower than recorded: what can be expected now, and our best, measured in turn.

    Args:
        recorded, best: of one group.
        measure, earlier: the group by today's code, and by that which was recorded.
    """
    expected, reached = recorded, {}
    for _ in range(PAIRS):
        if not slower_than(expected, best):
            break
        for name, ratio in earlier().items():
            reached[name] = max(ratio, reached.get(name, 0.0))
        expected = {name: min(ratio, reached.get(name, ratio)) for name, ratio in recorded.items()}
        best = {name: max(ratio, best.get(name, 0.0)) for name, ratio in measure().items()}
    for name in slower_than(recorded, best):
        print(f"{name}: {best[name]:.2f}, by the recorded code now {reached.get(name, float('nan')):.2f}", flush=True)
    return expected, best


def slower_than(recorded: Ratios, measured: Ratios) -> Ratios:
    """Those that are below `SLOWER` of the recorded ones."""
    return {name: measured[name] for name in measured if name in recorded and measured[name] < SLOWER * recorded[name]}


def faults(recorded: Ratios, measured: Ratios) -> list[str]:
    """What is wrong, a line each."""
    return [
        *(f"slower than recorded: {name} {ratio:.2f}" for name, ratio in slower_than(recorded, measured).items()),
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
    arguments = parser.parse_args()
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
        write_results("check", {"processor": here, "commit": commit_of_today(), "ratios": ratios}, PACKAGES)
        return
    expected, measured = dict(found["ratios"]), {}
    with code_of(found["commit"]) as earlier:
        for measure in GROUPS:
            best = best_ratios(expected, measure, TRIES if earlier is None else 1)
            if earlier is not None:
                of_group = {name: expected[name] for name in best if name in expected}
                then = functools.partial(answer, earlier, "check", measure.__name__)
                now_expected, best = beside_earlier(of_group, best, measure, then)
                expected |= now_expected
            measured |= best
    wrong = faults(expected, measured)
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
