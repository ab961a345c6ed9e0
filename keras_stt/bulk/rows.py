"""The rows of several indexes as one sequence of inputs, so that workers begin once for all splits of a corpus."""

import bisect
import functools
import itertools
import os
from collections.abc import Iterator, Sequence

from keras_stt.data.index import Index
from keras_stt.data.records import Record


class Rows:
    """Records of indexes one after the other, by a number that goes through them all.

    Attributes:
        indexes: in their order.
        starts: number of the first row of each.
    """

    def __init__(self, folders: Sequence[str]):
        self.indexes = [Index(folder) for folder in folders]
        self.starts = list(itertools.accumulate(map(len, self.indexes), initial=0))

    def __len__(self) -> int:
        return self.starts[-1]

    def __getitem__(self, row: int) -> Record:
        place = bisect.bisect_right(self.starts, row) - 1
        return self.indexes[place][row - self.starts[place]]

    def identities(self) -> Iterator[str]:
        """Of each row, for `parts.divide`: the record, and its audio's file as it is now."""
        status = functools.lru_cache(maxsize=64)(_file_status)  # a long recording has many rows, one after the other
        for record in itertools.chain.from_iterable(self.indexes):
            yield f"{record.to_json()}\0{status(getattr(record.audio, 'path', ''))}"


def _file_status(path: str) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"
