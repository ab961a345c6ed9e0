"""What there is to compute with, and room for what is kept."""

import itertools
import os
import platform
import shutil
import stat
from pathlib import Path

from keras_stt.doctor.finding import BROKEN, MISSING, OK, Finding

LEAST_MEMORY, LEAST_DISK = 1 << 30, 1 << 30  # bytes: a model of the size of those that come along takes less
MOST_FILES = 50_000  # that are counted: a look must not take minutes
CACHES = {"our": "~/.cache/keras_stt", "TFDS": "~/tensorflow_datasets"}
_MEMORY = Path("/proc/meminfo")


def look_at_machine() -> list[Finding]:
    """Cores, memory, caches, and disks."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    findings = [Finding("cores", OK, f"{cores}, {platform.machine()}, {platform.system()} {platform.release()}")]
    findings += [_memory()] if _MEMORY.is_file() else []
    findings += [_cache(name, Path(os.path.expanduser(folder))) for name, folder in CACHES.items()]
    return [*findings, _disk("current folder", Path())]


def _memory() -> Finding:
    lines = dict(line.split(":") for line in _MEMORY.read_text().splitlines())
    free, there = (int(lines[name].split()[0]) << 10 for name in ("MemAvailable", "MemTotal"))
    told = f"{size(free)} free of {size(there)}"
    if free < LEAST_MEMORY:
        return Finding("memory", BROKEN, told, "end other programs")
    return Finding("memory", OK, told)


def _cache(name: str, folder: Path) -> Finding:
    """Its size, where there is one, and the room beside it."""
    if not folder.is_dir():
        return Finding(f"{name} cache", OK, f"{folder}, not there yet")
    if not os.access(folder, os.W_OK):
        return Finding(f"{name} cache", MISSING, f"{folder} cannot be written", "give --cache_dir, or mend its rights")
    paths = list(itertools.islice(folder.rglob("*"), MOST_FILES + 1))
    least = "more than " if len(paths) > MOST_FILES else ""
    room = _disk(f"{name} cache", folder)
    told = f"{folder}, {least}{size(sum(map(bytes_of, paths)))}; {room.told}"
    return Finding(room.name, room.state, told, room.fix)


def _disk(name: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    if free < LEAST_DISK:
        return Finding(name, MISSING, f"only {size(free)} of disk free", "make room, or go to another disk")
    return Finding(name, OK, f"{size(free)} of disk free")


def bytes_of(path: Path) -> int:
    """Of a file; 0 of what is none, may not be looked at, or went away meanwhile."""
    try:
        status = path.lstat()
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def size(count: int) -> str:
    """Bytes as people say them."""
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count / 1024:,.0f} KB"
