"""Whether we have become slower: a few ratios against peers and limits, measured anew beside the recorded ones.

    python benchmarks/check.py [--record]

Ratios, since times are of one machine. Each is measured in a few rounds on little data; only where one is more than
30 % below the recorded one, it is measured again, and the best of `TRIES` counts: other work on the machine makes a
ratio worse, never better for long. `--record` writes benchmarks/results/check.json. Exit code 1 where something is
slower, or where counts or features differ from the peer's.
"""

import argparse
import sys
from collections.abc import Callable

import input_pipeline
import log_mel
import training_speed
import wer_counting
from rounds import on_one_core, read_results, write_results
from speech import recordings

SLOWER = 0.7  # of the recorded ratio
TRIES = 4
ROUNDS = 5
SECONDS = 60.0  # of speech


def of_log_mel() -> dict[str, float]:
    rows = log_mel.compare(recordings(seconds=SECONDS), ROUNDS, peers=("librosa",))
    return {f"log-mel, times as fast as {row['name']}": row["ours_times_as_fast"] for row in rows[1:]}


def of_wer_counting() -> dict[str, float]:
    found = wer_counting.compare(1_000, ROUNDS)
    if not found["same_counts"]:
        sys.exit("the counts differ from jiwer's")
    return {"WER counting, times as fast as jiwer": found["ours_times_as_fast"]}


def of_input_pipeline() -> dict[str, float]:
    rows = input_pipeline.compare(recordings(seconds=SECONDS), ROUNDS)
    return {
        f"{row['format']}, {row['name']}, share of decoding alone": row["share_of_limit"]
        for row in rows
        if row["name"] != input_pipeline.LIMIT
    }


def of_training() -> dict[str, float]:
    (row,) = training_speed.compare(["torch"], "float32", ROUNDS, with_peer=False)
    return {"training on torch in float32, share of bare products": row["share_of_products"]}


GROUPS: tuple[Callable[[], dict[str, float]], ...] = (
    of_log_mel,
    of_wer_counting,
    of_input_pipeline,
    of_training,
)


def slower_than(recorded: dict[str, float], measure: Callable[[], dict[str, float]]) -> dict[str, float]:
    """The ratios of one group that stay below `SLOWER` of the recorded ones in `TRIES` tries, with the best of each."""
    best: dict[str, float] = {}
    for _ in range(TRIES):
        for name, ratio in measure().items():
            best[name] = max(ratio, best.get(name, 0.0))
        slower = {name: ratio for name, ratio in best.items() if ratio < SLOWER * recorded.get(name, 0.0)}
        if not slower:
            break
    for name, ratio in best.items():
        print(f"{name}: {ratio:.2f}, recorded {recorded.get(name, float('nan')):.2f}", flush=True)
    return slower


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help="measure and write down what later checks compare with")
    arguments = parser.parse_args()
    on_one_core()
    if arguments.record:
        ratios = {name: ratio for measure in GROUPS for name, ratio in measure().items()}
        write_results("check", {"ratios": ratios}, ("jiwer", "rapidfuzz", "scipy", "soundfile"))
        return
    recorded = read_results("check")["ratios"]
    slower = {name: ratio for measure in GROUPS for name, ratio in slower_than(recorded, measure).items()}
    if slower:
        sys.exit("slower than recorded: " + "; ".join(f"{name} {ratio:.2f}" for name, ratio in slower.items()))


if __name__ == "__main__":
    main()
