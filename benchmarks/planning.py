"""What a plan for much audio on many accelerators is made of: what a checkpoint takes, and how many operations a second
of audio takes to train on; for the small and the large recogniser.

    KERAS_BACKEND=torch python benchmarks/planning.py

On torch, which counts operations. Writes `benchmarks/results/planning.json`; `benchmarks/reliability_page.py` makes the
plan from it and from what other benchmarks have measured.
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
SECONDS = 60
CHECKPOINTS = 5


def main() -> None:
    from accelerator import SIZES, compiled
    from rounds import write_results

    found = {}
    for size in SIZES:
        model, inputs, targets = compiled(size, SECONDS)
        found[size] = {
            "parameters": model.count_params(),
            "operations_per_audio_second": operations(model, inputs, targets) / SECONDS,
            **checkpoint(model),
        }
        print(size, found[size], flush=True)
    write_results("planning", found)


def operations(model, inputs, targets) -> int:
    """Floating-point operations of a step, as torch counts them."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        model.train_on_batch(inputs, targets)
    return counter.get_total_flops()


def checkpoint(model) -> dict:
    """Bytes of a checkpoint and the median seconds that writing it takes, sum and sync included."""
    from keras_stt.train.checkpoints import CheckpointFolder, Progress, model_state

    times = []
    with tempfile.TemporaryDirectory(dir=ROOT) as place:
        folder = CheckpointFolder(place, last=1)
        for step in range(CHECKPOINTS):
            began = time.perf_counter()
            name = folder.write(model_state(model), Progress(), step)
            times.append(time.perf_counter() - began)
        size = (Path(place) / name).stat().st_size
    return {"checkpoint_bytes": size, "checkpoint_seconds": round(median(times), 3)}


if __name__ == "__main__":
    main()
