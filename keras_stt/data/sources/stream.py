"""Records read one by one, with a count of those that had to be left out."""

from collections import Counter
from collections.abc import Callable, Iterator

from keras_stt.data.records import Record


class RecordStream:
    """The records of a split. Each iteration reads the corpus anew, in the same order.

    Attributes:
        skipped: how many records the last iteration left out, by reason.
        examples: for each reason, the first record or file it left out.
        length_hint: how many records to expect, for progress bars; None when that would mean reading the corpus.
    """

    def __init__(self, generate: Callable[["RecordStream"], Iterator[Record]], length_hint: int | None = None):
        """Takes a generator function, which is given the stream so as to call `skip` on it."""
        self._generate = generate
        self.length_hint = length_hint
        self.skipped: Counter = Counter()
        self.examples: dict[str, str] = {}

    def __iter__(self) -> Iterator[Record]:
        self.skipped.clear()
        self.examples.clear()
        return self._generate(self)

    def skip(self, reason: str, where: str) -> None:
        """Counts a record that is left out; `where` names it or its file."""
        self.skipped[reason] += 1
        self.examples.setdefault(reason, where)

    def describe_skipped(self) -> str:
        """`2 records skipped: no audio file (1-2-0003), ...`, or "" when none was."""
        if not self.skipped:
            return ""
        reasons = [f"{count} {reason} (first: {self.examples[reason]})" for reason, count in self.skipped.items()]
        return f"{self.skipped.total()} records skipped: {', '.join(reasons)}"
