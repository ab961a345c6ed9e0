"""Trains ten thousand steps on little data and watches the process: its memory, its open files, its threads, its
children, and what it leaves behind.

    python benchmarks/soak.py --folder=NEW_FOLDER

Memory after the last step may be at most 5 % above that after 500. Writes `benchmarks/results/soak.json`.
"""

import argparse
import json
import os
import time
from pathlib import Path

from processes import children
from training_runs import LONGEST, ROOT, finish, newest_step, said, start

RESULT = ROOT / "benchmarks/results/soak.json"
STEPS, EVERY, EPOCH = 10_000, 500, 250
FLAGS = (
    "--flagfile=flags/tiny.cfg",
    f"--steps_per_epoch={EPOCH}",
    f"--checkpoint_steps={EVERY}",
    "--test_utterances=2",
)
MOST_GROWTH = 1.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--backends", default="tensorflow,jax,torch", help="comma-separated")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--folder", type=Path, required=True, help="for runs and caches; must be new or empty")
    args = parser.parse_args()
    found = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for backend in args.backends.split(","):
        found[backend] = soak(args.folder / backend, backend, args.steps)
        RESULT.write_text(json.dumps(found, indent=1) + "\n")
        print(f"{backend}: {found[backend]}", flush=True)


def soak(output: Path, backend: str, steps: int) -> dict:
    """A run of so many steps, looked at after every 500th.

    Raises:
        AssertionError: it failed, grew, or left something behind.
    """
    cache = f"--cache_dir={output.parent / 'cache'}"
    # The corpus is built first: TFDS leaves an empty folder behind when it makes one.
    finish(output.parent / f"{backend}-prepared", backend, *FLAGS, cache, "--epochs=1", "--steps_per_epoch=1")
    temporary = output.parent / f"{output.name}-tmp"
    temporary.mkdir()
    os.environ["TMPDIR"] = str(temporary)
    began = time.monotonic()
    process = start(output, backend, *FLAGS, f"--epochs={steps // EPOCH}", cache)
    seen: dict[int, dict] = {}
    while process.poll() is None:
        assert time.monotonic() - began < 10 * LONGEST, said(output)
        step = newest_step(output) // EVERY * EVERY
        if step and step not in seen:
            seen[step] = look(process.pid)
        time.sleep(0.05)
    assert process.returncode == 0, said(output)
    first, last = seen[EVERY], seen[max(seen)]
    growth = last["memory_mb"] / first["memory_mb"]
    left = sorted(str(path.relative_to(temporary)) for path in temporary.rglob("*"))
    result = {
        "steps": steps,
        "seconds": round(time.monotonic() - began, 1),
        f"after_{EVERY}_steps": first,
        f"after_{max(seen)}_steps": last,
        "memory_growth": round(growth, 4),
        "most_memory_mb": max(one["memory_mb"] for one in seen.values()),
        "left_in_the_temporary_folder": left,
        "left_half_written": [path.name for path in output.rglob(".*")],
    }
    assert growth <= MOST_GROWTH, result
    assert last["files"] <= first["files"] + 2, result
    assert last["children"] == first["children"], result
    assert not left, result
    assert not result["left_half_written"], result
    return result


def look(pid: int) -> dict:
    """What the process holds now: memory in MB (10^6 bytes), files, threads, children."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return {
        "memory_mb": round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1),
        "files": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": len(os.listdir(f"/proc/{pid}/task")),
        "children": len(children(pid)),
    }


if __name__ == "__main__":
    main()
